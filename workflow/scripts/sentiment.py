"""Rule `sentiment`: read the sentiment of a corpus's transcripts."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, gpus, parts, tables
from emofuse.logs import logged
from emofuse.text import sentiment

recipe, resources = snakemake.params.recipe, snakemake.resources
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    torch.set_num_threads(snakemake.threads)
    logits = sentiment.table(
        *sentiment.load_model(recipe["checkpoint"], gpus.claim(resources.device)),
        tables.read(contracts.TRANSCRIPTS, snakemake.input.transcripts),
        normalisation=parts.load(recipe["normalisation"]),
        batch_size=resources.batch_size,
    )
    tables.write(logits, contracts.SENTIMENT_LOGITS, snakemake.output[0])
