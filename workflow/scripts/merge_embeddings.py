"""Rule `merge_embeddings`: put the shards of a corpus's embeddings together."""

from emofuse import contracts, storage, tables
from emofuse.logs import logged

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    storage.merge(snakemake.input.shards, list(recordings["utterance"]), snakemake.output[0])
