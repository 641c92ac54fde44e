"""Rule `counts`: compare a corpus's labels with its published counts."""

from pathlib import Path

from emofuse import contracts, parts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe, resources = snakemake.params.recipe, snakemake.resources

with logged(snakemake.log[0]):
    reader = parts.load(recipe["reader"])(**recipe["parameters"])
    listed = base.list_corpus(
        reader, Path(resources.path), emotions=recipe["emotions"], partial=bool(resources.partial)
    )
    base.report(listed)
    tables.write(base.counts(listed.labelled, listed.published), contracts.COUNTS, snakemake.output[0])
