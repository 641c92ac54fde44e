"""Take a corpus's own transcripts."""

from emofuse import tables
from emofuse.logs import logged
from emofuse.text import reference

with logged(snakemake.log[0]):
    utterances = tables.read("utterances", snakemake.input.utterances)
    transcripts = reference.transcripts(utterances, snakemake.input.utterances)
    tables.write(transcripts, "transcripts", snakemake.output[0])
