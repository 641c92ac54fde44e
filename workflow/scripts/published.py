"""Rule `published`: read the scores that somebody else has computed of a corpus, and its labels."""

from pathlib import Path

from emofuse import contracts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    path = Path(snakemake.resources.path)
    reader, listed = base.listed_by(recipe, path, bool(snakemake.resources.partial), snakemake.resources.labels)
    base.report(listed)
    published = reader.read_published(path, recipe["folds"])
    tables.write(base.utterances_of(listed, recipe["corpus"]), contracts.UTTERANCES, snakemake.output.utterances)
    tables.write(published.transcripts, contracts.TRANSCRIPTS, snakemake.output.transcripts)
    tables.write(published.scores, contracts.PUBLISHED, snakemake.output.published)
