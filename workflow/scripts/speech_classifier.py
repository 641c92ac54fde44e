"""Rule `speech_classifier`: train a classifier on a fold's embeddings and classify the fold."""

import pandas as pd
from threadpoolctl import threadpool_limits

from emofuse import contracts, splits, tables
from emofuse.logs import logged
from emofuse.speech import classifier

recipe, embeddings = snakemake.params.recipe, snakemake.input.embeddings
with logged(snakemake.log[0], snakemake.input, snakemake.output), threadpool_limits(snakemake.threads):
    folds = tables.read(contracts.FOLDS, snakemake.input.folds)
    fold = folds[folds["fold"] == snakemake.wildcards.fold]
    utterances = pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances])
    splits.check(fold, utterances, recipe["splits"])
    fitted = classifier.fit(
        embeddings,
        fold,
        utterances,
        c=recipe["c"],
        class_weights=recipe["class_weights"],
        scaling=recipe["scaling"],
    )
    classifier.write(fitted, snakemake.output.model, snakemake.output.chosen)
    speech = classifier.predict(fitted, embeddings, fold, utterances)
    tables.write(speech, contracts.SPEECH_LOGITS, snakemake.output.speech)
