"""Rule `adapt`: adapt the methods of an experiment to its target, and predict that."""

from threadpoolctl import threadpool_limits

from emofuse import contracts, tables
from emofuse.fusion.adaptation.run import Method, run
from emofuse.logs import logged
from emofuse.scores import Scores

recipe = snakemake.params.recipe

with (
    logged(snakemake.log[0], snakemake.input, snakemake.output),
    threadpool_limits(snakemake.threads),
    tables.writing_folds(contracts.ADAPTED, snakemake.output.adapted) as write,
):
    scores = Scores(snakemake.input.scores, snakemake.input.spoken, snakemake.input.text_expert)
    parameters = run(
        scores,
        {key: recipe[key] for key in ("adaptation", "parameters")},
        recipe["path"],
        [Method(**method) for method in recipe["methods"]],
        recipe["seed"],
        write,
        class_weights=recipe["class_weights"],
    )
    tables.write_json(parameters, snakemake.output.parameters)
