"""Rule `source_folds`: decide who trains and who validates, of a source alone."""

import pandas as pd

from emofuse import contracts, parts, splits, tables
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    utterances = pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances])
    folds = splits.source_folds(parts.load(recipe["protocol"]), utterances, **recipe["parameters"])
    tables.write(folds, contracts.FOLDS, snakemake.output[0])
