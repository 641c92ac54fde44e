"""How sure a difference is: paired intervals over speakers, and McNemar's test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar

from emofuse import accuracy
from emofuse.accuracy import Floats
from emofuse.evaluation.metrics import by_condition
from emofuse.tables import EMOTIONS


def comparison_of(
    predictions: Mapping[str, pd.DataFrame], *, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """The ``comparison`` table of an experiment.

    Args:
        predictions: the ``predictions`` table of each method, by its name
        confidence: of the intervals, between 0 and 1
        resamples: how often speakers are drawn
        seed: of the draws; the same for all methods, so that they meet the same speakers
    """
    return pd.concat(
        [
            compare(table, method, confidence=confidence, resamples=resamples, seed=seed)
            for method, table in predictions.items()
        ],
        ignore_index=True,
    )


def compare(predictions: pd.DataFrame, method: str, *, confidence: float, resamples: int, seed: int) -> pd.DataFrame:
    """A method against the voice alone on the same utterances.

    Args:
        predictions: the method's ``predictions`` table
        method: the method's name
        confidence: of the interval, between 0 and 1
        resamples: how often speakers are drawn
        seed: of the draws

    Returns:
        the ``comparison`` table: for each condition and metric the mean over folds, that of the voice alone,
        and the difference with its interval (see :func:`interval`);
        where the metric is WA also McNemar's p (see :func:`mcnemar_p`), elsewhere NaN
    """
    rows = []
    for condition, part in by_condition(predictions):
        after, before = (confusions(part, name) for name in ("predicted", "speech"))
        p = {"WA": mcnemar_p(part["speech"] == part["emotion"], part["predicted"] == part["emotion"])}
        for metric in accuracy.METRICS:
            ones = np.ones((1, after.shape[1]))
            mean, mean_before = (float(mean_over_folds(c, ones, metric)[0]) for c in (after, before))
            low, high = interval(after, before, metric, confidence=confidence, resamples=resamples, seed=seed)
            difference = mean - mean_before
            rows.append((method, condition, metric, mean, mean_before, difference, low, high, p.get(metric, np.nan)))
    return pd.DataFrame(
        rows, columns=["method", "condition", "metric", "mean", "speech", "difference", "low", "high", "p"]
    )


def confusions(predictions: pd.DataFrame, column: str) -> Floats:
    """Confusion matrices of each fold and speaker, (folds, speakers, true, predicted), as counts.

    Args:
        predictions: rows of a ``predictions`` table
        column: whose predictions: ``predicted`` the method's, ``speech`` the voice's
    """
    cells = pd.DataFrame({name: pd.factorize(predictions[name], sort=True)[0] for name in ("fold", "speaker")})
    true, said = (accuracy.indices(predictions[name]) for name in ("emotion", column))
    counts = np.zeros((*cells.max() + 1, len(EMOTIONS), len(EMOTIONS)))
    for cell, rows in cells.groupby(["fold", "speaker"]).indices.items():
        counts[cell] = accuracy.confusion(true[rows], said[rows])
    return counts


def mean_over_folds(counts: Floats, weights: Floats, metric: str) -> Floats:
    """The mean of a metric over folds, when each speaker counts as often as a weight says.

    A fold counts by the mean weight of its speakers. Where a fold tests one speaker, that is the ordinary
    bootstrap of folds; where it tests many, each fold's metric moves with the speakers drawn.

    Args:
        counts: (folds, speakers, 4, 4) confusion matrices
        weights: (resamples, speakers) how often each speaker is drawn
        metric: one of :data:`emofuse.accuracy.METRICS`

    Returns:
        (resamples,) values between 0 and 1
    """
    matrices = np.einsum("bs,fstp->bftp", weights, counts)
    occurs = counts.sum(axis=(2, 3)) > 0
    fold_weights = weights @ occurs.T / occurs.sum(axis=1)
    values = accuracy.from_confusion(matrices, metric)
    fold_weights = np.where(np.isnan(values), 0, fold_weights)
    return (fold_weights * np.nan_to_num(values)).sum(axis=1) / fold_weights.sum(axis=1)


def interval(
    after: Floats, before: Floats, metric: str, *, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of the paired difference of a metric, over speakers.

    Utterances of a speaker are not independent, so speakers are drawn, with replacement, and
    both methods are judged on the same draw.

    Args:
        after: (folds, speakers, 4, 4) confusion matrices of the method
        before: the same of the voice alone
        metric: one of :data:`emofuse.accuracy.METRICS`
        confidence: between 0 and 1
        resamples: how many draws
        seed: of the draws

    Returns:
        the lower and the upper end; NaN for a single speaker
    """
    speakers = after.shape[1]
    if speakers < 2:
        return np.nan, np.nan

    def difference(drawn: npt.NDArray[np.int64], axis: int) -> Floats:
        drawn = np.moveaxis(np.atleast_2d(drawn), axis, -1)
        weights = np.stack([(drawn == speaker).sum(axis=-1) for speaker in range(speakers)], axis=-1).astype(float)
        return mean_over_folds(after, weights, metric) - mean_over_folds(before, weights, metric)

    ends = bootstrap(
        (np.arange(speakers),),
        difference,
        vectorized=True,
        axis=-1,
        confidence_level=confidence,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(ends.low), float(ends.high)


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
