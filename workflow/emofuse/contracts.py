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
DIALOG = {"dialog": Column(str, nullable=True), "turn_start": Column(float, low=0, nullable=True)}
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

COUNTS = Contract(
    "counts",
    {"counted": NAME, "read": COUNT, "published": COUNT, **dict.fromkeys(("exact", "differs"), Column(bool))},
    unique=("counted",),
)
"""A corpus's labels against its published counts; a row is such a count, in words.

``exact`` is whether a whole copy has exactly that many, ``differs`` whether the difference says that this copy is none.
"""

REASONS = Contract("reasons", {"reason": NAME, "utterances": COUNT, "example": NAME}, unique=("reason",))
"""Why audio was left out; a row is a kind of reason, with the name of the first utterance."""

SUMMARY = Contract(
    "summary",
    {
        "by": Column(str, values=("corpus", "session", "condition", "speaker")),
        "group": NAME,
        "emotion": Column(str, values=("all", *EMOTIONS)),
        "utterances": COUNT,
        "speakers": COUNT,
        **dict.fromkeys(("seconds", "p5", "p25", "p50", "p75", "p95"), Column(float, low=0, nullable=True)),
    },
    unique=("by", "group", "emotion"),
)
"""What a corpus holds; a row is a group of its utterances.

``seconds`` is how long they are together, and ``p5`` … ``p95`` are percentiles of how long each is, in seconds;
missing where the corpus has no audio, the percentiles also where the group is empty.
"""

UTTERANCES = Contract(
    "utterances",
    {
        "utterance": NAME,
        **dict.fromkeys(("corpus", "speaker", "session"), NAME),
        **DIALOG,
        "condition": WORDS,
        "emotion": EMOTION,
        "given_fold": Column(str, nullable=True),
        "given_split": Column(str, values=SPLITS, nullable=True),
    },
    unique=("utterance",),
)
"""A corpus; a row is an utterance that can be used.

``turn_start`` says where in its ``dialog`` an utterance begins, see :data:`emofuse.corpora.base.COLUMNS`;
``given_fold`` and ``given_split`` are what the corpus itself says of who trains, validates and tests.
"""

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
        **DIALOG,
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

PREDICTED = Contract(
    "predicted",
    {
        "recording": NAME,
        **dict.fromkeys(("start", "end"), Column(float, low=0, nullable=True)),
        **dict.fromkeys(("speaker", "dialog"), Column(str, nullable=True)),
        "emotion": Column(str, values=EMOTIONS, nullable=True),
        **dict.fromkeys([*PROBABILITY], Column(float, low=0, high=1, nullable=True)),
        "entropy": Column(float, low=0, high=math.log(len(EMOTIONS)) + 1e-9, nullable=True),
        "varentropy": Column(float, low=0, high=math.inf, nullable=True),
        "selected": Column(bool),
        "text": Column(str, nullable=True),
        "mean_log_probability": Column(float, nullable=True),
        "duration": Column(float, low=0, nullable=True),
        "confidence": Column(float, low=0, high=1, nullable=True),
        "problem": Column(str, nullable=True),
    },
    sums_to_one=(PROBABILITY,),
)
"""What a model says of new recordings; a row is an utterance, or a recording that cannot be used.

``start`` and ``end`` are seconds within the recording. ``entropy`` and ``varentropy`` say how sure the voice is,
``selected`` whether the words were consulted. ``text`` is the transcript where one was made, with the
``mean_log_probability`` of its tokens. ``confidence`` is how often those test predictions of the study were right that
were as certain. A row with a ``problem``, a sentence, has no answer.
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

INNER = Contract(
    "inner",
    {
        "fold": NAME,
        "part": COUNT,
        "utterance": NAME,
        "emotion": EMOTION,
        "predicted": EMOTION,
        "selected": Column(bool),
    },
    unique=("fold", "utterance"),
)
"""What a method says of validation utterances when it is fitted without them; a row is one, of a part of a fold.

A ceiling, which sees the test labels, has no rows.
"""

CHOICES = Contract(
    "choices",
    {"fold": NAME, "method": NAME, "UA": SHARE, "selected": SHARE, "chosen": Column(bool)},
    unique=("fold", "method"),
)
"""How good each method is within the validation rows of a fold, and whether that made it the chosen one."""

FRONT = Contract(
    "front",
    {
        "method": NAME,
        "fold": NAME,
        "condition": NAME,
        "point": Column(int),
        "UA": SHARE,
        "selected": SHARE,
    },
    unique=("method", "fold", "condition", "point"),
)
"""UA against how many are selected, along the thresholds of a method;
a row is a point on the test rows of a fold, in a condition."""

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
        "crossed": Column(bool),
        **dict.fromkeys(("mean", "speech", "difference", "low", "high", "p", "p_holm"), Column(float, nullable=True)),
    },
    unique=("method", "condition", "metric"),
)
"""A method against speech alone; a row is a metric in a condition, on average over folds.

``crossed`` says whether folds are source folds, which test the same utterances: the interval, from ``low`` to ``high``,
is then over speakers and source folds, else over speakers. ``p`` is of McNemar's test, which is about accuracy: only
rows of WA have one. ``p_holm`` is p corrected over the methods of the condition that are no ceilings.
"""

TELLING = Contract(
    "telling",
    {
        **dict.fromkeys(("method", "fold", "utterance", "speaker"), NAME),
        **dict.fromkeys(("emotion", "speech", "predicted"), EMOTION),
        "margin": Column(float, low=-1, high=1),
        "selected": Column(bool),
        "transcript": Column(str, nullable=True),
        "speech_probability": SHARE,
        "sentiment": Column(str, values=SENTIMENTS),
        "sentiment_probability": SHARE,
        "text": Column(str, values=EMOTIONS, nullable=True),
        "text_probability": Column(float, low=0, high=1, nullable=True),
        **{
            f"{name}_{place}": column
            for place in ("before", "after")
            for name, column in (
                ("speaker", Column(str, nullable=True)),
                ("speech", Column(str, values=EMOTIONS, nullable=True)),
            )
        },
    },
    unique=("method", "utterance"),
)
"""The utterances that a method changed most confidently, for better and for worse; a row is one of them.

``margin`` is the probability of what is ``predicted`` less that of what the voice says, both by the method.
``speech``, ``sentiment`` and ``text`` (for methods that read it) are what each finds most probable, and how probable;
``speaker_before`` to ``speech_after`` are who speaks in the turn before and after, and what the voice says of it.
"""

ACROSS = Contract(
    "across",
    {
        **dict.fromkeys(("target", "train", "experiment", "method", "condition"), NAME),
        "UA": SHARE,
        "within_UA": Column(float, low=0, high=1, nullable=True),
        **dict.fromkeys(("drop", "low", "high"), Column(float, nullable=True)),
        "utterances": COUNT,
    },
    unique=("experiment", "method", "condition"),
)
"""Experiments that test one corpus, the target, on the same utterances; a row is a method in a condition.

``drop`` is UA − within_UA, from ``low`` to ``high``; the experiment within the target that the others are compared with
has none.
"""

SHIFT = Contract(
    "shift",
    {
        "method": NAME,
        "fold": NAME,
        "split": Column(str, values=SPLITS),
        "emotion": Column(str, values=("all", *EMOTIONS)),
        "metric": NAME,
        "quantile": Column(float, low=0, high=1, nullable=True),
        "value": Column(float, nullable=True),
    },
    unique=("method", "fold", "split", "emotion", "metric", "quantile"),
)
"""How a cross-corpus experiment's target differs from its source; a row is a value on source validation or target.

Where it has a ``quantile``, ``value`` lies at that place of the voice's distribution of the metric: of ``speech`` these
are quantiles, of a method its thresholds, among the rows for which the voice predicts ``emotion``.
"""

ADAPTATION = Contract(
    "adaptation",
    {
        **dict.fromkeys(("adaptation", "method"), NAME),
        "k": COUNT,
        "condition": NAME,
        **dict.fromkeys(("UA", "without"), SHARE),
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
