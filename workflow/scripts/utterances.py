"""Rule `utterances`: who says each utterance of a corpus, and in which emotion."""

from pathlib import Path

from emofuse import contracts, parts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe, resources = snakemake.params.recipe, snakemake.resources

with logged(snakemake.log[0]):
    reader = parts.load(recipe["reader"])(**recipe["parameters"])
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    listed = base.list_corpus(
        reader, Path(resources.path), emotions=recipe["emotions"], partial=bool(resources.partial)
    )
    base.report(listed)
    tables.write(base.utterances_of(listed, recipe["corpus"], recordings), contracts.UTTERANCES, snakemake.output[0])
