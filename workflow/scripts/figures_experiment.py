"""Draw the pictures of an experiment."""

from emofuse import contracts, figures, tables
from emofuse.logs import logged

settings = snakemake.params.settings
ceilings = settings["ceilings"]

with logged(snakemake.log[0]):
    speech = tables.read(contracts.PREDICTIONS, snakemake.input.speech)
    metrics = tables.read(contracts.METRICS, snakemake.input.metrics)
    comparison = tables.read(contracts.COMPARISON, snakemake.input.comparison)
    front = tables.read(contracts.FRONT, snakemake.input.front)
    figures.save(figures.uncertainty(speech), snakemake.output.uncertainty)
    figures.save(figures.leaderboard(comparison, ceilings, settings["confidence"]), snakemake.output.leaderboard)
    figures.save(figures.pareto(front, metrics, ceilings), snakemake.output.pareto)
