"""Rule `counts`: compare a corpus's labels with its published counts."""

from emofuse import contracts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe, resources = snakemake.params.recipe, snakemake.resources

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    _, listed = base.listed_by(recipe, resources.path, bool(resources.partial), resources.labels)
    base.report(listed)
    tables.write(base.counts(listed.labelled, listed.published), contracts.COUNTS, snakemake.output[0])
