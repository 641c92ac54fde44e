"""How sure a difference is: paired intervals over speakers, and McNemar's test, corrected over methods.

Where folds test different speakers, each utterance is predicted once. Where they test the same utterances and differ in
their source alone, as across corpora, each is predicted once per source fold: speakers and source folds are then both
a sample, and neither the predictions nor the folds' tests are independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from emofuse import accuracy
from emofuse.accuracy import Floats
from emofuse.contracts import COMPARISON
from emofuse.evaluation.metrics import BASELINE
from emofuse.tables import EMOTIONS


def comparison_of(
    predictions: Mapping[str, Iterable[pd.DataFrame]],
    ceilings: Sequence[str],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The ``comparison`` table of an experiment.

    Args:
        predictions: the folds of the ``predictions`` table of each method, by its name
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


def compare(
    predictions: Iterable[pd.DataFrame], method: str, *, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """A method against the voice alone on the same utterances.

    Args:
        predictions: the folds of the method's ``predictions`` table
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
    counts, crossed = _counted(predictions)
    for condition in accuracy.conditions(counts):
        after, before = (
            _together([of_fold[name] for of_fold in counts[condition]]) for name in ("predicted", "speech")
        )
        agreements = np.stack([of_fold["agreement"] for of_fold in counts[condition]])
        tests = agreements if crossed else [agreements.sum(axis=0)]
        p = {"WA": combined_p([_exact_p(agreement) for agreement in tests])}
        for metric in accuracy.METRICS:
            ones = np.ones((1, after.shape[1]))
            mean, mean_before = (float(mean_over_folds(c, ones, metric)[0]) for c in (after, before))
            ends = interval(
                after, before, metric, crossed=crossed, confidence=confidence, resamples=resamples, seed=seed
            )
            values = (mean, mean_before, mean - mean_before, *ends, p.get(metric, np.nan))
            rows.append((method, condition, metric, crossed, *values))
    return pd.DataFrame(rows, columns=[name for name in COMPARISON.columns if name != "p_holm"])


def _counted(predictions: Iterable[pd.DataFrame]) -> tuple[dict[str, list[dict[str, Any]]], bool]:
    """All that is counted in predictions, and whether their folds are source folds.

    They are where all folds, two or more, test the same utterances, so that they differ in their source alone.

    Returns:
        by condition, for each fold that has it: by ``predicted`` and ``speech`` the confusion matrices of that column
        by speaker, and their ``agreement`` (see :func:`_agreement`)
    """
    counts: dict[str, list[dict[str, Any]]] = {}
    first: pd.Index | None = None
    folds, is_same = 0, True
    for of_fold in predictions:
        tested = pd.Index(of_fold["utterance"])
        first, folds = tested if first is None else first, folds + 1
        is_same = is_same and len(tested) == len(first) and bool(tested.isin(first).all())
        for condition, part in accuracy.each_condition(of_fold):
            speakers = np.unique(part["speaker"].to_numpy(dtype=str))
            right = [(part[said] == part["emotion"]).to_numpy() for said in ("speech", "predicted")]
            matrices = {name: accuracy.confusions(part, name, ["speaker"]) for name in ("predicted", "speech")}
            of_speakers = {name: dict(zip(speakers, of_name, strict=True)) for name, of_name in matrices.items()}
            counts.setdefault(condition, []).append(of_speakers | {"agreement": _agreement(*right)})
    return counts, folds > 1 and is_same


def _together(of_folds: Sequence[Mapping[str, Floats]]) -> Floats:
    """The confusion matrices of each fold by speaker as one array, (folds, speakers, 4, 4); both sorted."""
    speakers = sorted(set().union(*of_folds))
    nothing = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    return np.array([[matrices.get(speaker, nothing) for speaker in speakers] for matrices in of_folds])


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
    occurs = counts.sum(axis=(2, 3)) > 0
    # Most speakers are in one fold.
    of_folds = [np.tensordot(weights[:, here], fold[here], axes=1) for fold, here in zip(counts, occurs, strict=True)]
    matrices = np.stack(of_folds, axis=1)
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
        row = np.arange(len(drawn))[:, None] * number
        return np.bincount((row + drawn).ravel(), minlength=len(drawn) * number).reshape(-1, number).astype(float)

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
    return _exact_p(_agreement(before, after))


def _agreement(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many utterances each of two methods is right on, or not: rows by the first, columns by the second, (2, 2)."""
    return np.array([[(one & other).sum() for other in (after, ~after)] for one in (before, ~before)])


def _exact_p(agreement: npt.NDArray[np.int64]) -> float:
    return float(mcnemar(agreement, exact=True).pvalue)


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
