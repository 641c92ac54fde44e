"""Decide who trains, who validates and who tests."""

from emofuse import splits, tables
from emofuse.logs import logged

with logged(snakemake.log[0]):
    train = tables.read("utterances", snakemake.input.train)
    test = tables.read("utterances", snakemake.input.test)
    folds = splits.folds(snakemake.params.settings["protocol"], train, test)
    tables.write(folds, "folds", snakemake.output.folds)
