"""Rule `evaluate`: choose a method per fold, compute the metrics of each, and compare it with the voice alone."""

from emofuse import contracts, tables
from emofuse.evaluation.choice import choose, compose
from emofuse.evaluation.leaderboard import leaderboard
from emofuse.evaluation.metrics import metrics_of
from emofuse.evaluation.statistics import comparison_of
from emofuse.logs import logged
from emofuse.places import CHOSEN
from emofuse.provenance import seed

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    predictions = {
        method: tables.Folds(contracts.PREDICTIONS, path)
        for method, path in zip(recipe["methods"], snakemake.input.predictions, strict=True)
    }
    inner = {
        method: tables.Folds(contracts.INNER, path)
        for method, path in zip(recipe["candidates"], snakemake.input.inner, strict=True)
    }
    choices = choose(inner)
    tables.write(choices, contracts.CHOICES, snakemake.output.choices)
    with tables.writing_folds(contracts.PREDICTIONS, snakemake.output.chosen) as write:
        for of_fold in compose(choices, predictions):
            write(of_fold)
    predictions[CHOSEN] = tables.Folds(contracts.PREDICTIONS, snakemake.output.chosen)
    metrics = metrics_of(predictions)
    comparison = comparison_of(
        predictions,
        recipe["ceilings"],
        confidence=recipe["confidence"],
        resamples=recipe["resamples"],
        seed=seed(*recipe["seed"], "interval"),
    )
    tables.write(metrics, contracts.METRICS, snakemake.output.metrics)
    tables.write(comparison, contracts.COMPARISON, snakemake.output.comparison)
    text = leaderboard(comparison, metrics, choices, recipe["ceilings"], recipe["confidence"], recipe["title"])
    tables.write_text(text, snakemake.output.leaderboard)
