"""Put the shards of the transcripts together, once every utterance is in one."""

from emofuse import contracts, tables
from emofuse.logs import logged

with logged(snakemake.log[0]):
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    merged = tables.gather(snakemake.input.shards, contracts.TRANSCRIPTS, utterances, snakemake.output[0])
    tables.write(merged, contracts.TRANSCRIPTS, snakemake.output[0])
