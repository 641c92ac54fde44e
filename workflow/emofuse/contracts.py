"""The contract of every table that lies between two stages, in the order in which data flows.

A contract is a function of its own, named after its table:
what a stage's code reaches is then the contracts of the tables that it reads and writes, and no other,
so that a new kind of table reruns no stage that does not know it (see :mod:`emofuse.provenance`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emofuse.tables import EMOTIONS, PROBABILITY, SENTIMENT, SENTIMENTS, SPEECH, SPLITS, TEXT, columns

# pandera takes 0.6 s to import: only those who check a table pay for it.
if TYPE_CHECKING:
    import pandera.pandas as pa

Contract = Callable[[], "pa.DataFrameSchema"]
"""What :func:`emofuse.tables.check` takes."""

SUM_TOLERANCE = 1e-3
"""How far the sum of a row of probabilities may lie from 1 (published scores are float32 and rounded)."""


def _contract(define: Callable[[], dict[str, Any]]) -> Contract:
    """Make a schema, once, of what a function says about its columns."""

    @functools.cache
    def schema() -> pa.DataFrameSchema:
        import pandera.pandas as pa

        return pa.DataFrameSchema(name=define.__name__, **{"strict": True, "coerce": True} | define())

    return functools.update_wrapper(schema, define)


def _column(*args: Any, **kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    return pa.Column(*args, **kwargs)


def _count() -> pa.Column:
    import pandera.pandas as pa

    return pa.Column(int, pa.Check.ge(0, error="should not be negative"))


def _category(values: Iterable[str], **kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    values = list(values)
    return pa.Column(str, pa.Check.isin(values, error=f"should be one of {', '.join(values)}"), **kwargs)


def _number(low: float, high: float, **kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    check = pa.Check.in_range(low, high, error=f"should be a number between {low:g} and {high:g}")
    return pa.Column(float, check, **kwargs)


def _any_number(**kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    return pa.Column(float, pa.Check(np.isfinite, error="should be a finite number"), **kwargs)


def _name(**kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    return pa.Column(str, pa.Check.str_length(min_value=1, error="should not be empty"), **kwargs)


def _fold() -> dict[str, pa.Column]:
    return {"fold": _name(), "split": _category(SPLITS), "utterance": _name()}


def _sums_to_one(names: Sequence[str], **kwargs: Any) -> pa.Check:
    import pandera.pandas as pa

    names = list(names)
    label = f"{names[0]} … {names[-1]}"
    return pa.Check(
        lambda frame: (frame[names].sum(axis=1, skipna=False) - 1).abs() <= SUM_TOLERANCE,
        error=f"{label} should sum to 1 within {SUM_TOLERANCE:g}",
        **kwargs,
    )


@_contract
def material() -> dict[str, Any]:
    """What the demo's checkpoints are trained on; a row is an utterance with its audio."""
    return dict(
        columns={"text": _name(), "sentiment": _category(SENTIMENTS), "voice": _name()}
        | {name: _any_number() for name in ("rate", "pitch", "range", "volume")}
        | {"audio": _column(object)}
    )


@_contract
def utterances() -> dict[str, Any]:
    """A corpus; a row is an utterance that can be used."""
    return dict(
        columns={
            "utterance": _name(),
            "corpus": _name(),
            "speaker": _name(),
            "session": _name(),
            "condition": _column(str),
            "path": _name(),
            "duration": _number(0, np.inf),
            "emotion": _category(EMOTIONS),
            "reference": _column(str, nullable=True),
        },
        unique=["utterance"],
    )


@_contract
def rejects() -> dict[str, Any]:
    """What of a corpus cannot be used, and why; a row is an utterance."""
    return dict(columns={"utterance": _name(), "path": _column(str), "reason": _name()})


@_contract
def transcripts() -> dict[str, Any]:
    """The words; a row is an utterance."""
    return dict(
        columns={
            "utterance": _name(),
            "text": _column(str),
            "mean_log_probability": _column(float, nullable=True),
            "no_speech_probability": _number(0, 1, nullable=True),
        },
        unique=["utterance"],
    )


@_contract
def sentiment() -> dict[str, Any]:
    """What the words sound like; a row is an utterance with three logits."""
    return dict(
        columns={"utterance": _name()} | {name: _any_number() for name in columns("logit", SENTIMENTS)},
        unique=["utterance"],
    )


@_contract
def wer() -> dict[str, Any]:
    """Word errors; a row is a group of utterances."""
    return dict(
        columns={"corpus": _name(), "condition": _name(), "emotion": _category(["all", *EMOTIONS])}
        | {name: _count() for name in ("utterances", "hits", "substitutions", "insertions", "deletions", "words")}
        | {"WER": _number(0, np.inf, nullable=True)},
        unique=["corpus", "condition", "emotion"],
    )


@_contract
def folds() -> dict[str, Any]:
    """Who is where; a row is an utterance of a fold."""
    return dict(columns=_fold(), unique=["fold", "utterance"])


@_contract
def speech() -> dict[str, Any]:
    """What the voice says; a row is an utterance of a fold with four logits."""
    return dict(
        columns=_fold() | {name: _any_number() for name in columns("logit", EMOTIONS)}, unique=["fold", "utterance"]
    )


@_contract
def scores() -> dict[str, Any]:
    """What voice and words say; a row is an utterance of a fold with its probabilities."""
    return dict(
        columns=_fold()
        | {"speaker": _name(), "condition": _column(str), "emotion": _category(EMOTIONS)}
        | {name: _number(0, 1) for name in [*SPEECH, *SENTIMENT]}
        | {"transcript": _column(str, nullable=True)},
        checks=[_sums_to_one(SPEECH), _sums_to_one(SENTIMENT)],
        unique=["fold", "utterance"],
    )


@_contract
def text_expert() -> dict[str, Any]:
    """What a learned expert reads in the words; a row is an utterance of a fold."""
    return dict(
        columns=_fold() | {name: _number(0, 1) for name in TEXT},
        checks=[_sums_to_one(TEXT)],
        unique=["fold", "utterance"],
    )


@_contract
def predictions() -> dict[str, Any]:
    """What a fusion method says; a row is a test utterance of a fold."""
    return dict(
        columns={
            "fold": _name(),
            "utterance": _name(),
            "emotion": _category(EMOTIONS),
            "predicted": _category(EMOTIONS),
        }
        | {name: _number(0, 1) for name in PROBABILITY}
        | {
            "entropy": _number(0, np.log(len(EMOTIONS)) + 1e-9),
            "varentropy": _number(0, np.inf),
            "selected": _column(bool),
        },
        checks=[_sums_to_one(PROBABILITY)],
        unique=["fold", "utterance"],
    )


@_contract
def trials() -> dict[str, Any]:
    """How a search went; a row is a trial of a fold, with columns of its own for each method."""
    return dict(columns={"fold": _name(), "trial": _column(int)}, strict=False)


@_contract
def front() -> dict[str, Any]:
    """The exact Pareto front of UA and of how many are selected; a row is a point of a fold."""
    return dict(
        columns={
            "method": _name(),
            "fold": _name(),
            "point": _column(int),
            "split": _category(SPLITS),
            "UA": _number(0, 1),
            "selected": _number(0, 1),
        },
        unique=["method", "fold", "point", "split"],
    )


@_contract
def metrics() -> dict[str, Any]:
    """A row is a metric of a method in a fold and a condition."""
    return dict(
        columns={
            "method": _name(),
            "fold": _name(),
            "condition": _name(),
            "metric": _name(),
            "value": _column(float, nullable=True),
        },
        unique=["method", "fold", "condition", "metric"],
    )


@_contract
def comparison() -> dict[str, Any]:
    """A method against speech alone; a row is a metric in a condition, on average over folds."""
    return dict(
        columns={"method": _name(), "condition": _name(), "metric": _name()}
        | {name: _column(float, nullable=True) for name in ("mean", "speech", "difference", "low", "high", "p")},
        unique=["method", "condition", "metric"],
    )
