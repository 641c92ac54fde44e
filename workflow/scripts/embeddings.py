"""Rule `embeddings`: have an encoder listen to one shard of a corpus."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.speech import embeddings, storage

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    shard = tables.shard(utterances, int(snakemake.wildcards.shard), settings["shard_size"])
    model, extractor = embeddings.load(settings["checkpoint"], settings["device"])
    found = embeddings.embed(model, extractor, shard, settings["budget"], snakemake.threads, settings["precision"])
    storage.write(found, list(shard["utterance"]), snakemake.output[0])
