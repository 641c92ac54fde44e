"""Rule `merge_embeddings`: put the shards of a corpus's embeddings together."""

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.speech import storage

with logged(snakemake.log[0]):
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    storage.merge(snakemake.input.shards, list(utterances["utterance"]), snakemake.output[0])
