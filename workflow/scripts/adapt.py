"""Rule `adapt`: adapt the methods of an experiment to its target, and predict that."""

from threadpoolctl import threadpool_limits

from emofuse import contracts, tables
from emofuse.fusion.adaptation.run import Method, run
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0]), threadpool_limits(snakemake.threads):
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    if snakemake.input.get("text_expert"):
        expert = tables.read(contracts.TEXT_EXPERT, snakemake.input.text_expert[0])
        scores = scores.merge(expert, on=["fold", "split", "utterance"], validate="one_to_one")
    adapted, parameters = run(
        scores,
        {key: recipe[key] for key in ("adaptation", "parameters")},
        recipe["path"],
        [Method(**method) for method in recipe["methods"]],
        recipe["seed"],
        class_weights=recipe["class_weights"],
    )
    tables.write(adapted, contracts.ADAPTED, snakemake.output.adapted)
    tables.write_json(parameters, snakemake.output.parameters)
