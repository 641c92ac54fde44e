"""The text expert: emotion from transcripts, learned from the fold's training speakers.

A sentiment model was taught three sentiments on other people's texts.
The expert is taught the four emotions on this corpus's own transcripts, at the price of labels.

Two classifiers read the same TF-IDF weights of words and pairs of words,
and the expert is the mean of their probabilities:
a multinomial logistic regression, which weighs words together,
and a multinomial naive Bayes, which needs fewer examples of a word
(Ng and Jordan, *On discriminative vs. generative classifiers*, 2001;
Wang and Manning, *Baselines and bigrams*, 2012).
Both take all emotions to be equally likely beforehand, so that what the expert says is evidence without a prior.
"""

from __future__ import annotations

import pandas as pd
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from emofuse.tables import EMOTIONS, TEXT, InputError, Problems, columns


def make_expert(inverse_penalty: float, smoothing: float) -> Pipeline:
    """The untrained expert: a scikit-learn classifier from transcripts to emotions.

    On the training rows of IEMOCAP's fold Ses01F, with one session left out at a time, the log loss is lowest, and
    flat, at an inverse penalty of 3 (of 1 to 10) and a smoothing of 0.1 (of 0.03 to 0.3).

    Args:
        inverse_penalty: C of the logistic regression; above 0, smaller trusts single words less
        smoothing: what the naive Bayes adds to each word's weight; above 0, larger trusts rare words less

    >>> texts = ["I hate you", "I love you", "the door", "I miss you"]
    >>> expert = make_expert(inverse_penalty=3.0, smoothing=0.1).fit(texts, ["angry", "happy", "neutral", "sad"])
    >>> expert.predict(["love", "she will miss it"]).tolist()
    ['happy', 'sad']
    """
    # Words of one letter count ("I"), and an apostrophe does not end a word ("I'm").
    words = TfidfVectorizer(token_pattern=r"[\w']+", ngram_range=(1, 2), sublinear_tf=True)
    weighed = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=1000)
    counted = MultinomialNB(alpha=smoothing, fit_prior=False)
    return make_pipeline(words, VotingClassifier([("weighed", weighed), ("counted", counted)], voting="soft"))


def predict(
    folds: pd.DataFrame,
    utterances: pd.DataFrame,
    transcripts: pd.DataFrame,
    *,
    inverse_penalty: float,
    smoothing: float,
    parts: int,
) -> pd.DataFrame:
    """Train the expert in each fold and read all of the fold's transcripts.

    Validation and test utterances are read by an expert of all training speakers.
    A training utterance is read by one that has not seen its speaker,
    so that methods fitted on training rows see the expert as it will be for a new speaker.
    Only labels of training rows are used. A missing transcript counts as an empty one.

    Args:
        folds: the `folds` table
        utterances: the `utterances` table, or several below each other, that the folds were made of
        transcripts: the `transcripts` tables of the same corpora
        inverse_penalty: see :func:`make_expert`
        smoothing: see :func:`make_expert`
        parts: into how many groups of speakers a fold's training rows are divided for this; at least 2

    Returns:
        the `text_expert` table, rows in the order of ``folds``

    Raises:
        InputError: naming each fold whose training rows lack words, a second emotion or a second speaker
    """
    rows = folds[["fold", "split", "utterance"]]
    for known in (utterances[["utterance", "speaker", "emotion"]], transcripts[["utterance", "text"]]):
        rows = rows.merge(known, on="utterance", how="left", validate="many_to_one")
    rows = rows.fillna({"text": ""})
    problems: Problems = [
        f"fold {fold}: the training rows {problem}"
        for fold, part in rows.groupby("fold", sort=True)
        for problem in _problems(part[part["split"] == "train"])
    ]
    if problems:
        raise InputError(problems)

    expert = make_expert(inverse_penalty, smoothing)
    probability = pd.DataFrame(0.0, index=rows.index, columns=TEXT)
    trained = {}
    for _, part in rows.groupby("fold", sort=True):
        is_train = part["split"] == "train"
        train, held_out = part[is_train].sort_values("utterance"), part[~is_train]
        # Leave-one-speaker-out trains on the same rows twice, once for each speaker of a session.
        key = tuple(train["utterance"])
        if key not in trained:
            cv = GroupKFold(min(parts, train["speaker"].nunique()))
            text, emotion = train["text"], train["emotion"]
            unseen = cross_val_predict(expert, text, emotion, groups=train["speaker"], cv=cv, method="predict_proba")
            trained[key] = unseen, make_expert(inverse_penalty, smoothing).fit(text, emotion)
        unseen, reader = trained[key]
        # What no training row is has probability 0: a source may lack an emotion.
        learned = columns("text", [name for name in EMOTIONS if name in set(train["emotion"])])
        probability.loc[train.index, learned] = unseen
        if len(held_out):
            probability.loc[held_out.index, learned] = reader.predict_proba(held_out["text"])
    return rows[["fold", "split", "utterance"]].join(probability)


def _problems(train: pd.DataFrame) -> Problems:
    """What keeps an expert from being trained."""
    problems: Problems = []
    if train["emotion"].nunique() < 2:
        problems.append(f"hold {train['emotion'].nunique()} emotion; the text expert needs at least 2")
    if train["speaker"].nunique() < 2:
        problems.append(f"hold {train['speaker'].nunique()} speaker; the text expert needs at least 2")
    if not train["text"].str.contains(r"\w").any():
        problems.append("hold no transcript with a word; the text expert has nothing to learn from")
    return problems
