"""Why a result drops on another corpus: what differs between source validation and the target.

The `shift` table has two authors: :mod:`emofuse.fusion.shift` writes what thresholds see,
this module calibration and the proportions of the emotions; and it says in a sentence what all of it comes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from emofuse import accuracy
from emofuse.accuracy import Floats
from emofuse.evaluation.metrics import BASELINE, expected_calibration_error
from emofuse.evaluation.wording import signed
from emofuse.tables import EMOTIONS, SPEECH

SOURCE, TARGET = "validation", "test"
"""The splits that are compared: the source's validation utterances, and the target."""

BEFORE, AFTER = "ECE before", "ECE after"
"""Expected calibration error at temperature 1, and at the temperature that was fitted on source validation."""


def calibration_and_proportions(scores: Iterable[pd.DataFrame], temperatures: Mapping[str, float]) -> pd.DataFrame:
    """How well the voice is calibrated on either side, and how often each emotion occurs.

    Args:
        scores: the rows of each fold of a cross-corpus experiment, as :class:`emofuse.scores.Scores` gives them
        temperatures: by which the logits of each fold were divided

    Returns:
        rows of the ``shift`` table, all of method ``speech``: :data:`BEFORE` and :data:`AFTER` over all emotions,
        and ``proportion`` of each emotion, all between 0 and 1
    """
    rows = []
    kept = (of_fold[of_fold["split"].isin([SOURCE, TARGET])] for of_fold in scores)
    for (fold, split), part in (side for of_fold in kept for side in of_fold.groupby(["fold", "split"])):
        after = part[SPEECH].to_numpy(np.float64)
        before = at_temperature_one(after, temperatures[fold])
        emotion = accuracy.indices(part["emotion"])
        for metric, probability in ((BEFORE, before), (AFTER, after)):
            error = expected_calibration_error(emotion, probability.argmax(axis=1), probability)
            rows.append((fold, split, "all", metric, error))
        rows += [(fold, split, name, "proportion", (part["emotion"] == name).mean()) for name in EMOTIONS]
    table = pd.DataFrame(rows, columns=["fold", "split", "emotion", "metric", "value"])
    return table.assign(method=BASELINE, quantile=np.nan)


def at_temperature_one(probability: Floats, temperature: float) -> Floats:
    """The distributions that logits had before they were divided by a temperature.

    softmax(z) ∝ exp(z) = exp(z / T)^T ∝ softmax(z / T)^T

    Args:
        probability: (utterances, classes) softmax of the divided logits
        temperature: what they were divided by

    Returns:
        (utterances, classes); rows sum to 1

    >>> at_temperature_one(np.array([[0.2, 0.8]]), 2.0).round(3).tolist()
    [[0.059, 0.941]]
    """
    # The largest is 1 before the power, so that no row vanishes.
    powers = (probability / probability.max(axis=1, keepdims=True)) ** temperature
    return powers / powers.sum(axis=1, keepdims=True)


def quantiles(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The voice's distribution of a measure, mean over folds: a row per quantile, a column per split.

    Args:
        table: the ``shift`` table
        measure: ``entropy`` or ``varentropy``
    """
    rows = table[(table["method"] == BASELINE) & (table["metric"] == measure)]
    return rows.pivot_table(index="quantile", columns="split", values="value")


def of_voice(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric of the voice, mean over folds: a row per emotion (or ``all``), a column per split.

    Args:
        table: the ``shift`` table
        metric: ``UA``, :data:`BEFORE`, :data:`AFTER` or ``proportion``
    """
    rows = table[(table["method"] == BASELINE) & (table["metric"] == metric)]
    return rows.pivot_table(index="emotion", columns="split", values="value")


def of_methods(table: pd.DataFrame) -> pd.DataFrame:
    """What the thresholds of each method come to on either side, mean over folds.

    Args:
        table: the ``shift`` table

    Returns:
        a row per method in their order, as the index; columns of two levels: ``selected`` (share) and
        ``gain`` (UA less that of the voice), each on either split
    """
    rows = table[table["metric"].isin(["UA", "selected"])]
    means = rows.groupby(["method", "metric", "split"], sort=False)["value"].mean().unstack(["metric", "split"])
    methods = [name for name in means.index if name != BASELINE]
    gain = means["UA"].loc[methods] - means.loc[BASELINE, "UA"]
    selected = means["selected"].loc[methods] if methods else gain
    return pd.concat({"selected": selected, "gain": gain}, axis=1)


def places(table: pd.DataFrame) -> pd.DataFrame:
    """Where thresholds lie on either side, mean over the folds that have them.

    Args:
        table: the ``shift`` table

    Returns:
        a row per method, emotion and measure, as the index; a column per split:
        the share of the utterances with that predicted emotion that lie below the threshold
    """
    rows = table[(table["method"] != BASELINE) & table["quantile"].notna()]
    keys = ["method", "emotion", "metric"]
    return rows.pivot_table(index=keys, columns="split", values="quantile", sort=False).reindex(
        columns=[SOURCE, TARGET]
    )


def sentence(table: pd.DataFrame) -> str:
    """Why the result drops, or does not, in one sentence: means over folds.

    It speaks of the method with thresholds that gains most on source validation, which is what one would have chosen.

    Args:
        table: the ``shift`` table
    """
    source, target = (round(float(quantiles(table, "entropy").loc[0.5, split]), 2) for split in (SOURCE, TARGET))
    surer = np.sign(source - target)
    how = {1: "surer", 0: "as sure", -1: "less sure"}[surer]
    against = f"{target:.2f} against {source:.2f}" if surer else f"{target:.2f}"
    text = f"On the target the voice is {how} (median entropy {against} nats)"
    methods = of_methods(table)
    if methods.empty:
        return f"{text}."
    name = methods["gain", SOURCE].idxmax()
    share, gain = (
        [round(100 * float(methods.loc[name, (of, s)]), 1) for s in (SOURCE, TARGET)] for of in ("selected", "gain")
    )
    fewer = np.sign(share[0] - share[1])
    link = "so" if surer and fewer == surer else "and"  # thresholds select what is unsure
    turn = {1: "falls", 0: "stays", -1: "rises"}[np.sign(gain[0] - gain[1])]
    moved = f"from {signed(gain[0], 1)} to {signed(gain[1], 1)}" if gain[0] != gain[1] else f"at {signed(gain[0], 1)}"
    return (
        f"{text}, {link} the thresholds of {name}, which select {share[0]:.1f}% of the source's validation utterances, "
        f"select {share[1]:.1f}% here, and the gain in UA over {BASELINE} alone {turn} {moved} points."
    )
