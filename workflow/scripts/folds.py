"""Rule `folds`: decide who trains, who validates and who tests."""

import os

from emofuse import contracts, parts, splits, tables
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    utterances = [tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances]
    files = dict(zip(recipe["files"], snakemake.resources.files.split(os.pathsep), strict=False))
    parameters = recipe["splitting"] | recipe["parameters"] | files
    folds = splits.folds(parts.load(recipe["protocol"]), *utterances, **parameters)
    tables.write(folds, contracts.FOLDS, snakemake.output[0])
