"""How sure a difference is: paired intervals over speakers, and McNemar's test, corrected over methods.

Where folds test different speakers, each utterance is predicted once. Where they test the same utterances and differ in
their source alone, as across corpora, each is predicted once per source fold: speakers and source folds are then both
a sample, and neither the predictions nor the folds' tests are independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from emofuse import accuracy
from emofuse.accuracy import Floats, by_condition
from emofuse.contracts import COMPARISON
from emofuse.evaluation.metrics import BASELINE

AXES = ["fold", "speaker"]
"""What confusions are counted by, in the order of the axes of counts."""


def comparison_of(
    predictions: Mapping[str, pd.DataFrame],
    ceilings: Sequence[str],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The ``comparison`` table of an experiment.

    Args:
        predictions: the ``predictions`` table of each method, by its name
        ceilings: the methods that see the test labels
        confidence: of the intervals, between 0 and 1
        resamples: how often speakers are drawn
        seed: of the draws; the same for all methods, so that they meet the same speakers

    Returns:
        what :func:`compare` says of each method, with ``p_holm``: per condition, p corrected over all methods
        that are compared with the voice and are no ceilings (see :func:`holm`)
    """
    table = pd.concat(
        [
            compare(of_method, method, confidence=confidence, resamples=resamples, seed=seed)
            for method, of_method in predictions.items()
        ],
        ignore_index=True,
    )
    tested = table["p"].notna() & ~table["method"].isin([BASELINE, *ceilings])
    return table.assign(p_holm=table["p"].where(tested).groupby(table["condition"]).transform(holm))


def compare(predictions: pd.DataFrame, method: str, *, confidence: float, resamples: int, seed: int) -> pd.DataFrame:
    """A method against the voice alone on the same utterances.

    Args:
        predictions: the method's ``predictions`` table
        method: the method's name
        confidence: of the interval, between 0 and 1
        resamples: how often speakers are drawn
        seed: of the draws

    Returns:
        the ``comparison`` table but for ``p_holm``: for each condition and metric the mean over folds,
        that of the voice alone, the difference with its interval (see :func:`interval`),
        and whether folds are source folds;
        where the metric is WA also McNemar's p, over source folds their :func:`combined_p`, elsewhere NaN
    """
    rows = []
    crossed = has_source_folds(predictions)
    for condition, part in by_condition(predictions):
        after, before = (accuracy.confusions(part, name, AXES) for name in ("predicted", "speech"))
        tests = [of_fold for _, of_fold in part.groupby("fold")] if crossed else [part]
        p = {"WA": combined_p([_mcnemar_p_of(rows_of_test) for rows_of_test in tests])}
        for metric in accuracy.METRICS:
            ones = np.ones((1, after.shape[1]))
            mean, mean_before = (float(mean_over_folds(c, ones, metric)[0]) for c in (after, before))
            ends = interval(
                after, before, metric, crossed=crossed, confidence=confidence, resamples=resamples, seed=seed
            )
            values = (mean, mean_before, mean - mean_before, *ends, p.get(metric, np.nan))
            rows.append((method, condition, metric, crossed, *values))
    return pd.DataFrame(rows, columns=[name for name in COMPARISON.columns if name != "p_holm"])


def has_source_folds(predictions: pd.DataFrame) -> bool:
    """Whether all folds, two or more, test the same utterances, so that they differ in their source alone.

    Args:
        predictions: a ``predictions`` table
    """
    folds = predictions["fold"].nunique()
    return folds > 1 and bool((predictions.groupby("utterance").size() == folds).all())


def mean_over_folds(counts: Floats, weights: Floats, metric: str, drawn: Floats | float = 1.0) -> Floats:
    """The mean of a metric over folds, when each speaker counts as often as a weight says.

    A fold counts by the mean weight of its speakers, as often as it is drawn.
    Where a fold tests one speaker, that is the ordinary bootstrap of folds;
    where it tests many, each fold's metric moves with the speakers drawn.

    Args:
        counts: (folds, speakers, 4, 4) confusion matrices
        weights: (resamples, speakers) how often each speaker is drawn
        metric: one of :data:`emofuse.accuracy.METRICS`
        drawn: (resamples, folds) how often each fold is drawn, where folds are

    Returns:
        (resamples,) values between 0 and 1
    """
    matrices = np.einsum("bs,fstp->bftp", weights, counts)
    occurs = counts.sum(axis=(2, 3)) > 0
    fold_weights = drawn * (weights @ occurs.T / occurs.sum(axis=1))
    values = accuracy.from_confusion(matrices, metric)
    fold_weights = np.where(np.isnan(values), 0, fold_weights)
    return (fold_weights * np.nan_to_num(values)).sum(axis=1) / fold_weights.sum(axis=1)


def interval(
    after: Floats, before: Floats | None, metric: str, *, crossed: bool, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of the paired difference of a metric, over speakers, and over source folds.

    Utterances of a speaker are not independent, so speakers are drawn, with replacement, and
    both methods are judged on the same draw. Where every fold tests the same speakers, source folds are drawn as well,
    independently of the speakers: the pigeonhole bootstrap (Owen 2007, The pigeonhole bootstrap, Annals of Applied
    Statistics 1(2)).

    Args:
        after: (folds, speakers, 4, 4) confusion matrices of the method
        before: the same of the voice alone; ``None`` for the interval of the method's own metric
        metric: one of :data:`emofuse.accuracy.METRICS`
        crossed: whether folds are source folds
        confidence: between 0 and 1
        resamples: how many draws
        seed: of the draws

    Returns:
        the lower and the upper end; NaN for a single speaker
    """
    folds, speakers = after.shape[:2]
    numbers = (speakers, folds) if crossed else (speakers,)
    if speakers < 2:
        return np.nan, np.nan

    def times(drawn: npt.NDArray[np.int64], number: int, axis: int) -> Floats:
        """How often each of a number of speakers or folds is drawn."""
        drawn = np.moveaxis(np.atleast_2d(drawn), axis, -1)
        return np.stack([(drawn == index).sum(axis=-1) for index in range(number)], axis=-1).astype(float)

    def difference(*drawn: npt.NDArray[np.int64], axis: int) -> Floats:
        weights, *of_folds = (times(which, number, axis) for which, number in zip(drawn, numbers, strict=True))
        mean = mean_over_folds(after, weights, metric, *of_folds)
        return mean if before is None else mean - mean_over_folds(before, weights, metric, *of_folds)

    ends = bootstrap(
        [np.arange(number) for number in numbers],
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


def combined_p(values: Sequence[float]) -> float:
    """One p from tests of the same utterances, which depend on each other in a way that nobody knows.

    Twice the median, at most 1 (Meinshausen, Meier, Bühlmann 2009, p-Values for High-Dimensional Regression, section
    2.1, with γ = 1/2; that such a p holds under any dependence: Rüschendorf 1982). A single p stays what it is.

    >>> combined_p([0.01, 0.2, 0.03]), combined_p([0.04]), combined_p([0.4, 0.9])
    (0.06, 0.04, 1.0)
    """
    return float(values[0]) if len(values) == 1 else min(1.0, 2 * float(np.median(values)))


def holm(p: pd.Series) -> pd.Series:
    """P values corrected for their number (Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure).

    Each bounds the chance that any of the methods differs in the test only, whatever the tests' dependence.

    Args:
        p: a value per method; NaN where nothing was tested, which stays

    Returns:
        values between ``p`` and 1

    >>> holm(pd.Series([0.01, 0.04, np.nan, 0.03])).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    tested = p.dropna()
    corrected = multipletests(tested, method="holm")[1] if len(tested) else []
    return pd.Series(corrected, tested.index, dtype=float).reindex(p.index)


def _mcnemar_p_of(predictions: pd.DataFrame) -> float:
    """McNemar's p of a method against the voice alone."""
    return mcnemar_p(*(predictions[said] == predictions["emotion"] for said in ("speech", "predicted")))
