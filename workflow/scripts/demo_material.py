"""Rule `demo_material`: make what the demo's checkpoints are trained on."""

from emofuse import contracts, tables
from emofuse.demo.material import make_material
from emofuse.logs import logged

recipe = snakemake.params.recipe
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    tables.write(make_material(recipe["utterances"], recipe["seed"]), contracts.MATERIAL, snakemake.output[0])
