"""Decide who trains, who validates and who tests."""

from emofuse import contracts, splits, tables
from emofuse.logs import logged

with logged(snakemake.log[0]):
    train = tables.read(contracts.UTTERANCES, snakemake.input.train)
    test = tables.read(contracts.UTTERANCES, snakemake.input.test)
    folds = splits.folds(snakemake.params.settings["protocol"], train, test)
    tables.write(folds, contracts.FOLDS, snakemake.output.folds)
