"""Rule `figures_experiment`: draw the pictures of an experiment."""

from emofuse import contracts, tables
from emofuse.figures.experiment import of_experiment
from emofuse.figures.style import save
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    drawn = of_experiment(
        tables.read(contracts.PREDICTIONS, snakemake.input.speech),
        tables.read(contracts.METRICS, snakemake.input.metrics),
        tables.read(contracts.COMPARISON, snakemake.input.comparison),
        tables.read(contracts.FRONT, snakemake.input.front),
        ceilings=recipe["ceilings"],
        confidence=recipe["confidence"],
    )
    for name, figure in drawn.items():
        save(figure, snakemake.output[name])
