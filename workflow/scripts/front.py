"""Rule `front`: evaluate each point of the Pareto fronts on the rows that it was fitted on and on the test rows."""

from emofuse import contracts, tables
from emofuse.fusion.front import front
from emofuse.logs import logged

with logged(snakemake.log[0]):
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    methods = [tables.read_json(path) for path in snakemake.input.parameters]
    tables.write(front(scores, methods, snakemake.params.recipe["paths"]), contracts.FRONT, snakemake.output[0])
