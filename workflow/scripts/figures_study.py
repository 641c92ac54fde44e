"""Rule `figures_study`: draw the pictures of a study whose experiments are compared."""

from emofuse import contracts, tables
from emofuse.figures.across import across
from emofuse.figures.style import save
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    table = tables.read(contracts.ACROSS, snakemake.input[0])
    save(across(table, recipe["ceilings"], recipe["confidence"]), snakemake.output.across)
