"""How sure a difference is: paired intervals over speakers, and McNemar's test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar

from emofuse.evaluation.metrics import by_condition
from emofuse.tables import EMOTIONS

Floats = npt.NDArray[np.float64]

COMPARED = ("UA", "WA", "F1")
"""The metrics that are compared; each is a function of the confusion matrix."""


def compare(
    predictions: pd.DataFrame,
    speech: pd.DataFrame,
    method: str,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """A method against the speech classifier on the same utterances.

    Args:
        predictions: the method's `predictions` table with columns `condition` and `speaker`
        speech: the `predictions` table of the speech classifier
        method: the method's name
        confidence: of the interval, between 0 and 1
        resamples: how often speakers are drawn
        seed: of the draws; the same for all methods, so that they meet the same speakers

    Returns:
        the `comparison` table: for each condition and metric the mean over folds, that of `speech`,
        the difference with its interval (see :func:`interval`), and McNemar's p (see :func:`mcnemar_p`)
    """
    before = speech.set_index(["fold", "utterance"])["predicted"].rename("before")
    joined = predictions.join(before, on=["fold", "utterance"], validate="one_to_one")
    rows = []
    for condition, part in by_condition(joined):
        after, first = (confusions(part, name) for name in ("predicted", "before"))
        p = mcnemar_p(part["before"] == part["emotion"], part["predicted"] == part["emotion"])
        for metric in COMPARED:
            ones = np.ones((1, after.shape[1]))
            mean, mean_before = (float(mean_over_folds(c, ones, metric)[0]) for c in (after, first))
            low, high = interval(after, first, metric, confidence=confidence, resamples=resamples, seed=seed)
            rows.append((method, condition, metric, mean, mean_before, mean - mean_before, low, high, p))
    return pd.DataFrame(
        rows, columns=["method", "condition", "metric", "mean", "speech", "difference", "low", "high", "p"]
    )


def confusions(predictions: pd.DataFrame, column: str) -> Floats:
    """Confusion matrices of each fold and speaker, (folds, speakers, true, predicted), as counts."""
    fold = predictions["fold"].astype("category").cat.codes.to_numpy()
    speaker = predictions["speaker"].astype("category").cat.codes.to_numpy()
    true, said = (pd.Categorical(predictions[name], EMOTIONS).codes for name in ("emotion", column))
    counts = np.zeros((fold.max() + 1, speaker.max() + 1, len(EMOTIONS), len(EMOTIONS)))
    np.add.at(counts, (fold, speaker, true, said), 1)
    return counts


def mean_over_folds(counts: Floats, weights: Floats, metric: str) -> Floats:
    """The mean of a metric over folds, when each speaker counts as often as a weight says.

    A fold counts by the mean weight of its speakers. Where a fold tests one speaker, that is the ordinary
    bootstrap of folds; where it tests many, each fold's metric moves with the speakers drawn.

    Args:
        counts: (folds, speakers, 4, 4) confusion matrices
        weights: (resamples, speakers) how often each speaker is drawn
        metric: one of :data:`COMPARED`

    Returns:
        (resamples,) values between 0 and 1
    """
    matrices = np.einsum("bs,fstp->bftp", weights, counts)
    occurs = counts.sum(axis=(2, 3)) > 0
    fold_weights = weights @ occurs.T / occurs.sum(axis=1)
    values = from_confusion(matrices, metric)
    fold_weights = np.where(np.isnan(values), 0, fold_weights)
    return (fold_weights * np.nan_to_num(values)).sum(axis=1) / fold_weights.sum(axis=1)


def from_confusion(matrices: Floats, metric: str) -> Floats:
    """UA, WA or macro-F1 of confusion matrices, (…, true, predicted) to (…); NaN for an empty one."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    true, said = matrices.sum(axis=-1), matrices.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric == "WA":
            return right.sum(axis=-1) / true.sum(axis=-1)
        # UA is over the emotions that occur; F1 over those that occur or are predicted.
        each = right / true if metric == "UA" else 2 * right / (true + said)
        counted = ~np.isnan(each)
        return np.where(counted, each, 0).sum(axis=-1) / counted.sum(axis=-1)


def interval(
    after: Floats, before: Floats, metric: str, *, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of the paired difference of a metric, over speakers.

    Utterances of a speaker are not independent, so speakers are drawn, with replacement, and
    both methods are judged on the same draw.

    Args:
        after: (folds, speakers, 4, 4) confusion matrices of the method
        before: the same of the speech classifier
        metric: one of :data:`COMPARED`
        confidence: between 0 and 1
        resamples: how many draws
        seed: of the draws

    Returns:
        the lower and the upper end; NaN where there is one speaker only
    """
    speakers = after.shape[1]
    if speakers < 2:
        return np.nan, np.nan

    def difference(drawn: npt.NDArray[np.int64], axis: int) -> Floats:
        drawn = np.moveaxis(np.atleast_2d(drawn), axis, -1)
        weights = np.stack([(drawn == speaker).sum(axis=-1) for speaker in range(speakers)], axis=-1).astype(float)
        return mean_over_folds(after, weights, metric) - mean_over_folds(before, weights, metric)

    found = bootstrap(
        (np.arange(speakers),),
        difference,
        vectorized=True,
        axis=-1,
        confidence_level=confidence,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def mcnemar_p(before: npt.ArrayLike, after: npt.ArrayLike) -> float:
    """McNemar's exact test whether two methods are right equally often on the same utterances.

    Args:
        before: (utterances,) whether the first is right
        after: (utterances,) whether the second is right

    Returns:
        p between 0 and 1; 1 where they are right on the same utterances

    >>> mcnemar_p([True] * 5 + [False] * 10, [True] * 15)
    0.001953125
    """
    before, after = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    table = [[(before & after).sum(), (before & ~after).sum()], [(~before & after).sum(), (~before & ~after).sum()]]
    return float(mcnemar(table, exact=True).pvalue)
