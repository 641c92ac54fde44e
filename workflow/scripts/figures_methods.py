"""Draw the pictures of every method of an experiment."""

from emofuse import contracts, figures, tables
from emofuse.logs import logged

with logged(snakemake.log[0]):
    speech = tables.read(contracts.PREDICTIONS, snakemake.input.speech)
    metrics = tables.read(contracts.METRICS, snakemake.input.metrics)
    for method, predicted, fitted, plane, confusion, changes, ua_by_fold in zip(
        snakemake.params.settings["methods"],
        snakemake.input.predictions,
        snakemake.input.parameters,
        snakemake.output.plane,
        snakemake.output.confusion,
        snakemake.output.changes,
        snakemake.output.ua_by_fold,
        strict=True,
    ):
        predictions = tables.read(contracts.PREDICTIONS, predicted)
        figures.save(figures.plane(method, speech, predictions, tables.read_json(fitted)), plane)
        figures.save(figures.confusion(method, speech, predictions), confusion)
        figures.save(figures.changes(method, speech, predictions), changes)
        figures.save(figures.ua_by_fold(method, metrics), ua_by_fold)
