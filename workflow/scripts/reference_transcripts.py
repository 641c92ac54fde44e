"""Take a corpus's own transcripts."""

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import reference

with logged(snakemake.log[0]):
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    transcripts = reference.transcripts(utterances, snakemake.input.utterances)
    tables.write(transcripts, contracts.TRANSCRIPTS, snakemake.output[0])
