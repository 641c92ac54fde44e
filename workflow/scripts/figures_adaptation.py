"""Rule `figures_adaptation`: draw what adaptations gain."""

from emofuse import contracts, tables
from emofuse.figures.adaptation import adaptation
from emofuse.figures.style import save
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    table = tables.read(contracts.ADAPTATION, snakemake.input[0])
    save(adaptation(table, recipe["confidence"]), snakemake.output[0])
