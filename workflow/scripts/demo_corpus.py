"""Rule `demo_corpus`: make one of the demo's corpora."""

import shutil

from emofuse import tables
from emofuse.demo import corpora
from emofuse.logs import logged

recipe = snakemake.params.recipe
with logged(snakemake.log[0], snakemake.input, snakemake.output, snakemake.params.folder):
    shutil.rmtree(snakemake.params.folder, ignore_errors=True)
    corpora.LAYOUTS[recipe["layout"]](snakemake.params.folder, recipe["seed"], recipe["carry"])
    tables.write_text(corpora.checksums(snakemake.params.folder), snakemake.output[0])
