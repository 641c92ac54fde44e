"""Rule `text_expert`: learn emotions from the transcripts of the training speakers, fold by fold."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import expert

recipe = snakemake.params.recipe
with logged(snakemake.log[0]):
    folds = tables.read(contracts.FOLDS, snakemake.input.folds)
    read = expert.predict(
        folds[folds["fold"].isin(recipe["folds"])],
        pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances]),
        pd.concat([tables.read(contracts.TRANSCRIPTS, path) for path in snakemake.input.transcripts]),
        inverse_penalty=recipe["inverse_penalty"],
        smoothing=recipe["smoothing"],
        parts=recipe["parts"],
    )
    tables.write(read, contracts.TEXT_EXPERT, snakemake.output[0])
