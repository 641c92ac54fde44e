"""The contract of every table that lies between two stages, in the order in which data flows.

A contract is a constant of its own, named after its table:
what a stage's code reaches is then the contracts of the tables that it reads and writes, and no other,
so that a new kind of table reruns no stage that does not know it (see :mod:`emofuse.provenance`).
"""

from __future__ import annotations

import math

from emofuse.tables import EMOTIONS, PROBABILITY, SENTIMENT, SENTIMENTS, SPEECH, SPLITS, TEXT, Column, Contract, columns

NAME = Column(str, not_empty=True)
WORDS = Column(str)
SHARE = Column(float, low=0, high=1)
COUNT = Column(int, low=0)
FINITE = Column(float, finite=True)
EMOTION = Column(str, values=EMOTIONS)
FOLD = {"fold": NAME, "split": Column(str, values=SPLITS), "utterance": NAME}

MATERIAL = Contract(
    "material",
    {
        "text": NAME,
        "sentiment": Column(str, values=SENTIMENTS),
        "voice": NAME,
        **dict.fromkeys(("rate", "pitch", "range", "volume"), FINITE),
        "audio": Column(object),
    },
)
"""What the demo's checkpoints are trained on; a row is an utterance with its audio."""

RECORDINGS = Contract(
    "recordings",
    {
        "utterance": NAME,
        "path": NAME,
        "start": Column(float, low=0, nullable=True),
        "end": Column(float, low=0, nullable=True),
        "duration": Column(float, low=0),
    },
    unique=("utterance",),
)
"""Where a corpus is heard; a row is an utterance whose audio can be used: a file below the corpus's folder,
from ``start`` to ``end`` in seconds where these are given, and how long that is."""

REJECTS = Contract("rejects", {"utterance": NAME, "path": WORDS, "reason": NAME})
"""What of a corpus cannot be used, and why; a row is an utterance."""

UTTERANCES = Contract(
    "utterances",
    {"utterance": NAME, "corpus": NAME, "speaker": NAME, "session": NAME, "condition": WORDS, "emotion": EMOTION},
    unique=("utterance",),
)
"""A corpus; a row is an utterance that can be used."""

REFERENCES = Contract("references", {"utterance": NAME, "reference": Column(str, nullable=True)}, unique=("utterance",))
"""What was really said, as far as the corpus tells; a row is an utterance."""

TRANSCRIPTS = Contract(
    "transcripts",
    {
        "utterance": NAME,
        "text": WORDS,
        "mean_log_probability": Column(float, nullable=True),
        "no_speech_probability": Column(float, low=0, high=1, nullable=True),
    },
    unique=("utterance",),
)
"""The words; a row is an utterance."""

SENTIMENT_LOGITS = Contract(
    "sentiment",
    {"utterance": NAME, **dict.fromkeys(columns("logit", SENTIMENTS), FINITE)},
    unique=("utterance",),
)
"""What the words sound like; a row is an utterance with three logits."""

WER = Contract(
    "wer",
    {
        "corpus": NAME,
        "condition": NAME,
        "emotion": Column(str, values=("all", *EMOTIONS)),
        **dict.fromkeys(("utterances", "hits", "substitutions", "insertions", "deletions", "words"), COUNT),
        "WER": Column(float, low=0, high=math.inf, nullable=True),
    },
    unique=("corpus", "condition", "emotion"),
)
"""Word errors; a row is a group of utterances."""

FOLDS = Contract("folds", FOLD, unique=("fold", "utterance"))
"""Who trains, validates and tests; a row is an utterance of a fold."""

SPEECH_LOGITS = Contract(
    "speech", {**FOLD, **dict.fromkeys(columns("logit", EMOTIONS), FINITE)}, unique=("fold", "utterance")
)
"""What the voice says; a row is an utterance of a fold with four logits."""

PUBLISHED = Contract(
    "published",
    {**FOLD, **dict.fromkeys([*SPEECH, *SENTIMENT], SHARE)},
    unique=("fold", "utterance"),
    sums_to_one=(SPEECH, SENTIMENT),
)
"""Scores that somebody else has computed; a row is an utterance of a fold with its probabilities."""

SCORES = Contract(
    "scores",
    {
        **FOLD,
        "speaker": NAME,
        "condition": WORDS,
        "emotion": EMOTION,
        **dict.fromkeys([*SPEECH, *SENTIMENT], SHARE),
        "transcript": Column(str, nullable=True),
    },
    unique=("fold", "utterance"),
    sums_to_one=(SPEECH, SENTIMENT),
)
"""What voice and words say; a row is an utterance of a fold with its probabilities."""

TEXT_EXPERT = Contract(
    "text_expert", {**FOLD, **dict.fromkeys(TEXT, SHARE)}, unique=("fold", "utterance"), sums_to_one=(TEXT,)
)
"""What a learned expert reads in the words; a row is an utterance of a fold."""

PREDICTIONS = Contract(
    "predictions",
    {
        "fold": NAME,
        "utterance": NAME,
        "speaker": NAME,
        "condition": WORDS,
        "emotion": EMOTION,
        "speech": EMOTION,
        "predicted": EMOTION,
        **dict.fromkeys(PROBABILITY, SHARE),
        "entropy": Column(float, low=0, high=math.log(len(EMOTIONS)) + 1e-9),
        "varentropy": Column(float, low=0, high=math.inf),
        "selected": Column(bool),
    },
    unique=("fold", "utterance"),
    sums_to_one=(PROBABILITY,),
)
"""What a fusion method says; a row is a test utterance of a fold.

``speech`` is what the voice alone says, ``entropy`` and ``varentropy`` how sure of it the voice is,
and ``selected`` whether the words were consulted.
"""

ADAPTED = Contract(
    "adapted",
    {"method": NAME, "k": COUNT, "draw": COUNT, **PREDICTIONS.columns},
    unique=("method", "k", "draw", "fold", "utterance"),
    sums_to_one=(PROBABILITY,),
)
"""What methods say that an adaptation has changed; a row is a test utterance of a fold.

``k`` is how many target speakers' labels it has seen, 0 for none, and ``draw`` the number of the draw of these
speakers, who have no rows. ``speech``, ``entropy`` and ``varentropy`` are those of the voice as it was adapted.
"""

TRIALS = Contract("trials", {"fold": NAME, "trial": Column(int)}, others=True)
"""How a search went; a row is a trial of a fold, with columns of its own for each method."""

FRONT = Contract(
    "front",
    {
        "method": NAME,
        "fold": NAME,
        "point": Column(int),
        "split": Column(str, values=SPLITS),
        "UA": SHARE,
        "selected": SHARE,
    },
    unique=("method", "fold", "point", "split"),
)
"""The exact Pareto front of UA and of how many are selected; a row is a point of a fold."""

METRICS = Contract(
    "metrics",
    {"method": NAME, "fold": NAME, "condition": NAME, "metric": NAME, "value": Column(float, nullable=True)},
    unique=("method", "fold", "condition", "metric"),
)
"""A row is a metric of a method in a fold and a condition."""

COMPARISON = Contract(
    "comparison",
    {
        **dict.fromkeys(("method", "condition", "metric"), NAME),
        **dict.fromkeys(("mean", "speech", "difference", "low", "high", "p"), Column(float, nullable=True)),
    },
    unique=("method", "condition", "metric"),
)
"""A method against speech alone; a row is a metric in a condition, on average over folds.

``p`` is of McNemar's test, which is about accuracy: only rows of WA have one.
"""

ADAPTATION = Contract(
    "adaptation",
    {
        **dict.fromkeys(("adaptation", "method"), NAME),
        "k": COUNT,
        "condition": NAME,
        **dict.fromkeys(("UA", "without"), Column(float, low=0, high=1)),
        "difference": Column(float, low=-1, high=1),
        **dict.fromkeys(("low", "high"), Column(float, nullable=True)),
        "selected": SHARE,
        "draws": Column(int, low=1),
    },
    unique=("adaptation", "method", "k", "condition"),
)
"""What an adaptation gains a method; a row is a number of labelled speakers, in a condition.

``UA`` and ``without`` adaptation are means over draws and source folds on the same rows.
"""
