"""Rule `synthetic_corpus`: make one of the demo's corpora."""

import shutil

from emofuse import tables
from emofuse.corpora import synthetic
from emofuse.logs import logged

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    shutil.rmtree(snakemake.params.folder, ignore_errors=True)
    synthetic.LAYOUTS[settings["layout"]](snakemake.params.folder, settings["seed"])
    tables.write_text(synthetic.checksums(snakemake.params.folder), snakemake.output[0])
