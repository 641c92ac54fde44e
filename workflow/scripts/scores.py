"""Join what the voice and the words say of every utterance of every fold."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.speech.calibration import probabilities, temperatures

settings = snakemake.params.settings

with logged(snakemake.log[0]):

    def together(contract, paths):
        """Tables of one kind, of all corpora or of all folds, below each other."""
        return pd.concat([tables.read(contract, path) for path in paths], ignore_index=True)

    about = together(contracts.UTTERANCES, snakemake.input.utterances)[["utterance", "speaker", "condition", "emotion"]]
    said = together(contracts.TRANSCRIPTS, snakemake.input.transcripts)[["utterance", "text"]].rename(
        columns={"text": "transcript"}
    )
    words = together(contracts.SENTIMENT_LOGITS, snakemake.input.sentiment)
    words[tables.SENTIMENT] = probabilities(words[tables.columns("logit", tables.SENTIMENTS)])
    speech = together(contracts.SPEECH_LOGITS, snakemake.input.speech).merge(
        about, on="utterance", validate="many_to_one"
    )

    by_fold = temperatures(speech) if settings["calibration"] else dict.fromkeys(speech["fold"].unique(), 1.0)
    logits = speech[tables.columns("logit", tables.EMOTIONS)].to_numpy()
    speech[tables.SPEECH] = probabilities(logits, speech["fold"].map(by_fold).to_numpy()[:, None])

    scores = speech.merge(words, on="utterance", validate="many_to_one")
    scores = scores.merge(said, on="utterance", validate="many_to_one")
    columns = ["fold", "split", "utterance", "speaker", "condition", "emotion"]
    scores = scores[[*columns, *tables.SPEECH, *tables.SENTIMENT, "transcript"]]
    tables.write(scores, contracts.SCORES, snakemake.output.scores)
    tables.write_json({"temperature": by_fold}, snakemake.output.calibration)
