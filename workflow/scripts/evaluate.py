"""Rule `evaluate`: compute the metrics of every method, and compare it with the voice alone."""

from emofuse import contracts, tables
from emofuse.evaluation.leaderboard import leaderboard
from emofuse.evaluation.metrics import metrics_of
from emofuse.evaluation.statistics import comparison_of
from emofuse.logs import logged
from emofuse.provenance import seed

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    predictions = {
        method: tables.read(contracts.PREDICTIONS, path)
        for method, path in zip(recipe["methods"], snakemake.input.predictions, strict=True)
    }
    metrics = metrics_of(predictions)
    comparison = comparison_of(
        predictions,
        confidence=recipe["confidence"],
        resamples=recipe["resamples"],
        seed=seed(*recipe["seed"], "interval"),
    )
    tables.write(metrics, contracts.METRICS, snakemake.output.metrics)
    tables.write(comparison, contracts.COMPARISON, snakemake.output.comparison)
    text = leaderboard(comparison, metrics, recipe["ceilings"], recipe["confidence"], recipe["title"])
    tables.write_text(text, snakemake.output.leaderboard)
