"""Metrics of predictions, by fold and condition, as a tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse import accuracy
from emofuse.tables import EMOTIONS, PROBABILITY

BASELINE = "speech"
"""The method that all others are compared with: the voice alone."""

CHANGES = ("wrong_to_right", "right_to_wrong", "wrong_to_wrong")
"""What a method makes of a prediction of the voice that it changes."""

ECE_BINS = 15
"""Bins of the expected calibration error, as in Guo et al. 2017."""

FLOOR = 1e-6
"""The least probability that the log-loss counts, so that one certain error does not decide it."""


def metrics_of(predictions: Mapping[str, Iterable[pd.DataFrame]]) -> pd.DataFrame:
    """The ``metrics`` table of an experiment.

    Args:
        predictions: the folds of the ``predictions`` table of each method, by its name
    """
    return pd.concat([evaluate(table, method) for method, table in predictions.items()], ignore_index=True)


def evaluate(predictions: Iterable[pd.DataFrame], method: str) -> pd.DataFrame:
    """All metrics of a method, for each fold and condition.

    Args:
        predictions: the folds of the method's ``predictions`` table
        method: the method's name

    Returns:
        the ``metrics`` table: UA, WA, F1, recall_<emotion>, log_loss, Brier, ECE, selected,
        and counts of changed predictions, in all and as ``<change>/<from>_<to>``;
        NaN where a metric is not defined (the recall of an emotion that the condition lacks)
    """
    rows = [
        (method, of_fold["fold"].iloc[0], condition, metric, value)
        for of_fold in predictions
        for condition, part in accuracy.each_condition(of_fold)
        for metric, value in (scores_of(part) | changes_of(part)).items()
    ]
    table = pd.DataFrame(rows, columns=["method", "fold", "condition", "metric", "value"])
    shown = accuracy.conditions(table["condition"].unique())
    return table[table["condition"].isin(shown)].reset_index(drop=True)


def per_fold(metrics: pd.DataFrame, metric: str, condition: str = accuracy.ALL) -> pd.DataFrame:
    """One metric in one condition: a row per fold, a column per method.

    Args:
        metrics: the ``metrics`` table
        metric: its name in that table
        condition: whose rows
    """
    rows = metrics[(metrics["metric"] == metric) & (metrics["condition"] == condition)]
    return rows.pivot(index="fold", columns="method", values="value")


def scores_of(predictions: pd.DataFrame) -> dict[str, float]:
    """Metrics of one set of predictions.

    Args:
        predictions: at least one row of a ``predictions`` table

    Returns:
        UA (mean recall of the emotions that occur), WA (accuracy), F1 (macro), recall_<emotion>, selected (share):
        between 0 and 1, higher is better but for selected;
        log_loss (nats), Brier (0 to 2), ECE (0 to 1): lower is better
    """
    from sklearn.metrics import brier_score_loss, log_loss  # 0.8 s, which pictures and pages need not wait for

    emotion, predicted = (accuracy.indices(predictions[name]) for name in ("emotion", "predicted"))
    confusion = accuracy.confusion(emotion, predicted)
    recall = accuracy.recalls(confusion)
    probability = predictions[PROBABILITY].to_numpy()
    labels = list(range(len(EMOTIONS)))
    floored = np.maximum(probability, FLOOR)
    return {
        **{metric: float(accuracy.from_confusion(confusion, metric)) for metric in accuracy.METRICS},
        **{f"recall_{name}": float(value) for name, value in zip(EMOTIONS, recall, strict=True)},
        "log_loss": float(log_loss(emotion, floored / floored.sum(axis=1, keepdims=True), labels=labels)),
        "Brier": float(brier_score_loss(emotion, probability, labels=labels)),
        "ECE": expected_calibration_error(emotion, predicted, probability),
        "selected": float(predictions["selected"].mean()),
    }


def expected_calibration_error(
    emotion: npt.ArrayLike, predicted: npt.ArrayLike, probability: npt.ArrayLike, bins: int = ECE_BINS
) -> float:
    """How far confidence and accuracy lie apart, on average.

    ECE = Σ_b (n_b / n) |accuracy_b − confidence_b| over bins of equal width of the largest probability
    (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).

    Args:
        emotion: (utterances,) what is true
        predicted: (utterances,) what is predicted
        probability: (utterances, classes) distributions
        bins: how many bins between 0 and 1

    Returns:
        between 0 and 1, 0 is calibrated

    >>> expected_calibration_error(["sad", "sad"], ["sad", "angry"], [[0, 0, 0, 1], [0.8, 0.1, 0.1, 0]])
    0.4
    """
    confidence = np.asarray(probability).max(axis=1)
    right = np.asarray(emotion) == np.asarray(predicted)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    difference = np.bincount(place, right - confidence, minlength=bins)
    return float(np.abs(difference).sum() / len(confidence))


def changes_of(predictions: pd.DataFrame) -> dict[str, float]:
    """How many predictions a method changed from what the voice alone says, and to what end.

    Args:
        predictions: rows of a ``predictions`` table

    Returns:
        counts named ``<change>`` and ``<change>/<from>_<to>``, for all pairs of emotions
    """
    emotion, before, after = (predictions[name] for name in ("emotion", "speech", "predicted"))
    changed = before != after
    change = np.select([after == emotion, before == emotion], CHANGES[:2], CHANGES[2])
    counts = pd.Series(list(zip(change[changed], before[changed], after[changed], strict=True))).value_counts()
    values: dict[str, float] = {}
    for name in CHANGES:
        values[name] = float((change[changed] == name).sum())
        for source in EMOTIONS:
            for target in EMOTIONS:
                if source != target:
                    values[f"{name}/{source}_{target}"] = float(counts.get((name, source, target), 0))
    return values
