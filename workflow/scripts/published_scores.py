"""Rule `published_scores`: divide published scores into what depends on the fold and what does not; list the folds."""

import pandas as pd

from emofuse import contracts, splits, tables
from emofuse.logs import logged
from emofuse.scores import KEY, agreed, published, spoken
from emofuse.tables import SPEECH

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    table = [tables.Folds(contracts.PUBLISHED, path) for path in snakemake.input.published]
    utterances, transcripts = (
        pd.concat([tables.read(contract, path) for path in paths])
        for contract, paths in (
            (contracts.UTTERANCES, snakemake.input.utterances),
            (contracts.TRANSCRIPTS, snakemake.input.transcripts),
        )
    )
    of_folds, sentiment = [], None
    with tables.writing_folds(contracts.SCORES, snakemake.output.scores) as write:
        for rows in published(table, utterances, snakemake.params.recipe["folds"]):
            sentiment = agreed(sentiment, rows)
            of_folds.append(rows[KEY])
            write(rows[[*KEY, *SPEECH]])
    folds = pd.concat(of_folds, ignore_index=True)
    splits.check_speakers(folds, utterances)
    splits.check(folds, utterances)
    with tables.writing_folds(contracts.FOLDS, snakemake.output.folds) as write:
        for rows in of_folds:
            write(rows)
    said = utterances[utterances["utterance"].isin(sentiment["utterance"])]
    tables.write(spoken(said, transcripts, sentiment), contracts.SPOKEN, snakemake.output.spoken)
