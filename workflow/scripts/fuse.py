"""Rule `fuse`: fit one fusion method in every fold and predict the test utterances."""

from emofuse import contracts, tables
from emofuse.fusion.folds import run
from emofuse.logs import logged
from emofuse.scores import read

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    scores = read(snakemake.input.scores, snakemake.input.text_expert)
    result = run(scores, recipe["method"], recipe["path"], recipe["seed"], snakemake.wildcards.method, recipe["parts"])
    tables.write(result.predictions, contracts.PREDICTIONS, snakemake.output.predictions)
    tables.write_json(result.parameters, snakemake.output.parameters)
    tables.write(result.trials, contracts.TRIALS, snakemake.output.trials)
    tables.write(result.inner, contracts.INNER, snakemake.output.inner)
    tables.write(result.front, contracts.FRONT, snakemake.output.front)
