"""Rule `gains`: compare methods that were adapted to the target with the same methods as they were."""

from threadpoolctl import threadpool_limits

from emofuse import contracts, tables
from emofuse.evaluation.gains import gains_of
from emofuse.logs import logged
from emofuse.provenance import seed

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output), threadpool_limits(snakemake.threads):
    adapted = {
        name: tables.read(contracts.ADAPTED, path)
        for name, path in zip(recipe["adaptations"], snakemake.input.adapted, strict=True)
    }
    predictions = {
        method: tables.read(contracts.PREDICTIONS, path)
        for method, path in zip(recipe["methods"], snakemake.input.predictions, strict=True)
    }
    table = gains_of(
        adapted,
        predictions,
        confidence=recipe["confidence"],
        resamples=recipe["resamples"],
        seed=seed(*recipe["seed"], "interval"),
    )
    tables.write(table, contracts.ADAPTATION, snakemake.output[0])
