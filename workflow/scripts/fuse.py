"""Rule `fuse`: fit one fusion method in every fold and predict the test utterances."""

from emofuse import contracts, tables
from emofuse.fusion.folds import run
from emofuse.logs import logged
from emofuse.scores import Scores

recipe, output = snakemake.params.recipe, snakemake.output

with (
    logged(snakemake.log[0], snakemake.input, snakemake.output),
    tables.writing_folds(contracts.PREDICTIONS, output.predictions) as write_predictions,
    tables.writing_folds(contracts.INNER, output.inner) as write_inner,
):
    scores = Scores(snakemake.input.scores, snakemake.input.spoken, snakemake.input.text_expert)
    result = run(
        scores,
        recipe["method"],
        recipe["path"],
        recipe["seed"],
        snakemake.wildcards.method,
        recipe["parts"],
        write_predictions,
        write_inner,
    )
    tables.write_json(result.parameters, output.parameters)
    tables.write(result.trials, contracts.TRIALS, output.trials)
    tables.write(result.front, contracts.FRONT, output.front)
