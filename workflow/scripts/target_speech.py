"""Rule `target_speech`: classify the embeddings of the target with the classifier of each fold."""

import pandas as pd
from threadpoolctl import threadpool_limits

from emofuse import contracts, splits, tables
from emofuse.logs import logged
from emofuse.speech import classifier

folds, given = snakemake.params.recipe["folds"], snakemake.input
with logged(snakemake.log[0], snakemake.input, snakemake.output), threadpool_limits(snakemake.threads):
    rows = splits.tested(tables.read(contracts.FOLDS, given.folds), tables.read(contracts.FOLDS, given.source), folds)
    utterances = tables.read(contracts.UTTERANCES, given.utterances)
    speech = [
        classifier.predict(classifier.read(*model), [given.embeddings], rows[rows["fold"] == fold], utterances)
        for fold, *model in zip(folds, given.models, given.chosen, strict=True)
    ]
    tables.write(pd.concat(speech), contracts.SPEECH_LOGITS, snakemake.output[0])
