"""Rule `references`: the words of each utterance as the corpus has them."""

from emofuse import contracts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe, resources = snakemake.params.recipe, snakemake.resources

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    _, listed = base.listed_by(recipe, resources.path, bool(resources.partial), resources.labels)
    base.report(listed)
    tables.write(base.references(listed, recordings), contracts.REFERENCES, snakemake.output[0])
