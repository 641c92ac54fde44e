"""Rule `scores`: join what the voice and the words say about every utterance of every fold."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.scores import join

with logged(snakemake.log[0]):
    speech, utterances, transcripts, sentiment = (
        pd.concat([tables.read(contract, path) for path in paths], ignore_index=True)
        for contract, paths in (
            (contracts.SPEECH_LOGITS, snakemake.input.speech),
            (contracts.UTTERANCES, snakemake.input.utterances),
            (contracts.TRANSCRIPTS, snakemake.input.transcripts),
            (contracts.SENTIMENT_LOGITS, snakemake.input.sentiment),
        )
    )
    scores, temperatures = join(speech, utterances, transcripts, sentiment, snakemake.params.recipe["calibration"])
    tables.write(scores, contracts.SCORES, snakemake.output.scores)
    tables.write_json({"temperature": temperatures}, snakemake.output.calibration)
