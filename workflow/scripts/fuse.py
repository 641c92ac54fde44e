"""Rule `fuse`: fit one fusion method in every fold and predict the test utterances."""

from emofuse import contracts, tables
from emofuse.fusion.folds import run
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    if snakemake.input.get("text_expert"):
        expert = tables.read(contracts.TEXT_EXPERT, snakemake.input.text_expert)
        scores = scores.merge(expert, on=["fold", "split", "utterance"], validate="one_to_one")
    result = run(scores, recipe["method"], recipe["path"], recipe["seed"], snakemake.wildcards.method, recipe["parts"])
    tables.write(result.predictions, contracts.PREDICTIONS, snakemake.output.predictions)
    tables.write_json(result.parameters, snakemake.output.parameters)
    tables.write(result.trials, contracts.TRIALS, snakemake.output.trials)
    tables.write(result.inner, contracts.INNER, snakemake.output.inner)
