"""Rule `text_expert`: learn emotions from the transcripts of the training speakers, fold by fold."""

import pandas as pd
from threadpoolctl import threadpool_limits

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import expert

recipe = snakemake.params.recipe
with (
    logged(snakemake.log[0], snakemake.input, snakemake.output),
    threadpool_limits(snakemake.threads),
    tables.writing_folds(contracts.TEXT_EXPERT, snakemake.output[0]) as write,
):
    for of_fold in expert.predict(
        tables.Folds(contracts.FOLDS, snakemake.input.folds, only=recipe["folds"]),
        pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances]),
        pd.concat([tables.read(contracts.TRANSCRIPTS, path) for path in snakemake.input.transcripts]),
        expert.make_experts(recipe["experts"], snakemake.input.embeddings),
        parts=recipe["parts"],
    ):
        write(of_fold)
