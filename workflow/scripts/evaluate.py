"""Metrics of every method, and every method against the speech classifier."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.evaluation.leaderboard import leaderboard
from emofuse.evaluation.metrics import evaluate
from emofuse.evaluation.statistics import compare
from emofuse.logs import logged
from emofuse.provenance import seed

settings = snakemake.params.settings

with logged(snakemake.log[0]):
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    about = scores.loc[scores["split"] == "test", ["fold", "utterance", "speaker", "condition"]]
    predictions = {
        path.split("/")[-2]: tables.read(contracts.PREDICTIONS, path).merge(about, on=["fold", "utterance"])
        for path in snakemake.input.predictions
    }
    metrics = pd.concat([evaluate(table, predictions["speech"], name) for name, table in predictions.items()])
    comparison = pd.concat(
        [
            compare(
                table,
                predictions["speech"],
                name,
                confidence=settings["confidence"],
                resamples=settings["resamples"],
                seed=seed(*settings["seed"], "interval"),
            )
            for name, table in predictions.items()
        ]
    )
    tables.write(metrics, contracts.METRICS, snakemake.output.metrics)
    tables.write(comparison, contracts.COMPARISON, snakemake.output.comparison)
    text = leaderboard(comparison, metrics, settings["ceilings"], settings["title"])
    tables.write_text(text, snakemake.output.leaderboard)
