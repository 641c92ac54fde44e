"""Have Whisper write down one shard of a corpus."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, provenance, tables
from emofuse.logs import logged
from emofuse.text import transcription

settings = snakemake.params.settings

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    shard = tables.shard(utterances, int(snakemake.wildcards.shard), settings["shard_size"])
    transcripts = transcription.transcribe(
        transcription.load_model(settings["checkpoint"], settings["device"]),
        shard,
        language=settings["language"],
        batch_size=settings["batch_size"],
        seed=provenance.seed(*settings["seed"]),
    )
    tables.write(transcripts, contracts.TRANSCRIPTS, snakemake.output[0])
