"""Rule `figures_methods`: draw the pictures of every method of an experiment."""

from emofuse import contracts, tables
from emofuse.figures.method import of_method
from emofuse.figures.style import save
from emofuse.logs import logged

methods = snakemake.params.recipe["methods"]

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    metrics = tables.read(contracts.METRICS, snakemake.input.metrics)
    inputs = zip(methods, snakemake.input.predictions, snakemake.input.parameters, strict=True)
    for number, (method, predicted, fitted) in enumerate(inputs):
        predictions = tables.read(contracts.PREDICTIONS, predicted)
        for name, figure in of_method(method, predictions, tables.read_json(fitted), metrics).items():
            save(figure, snakemake.output[name][number])
