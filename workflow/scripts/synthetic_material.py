"""Rule `synthetic_material`: make what the demo's checkpoints are trained on."""

from emofuse import contracts, tables
from emofuse.corpora import synthetic
from emofuse.logs import logged

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    tables.write(synthetic.material(settings["utterances"], settings["seed"]), contracts.MATERIAL, snakemake.output[0])
