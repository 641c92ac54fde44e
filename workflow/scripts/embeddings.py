"""Rule `embeddings`: let an encoder listen to one shard of a corpus."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from emofuse import audio, contracts, tables
from emofuse.logs import logged
from emofuse.speech import embeddings, storage

recipe, resources, wildcards = snakemake.params.recipe, snakemake.resources, snakemake.wildcards
with logged(snakemake.log[0]):
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    shard = tables.shard(recordings, int(wildcards.shard), int(wildcards.shards))
    heard = embeddings.embed(
        *embeddings.load(recipe["checkpoint"], resources.device),
        audio.resolve(shard, resources.root),
        budget=resources.budget,
        threads=snakemake.threads,
        precision=recipe["precision"],
    )
    storage.write(heard, list(shard["utterance"]), snakemake.output[0])
