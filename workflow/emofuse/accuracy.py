"""Accuracy: how often predictions are right, counted in one way for every stage that asks.

All three metrics are functions of the confusion matrix, with rows of true and columns of predicted emotions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse.tables import EMOTIONS

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

ALL = "all"
"""The condition, or the emotion, of a row that is about every utterance."""

METRICS = ("UA", "WA", "F1")
"""Unweighted accuracy (mean recall), weighted accuracy (the share that is right), macro-F1."""


def indices(emotions: Sequence[str] | pd.Series) -> Indices:
    """Emotions as positions in :data:`emofuse.tables.EMOTIONS`, −1 for any other.

    >>> indices(["sad", "angry"]).tolist()
    [3, 0]
    """
    return pd.Index(EMOTIONS).get_indexer(emotions)


def confusion(emotion: Indices, predicted: Indices) -> Floats:
    """Counts of predicted emotions (columns) by true emotion (rows), (4, 4).

    Args:
        emotion: (utterances,) what is true, as indices
        predicted: (utterances,) what is predicted, as indices
    """
    size = len(EMOTIONS)
    counts = np.bincount(np.asarray(emotion) * size + np.asarray(predicted), minlength=size**2)
    return counts.reshape(size, size).astype(np.float64)


def confusions(rows: pd.DataFrame, column: str, axes: Sequence[str]) -> Floats:
    """Confusion matrices of each part of a table, (…, true, predicted), as counts.

    Args:
        rows: with their true ``emotion``
        column: whose predictions, as in ``predicted`` for the method's and ``speech`` for the voice's
        axes: columns, one per leading axis; along it lie their values, sorted
    """
    places = [pd.factorize(rows[name], sort=True) for name in axes]
    emotions = [indices(rows[name]) for name in ("emotion", column)]
    shape = (*(len(values) for _, values in places), len(EMOTIONS), len(EMOTIONS))
    flat = np.ravel_multi_index((*(place for place, _ in places), *emotions), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)


def recalls(matrices: Floats) -> Floats:
    """The share of each true emotion that is predicted right, (…, true, predicted) to (…, true).

    NaN where an emotion does not occur.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.diagonal(matrices, axis1=-2, axis2=-1) / matrices.sum(axis=-1)


def from_confusion(matrices: Floats, metric: str) -> Floats:
    """A metric of confusion matrices, (…, true, predicted) to (…), between 0 and 1; NaN for an empty one.

    UA is over the emotions that occur; F1 over those that occur or are predicted.

    Args:
        matrices: counts
        metric: one of :data:`METRICS`
    """
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    true, said = matrices.sum(axis=-1), matrices.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric == "WA":
            return right.sum(axis=-1) / true.sum(axis=-1)
        each = recalls(matrices) if metric == "UA" else 2 * right / (true + said)
        counted = ~np.isnan(each)
        return np.where(counted, each, 0).sum(axis=-1) / counted.sum(axis=-1)


def unweighted_accuracy(emotion: Indices, predicted: Indices) -> float:
    """UA: the mean recall of the emotions that occur, between 0 and 1.

    Args:
        emotion: (utterances,) what is true, as indices
        predicted: (utterances,) what is predicted, as indices

    >>> unweighted_accuracy(np.array([0, 0, 1]), np.array([0, 1, 1]))
    0.75
    """
    return float(from_confusion(confusion(emotion, predicted), "UA"))


def conditions(names: Iterable[str]) -> list[str]:
    """``all``, then the conditions of these names, sorted; of one condition or none there is only ``all``.

    >>> conditions(["scripted", "improvised", "scripted"]), conditions(["", "scripted"])
    (['all', 'improvised', 'scripted'], ['all'])
    """
    distinct = sorted({str(name) for name in names if name} - {ALL})
    return [ALL, *(distinct if len(distinct) > 1 else [])]


def each_condition(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The utterances of all conditions, then of each, even of a single one: other rows may have more."""
    return [(ALL, rows), *((str(name), part) for name, part in rows.groupby("condition", sort=True) if name)]


def by_condition(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The utterances of all conditions, then of each; a corpus with one condition or none has only ``all``."""
    shown = conditions(rows["condition"].unique())
    return [(condition, part) for condition, part in each_condition(rows) if condition in shown]
