"""Rule `folds`: decide who trains, who validates and who tests."""

from emofuse import contracts, parts, splits, tables
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    utterances = [tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances]
    folds = splits.folds(parts.load(recipe["protocol"]), *utterances, **recipe["parameters"])
    tables.write(folds, contracts.FOLDS, snakemake.output[0])
