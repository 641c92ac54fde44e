"""Metrics of predictions, by fold and condition, as a tidy table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, f1_score, log_loss, recall_score

from emofuse.tables import EMOTIONS, PROBABILITY

ALL = "all"
"""The condition that holds every utterance."""

CHANGES = ("wrong_to_right", "right_to_wrong", "wrong_to_wrong")
"""What a method can do to a prediction of the speech classifier that it changes."""

ECE_BINS = 15
"""Bins of the expected calibration error, as in Guo et al. 2017."""

FLOOR = 1e-6
"""Probabilities are taken to be at least this in the log-loss, so that one certain error does not decide it."""


def evaluate(predictions: pd.DataFrame, speech: pd.DataFrame, method: str) -> pd.DataFrame:
    """All metrics of a method, for each fold and condition.

    Args:
        predictions: the method's `predictions` table with a column `condition`
        speech: the `predictions` table of the speech classifier, for what the method changed
        method: the method's name

    Returns:
        the `metrics` table: UA, WA, F1, recall_<emotion>, log_loss, Brier, ECE, selected,
        and counts of changed predictions, in all and as ``<change>/<from>_<to>``;
        NaN where a metric is not defined (the recall of an emotion that the condition lacks)
    """
    before = speech.set_index(["fold", "utterance"])["predicted"].rename("before")
    joined = predictions.join(before, on=["fold", "utterance"], validate="one_to_one")
    rows = []
    for fold, of_fold in joined.groupby("fold", sort=True):
        for condition, part in by_condition(of_fold):
            values = scores_of(part) | changes_of(part)
            rows += [(method, fold, condition, metric, value) for metric, value in values.items()]
    return pd.DataFrame(rows, columns=["method", "fold", "condition", "metric", "value"])


def by_condition(predictions: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The utterances of all conditions, then of each; a corpus with one condition or none has only ``all``."""
    parts = [(str(name), part) for name, part in predictions.groupby("condition", sort=True) if name]
    return [(ALL, predictions), *(parts if len(parts) > 1 else [])]


def scores_of(predictions: pd.DataFrame) -> dict[str, float]:
    """Metrics of one set of predictions.

    Args:
        predictions: at least one row of a `predictions` table

    Returns:
        UA (mean recall of the emotions that occur), WA (accuracy), F1 (macro), recall_<emotion>, selected (share):
        between 0 and 1, higher is better but for selected;
        log_loss (nats), Brier (0 to 2), ECE (0 to 1): lower is better
    """
    # As numbers: scikit-learn takes far longer over text.
    emotion, predicted = (pd.Categorical(predictions[name], EMOTIONS).codes for name in ("emotion", "predicted"))
    probability = predictions[PROBABILITY].to_numpy()
    labels = list(range(len(EMOTIONS)))
    recall = recall_score(emotion, predicted, labels=labels, average=None, zero_division=np.nan)
    floored = np.maximum(probability, FLOOR)
    return {
        "UA": float(np.nanmean(recall)),
        "WA": float((emotion == predicted).mean()),
        "F1": float(f1_score(emotion, predicted, average="macro", zero_division=0)),
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
    """How many predictions changed, and to whose benefit.

    Args:
        predictions: rows with `emotion`, `predicted` and `before`, what the speech classifier said

    Returns:
        counts named ``<change>`` and ``<change>/<from>_<to>``, for all pairs of emotions
    """
    emotion, before, after = (predictions[name] for name in ("emotion", "before", "predicted"))
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


def unweighted_accuracy(emotion: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """UA: the mean recall of the emotions that occur, between 0 and 1."""
    return float(balanced_accuracy_score(emotion, predicted))
