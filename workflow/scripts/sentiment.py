"""Read the sentiment of a corpus's transcripts."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import sentiment

settings = snakemake.params.settings

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    transcripts = tables.read(contracts.TRANSCRIPTS, snakemake.input.transcripts)
    model, tokenizer = sentiment.load_model(settings["checkpoint"], settings["device"])
    result = sentiment.table(model, tokenizer, transcripts, settings["normalisation"], settings["batch_size"])
    tables.write(result, contracts.SENTIMENT_LOGITS, snakemake.output[0])
