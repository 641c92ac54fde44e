"""Rule `source_folds`: decide who trains and who validates, of a source alone."""

import os

from emofuse import contracts, parts, splits, tables
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    utterances = [tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances]
    files = dict(zip(recipe["files"], snakemake.resources.files.split(os.pathsep), strict=False))
    options = recipe["splitting"] | recipe["parameters"] | files
    folds = splits.source_folds(parts.load(recipe["protocol"]), *utterances, **options)
    tables.write(folds, contracts.FOLDS, snakemake.output[0])
