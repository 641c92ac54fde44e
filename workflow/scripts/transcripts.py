"""Rule `transcripts`: let Whisper transcribe one shard of a corpus."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, gpus, provenance, tables
from emofuse.corpora import base
from emofuse.logs import logged
from emofuse.text import transcription

recipe, resources, wildcards = snakemake.params.recipe, snakemake.resources, snakemake.wildcards
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    torch.set_num_threads(snakemake.threads)
    shard = base.shard(
        recipe,
        resources.path,
        number=int(wildcards.shard),
        shards=int(wildcards.shards),
        partial=bool(resources.partial),
        kept=resources.labels,
        threads=snakemake.threads,
    )
    transcripts = transcription.transcribe(
        transcription.load_model(recipe["checkpoint"], gpus.claim(resources.device)),
        shard,
        language=recipe["language"],
        batch_size=resources.batch_size,
        seed=provenance.seed(*recipe["seed"]),
    )
    tables.write(transcripts, contracts.TRANSCRIPTS, snakemake.output[0])
