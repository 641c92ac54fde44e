"""Rule `merge_transcripts`: put the shards of a corpus's transcripts together."""

from emofuse import contracts, tables
from emofuse.logs import logged

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    merged = tables.gather(snakemake.input.shards, contracts.TRANSCRIPTS, recordings, snakemake.output[0])
    tables.write(merged, contracts.TRANSCRIPTS, snakemake.output[0])
