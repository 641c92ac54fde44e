"""Put the shards of a table together, once every utterance is in one."""

from emofuse import tables
from emofuse.logs import logged

kind = snakemake.params.settings["kind"]

with logged(snakemake.log[0]):
    utterances = tables.read("utterances", snakemake.input.utterances)
    merged = tables.gather(snakemake.input.shards, kind, utterances, snakemake.output[0])
    tables.write(merged, kind, snakemake.output[0])
