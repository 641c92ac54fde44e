"""Rule `across`: compare the experiments of a study that test the same corpus."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.evaluation.across import Results, across, leaderboard
from emofuse.logs import logged
from emofuse.provenance import seed

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    paths = iter(snakemake.input)
    compared = []
    for target, experiments in recipe["targets"]:
        tested = [
            Results(
                name, train, {method: tables.read(contracts.PREDICTIONS, next(paths)) for method in recipe["methods"]}
            )
            for name, train in experiments
        ]
        drawn = seed(recipe["seed"], target, "interval")
        compared.append(
            across(target, tested, confidence=recipe["confidence"], resamples=recipe["resamples"], seed=drawn)
        )
    table = pd.concat(compared, ignore_index=True)
    tables.write(table, contracts.ACROSS, snakemake.output.table)
    text = leaderboard(table, recipe["ceilings"], recipe["confidence"], recipe["title"])
    tables.write_text(text, snakemake.output.leaderboard)
