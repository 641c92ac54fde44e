"""Rule `text_embeddings`: let an encoder read one shard of a corpus's transcripts."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, gpus, parts, storage, tables
from emofuse.logs import logged
from emofuse.text import embeddings

recipe, resources, wildcards = snakemake.params.recipe, snakemake.resources, snakemake.wildcards
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    torch.set_num_threads(snakemake.threads)
    transcripts = tables.read(contracts.TRANSCRIPTS, snakemake.input.transcripts)
    shard = tables.shard(transcripts, int(wildcards.shard), int(wildcards.shards))
    read = embeddings.embed(
        *embeddings.load(recipe["checkpoint"], gpus.claim(resources.device)),
        list(shard["text"].map(parts.load(recipe["normalisation"]))),
        resources.batch_size,
    )
    storage.write(read, list(shard["utterance"]), snakemake.output[0])
