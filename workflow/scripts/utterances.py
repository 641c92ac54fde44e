"""Rule `utterances`: who says each utterance of a corpus, and in which emotion."""

from emofuse import contracts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe, resources = snakemake.params.recipe, snakemake.resources

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    _, listed = base.listed_by(recipe, resources.path, bool(resources.partial), resources.labels)
    base.report(listed)
    tables.write(base.utterances_of(listed, recipe["corpus"], recordings), contracts.UTTERANCES, snakemake.output[0])
