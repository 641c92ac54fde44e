"""Rule `spoken`: join what is said and by whom, which is the same in every fold."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.scores import sentiments, spoken

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    utterances, transcripts, sentiment = (
        pd.concat([tables.read(contract, path) for path in paths], ignore_index=True)
        for contract, paths in (
            (contracts.UTTERANCES, snakemake.input.utterances),
            (contracts.TRANSCRIPTS, snakemake.input.transcripts),
            (contracts.SENTIMENT_LOGITS, snakemake.input.sentiment),
        )
    )
    table = spoken(utterances, transcripts, sentiments(sentiment))
    tables.write(table, contracts.SPOKEN, snakemake.output[0])
