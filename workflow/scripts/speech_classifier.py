"""Rule `speech_classifier`: train a classifier on a fold's embeddings and classify the fold."""

import pandas as pd
from threadpoolctl import threadpool_limits

from emofuse import contracts, splits, tables
from emofuse.logs import logged
from emofuse.speech import classifier

recipe = snakemake.params.recipe
with logged(snakemake.log[0]), threadpool_limits(snakemake.threads):
    folds = tables.read(contracts.FOLDS, snakemake.input.folds)
    fold = folds[folds["fold"] == snakemake.wildcards.fold]
    utterances = pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances])
    splits.check(fold, utterances)
    speech, chosen = classifier.fit_predict(
        snakemake.input.embeddings,
        fold,
        utterances,
        c=recipe["c"],
        class_weights=recipe["class_weights"],
    )
    tables.write(speech, contracts.SPEECH_LOGITS, snakemake.output.speech)
    tables.write_json(chosen, snakemake.output.parameters)
