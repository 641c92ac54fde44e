"""Rule `published_scores`: join published scores with what their corpus says, and list its folds."""

import pandas as pd

from emofuse import contracts, splits, tables
from emofuse.logs import logged
from emofuse.scores import published

with logged(snakemake.log[0]):
    table, utterances, transcripts = (
        pd.concat([tables.read(contract, path) for path in paths])
        for contract, paths in (
            (contracts.PUBLISHED, snakemake.input.published),
            (contracts.UTTERANCES, snakemake.input.utterances),
            (contracts.TRANSCRIPTS, snakemake.input.transcripts),
        )
    )
    scores = published(table, utterances, transcripts, snakemake.params.recipe["folds"])
    folds = scores[list(contracts.FOLDS.columns)]
    splits.check_speakers(folds, utterances)
    splits.check(folds, utterances)
    tables.write(folds, contracts.FOLDS, snakemake.output.folds)
    tables.write(scores, contracts.SCORES, snakemake.output.scores)
