"""Rule `embeddings`: let an encoder listen to one shard of a corpus."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from emofuse import gpus, storage
from emofuse.corpora import base
from emofuse.logs import logged
from emofuse.speech import embeddings

recipe, resources, wildcards = snakemake.params.recipe, snakemake.resources, snakemake.wildcards
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    shard = base.shard(
        recipe,
        resources.path,
        number=int(wildcards.shard),
        shards=int(wildcards.shards),
        partial=bool(resources.partial),
        kept=resources.labels,
        threads=snakemake.threads,
    )
    heard = embeddings.embed(
        *embeddings.load(recipe["checkpoint"], gpus.claim(resources.device)),
        shard,
        budget=resources.budget,
        threads=snakemake.threads,
        precision=recipe["precision"],
    )
    storage.write(heard, list(shard["utterance"]), snakemake.output[0])
