"""Rule `merge_embeddings`: put the shards of a corpus's embeddings together."""

from emofuse import tables
from emofuse.speech import storage

utterances = tables.read("utterances", snakemake.input.utterances)
storage.merge(snakemake.input.shards, list(utterances["utterance"]), snakemake.output[0])
