"""What adaptations to a target gain over no adaptation, on the same utterances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse import accuracy
from emofuse.accuracy import Floats, by_condition
from emofuse.contracts import ADAPTATION

AXES = ["draw", "fold", "speaker"]
"""What an interval is over, in the order of the axes of counts."""


def gains_of(
    adapted: Mapping[str, pd.DataFrame],
    predictions: Mapping[str, pd.DataFrame],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The ``adaptation`` table of an experiment.

    Args:
        adapted: the ``adapted`` table of each adaptation, by its name
        predictions: the ``predictions`` table of each method without adaptation, by its name
        confidence: of the intervals, between 0 and 1
        resamples: how often speakers, source folds and draws are drawn
        seed: of the draws; the same everywhere, so that all meet the same speakers

    Returns:
        per adaptation, method, k and condition UA with and without adaptation, their difference with its interval
        (see :func:`interval`), and the share of utterances whose words are consulted
    """
    rows = []
    for name, table in adapted.items():
        for method, of_method in table.groupby("method", sort=False):
            without = predictions[method][["fold", "utterance", "predicted"]].rename(columns={"predicted": "without"})
            paired = of_method.merge(without, on=["fold", "utterance"], how="left", validate="many_to_one")
            for k, of_k in paired.groupby("k", sort=True):
                for condition, part in by_condition(of_k):
                    after, before = (accuracy.confusions(part, column, AXES) for column in ("predicted", "without"))
                    once = [np.ones((1, size)) for size in after.shape[: len(AXES)]]
                    ua, ua_before = (float(mean_ua(counts, *once)[0]) for counts in (after, before))
                    ends = interval(after, before, confidence=confidence, resamples=resamples, seed=seed)
                    selected = part.groupby(["draw", "fold"])["selected"].mean().mean()
                    said = (name, method, k, condition, ua, ua_before, ua - ua_before, *ends, selected)
                    rows.append((*said, of_k["draw"].nunique()))
    return pd.DataFrame(rows, columns=list(ADAPTATION.columns))


def mean_ua(counts: Floats, draws: Floats, folds: Floats, speakers: Floats) -> Floats:
    """The mean of UA over draws and source folds, when each of these and each speaker counts as a weight says.

    Args:
        counts: (draws, folds, speakers, 4, 4) confusion matrices
        draws: (resamples, draws) how often each draw of labelled speakers is drawn
        folds: (resamples, folds) how often each source fold is drawn
        speakers: (resamples, speakers) how often each target speaker is drawn

    Returns:
        (resamples,) values between 0 and 1; NaN where nothing is left of the draws and folds that are drawn
    """
    values = accuracy.from_confusion(np.tensordot(speakers, counts, axes=(1, 2)), "UA")  # (resamples, draws, folds)
    weights = np.where(np.isnan(values), 0, draws[:, :, None] * folds[:, None, :])
    with np.errstate(invalid="ignore"):
        return (weights * np.nan_to_num(values)).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))


def interval(after: Floats, before: Floats, *, confidence: float, resamples: int, seed: int) -> tuple[float, float]:
    """Percentile bootstrap interval of the paired difference of UA, over target speakers, source folds and draws.

    Each is drawn with replacement, independently of the others: the pigeonhole bootstrap
    (Owen 2007, *The pigeonhole bootstrap*, Annals of Applied Statistics 1(2)).
    With and without adaptation are judged on the same draw.

    Args:
        after: (draws, folds, speakers, 4, 4) confusion matrices with adaptation
        before: the same without
        confidence: between 0 and 1
        resamples: how many draws
        seed: of the draws

    Returns:
        the lower and the upper end; NaN for a single speaker
    """
    sizes = after.shape[: len(AXES)]
    if sizes[-1] < 2:
        return np.nan, np.nan
    random = np.random.default_rng(seed)
    drawn: list[npt.NDArray] = [random.multinomial(size, np.full(size, 1 / size), resamples) for size in sizes]
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(mean_ua(after, *drawn) - mean_ua(before, *drawn), [tail, 1 - tail])
    return float(low), float(high)
