"""Rule `merge_text_embeddings`: put the shards of a corpus's text embeddings together."""

from emofuse import contracts, storage, tables
from emofuse.logs import logged

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    transcripts = tables.read(contracts.TRANSCRIPTS, snakemake.input.transcripts)
    storage.merge(snakemake.input.shards, list(transcripts["utterance"]), snakemake.output[0])
