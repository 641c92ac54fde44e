"""What the voice's uncertainty and a method's thresholds come to on source validation, and on the target.

Both are rows of the `shift` table; :mod:`emofuse.evaluation.shift` has the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from emofuse import accuracy, parts
from emofuse.fusion.thresholds import MEASURES, places
from emofuse.tables import SPEECH

QUANTILES = np.linspace(0, 1, 101)
"""Enough for a curve to be drawn."""

SPLITS = ("validation", "test")
"""The source that a method may be fitted on, and the target."""

SPEECH_ALONE = "speech"
"""The method whose rows are the voice's own."""


def shift(
    scores: Iterable[pd.DataFrame], methods: Sequence[Mapping[str, Any]], paths: Mapping[str, str]
) -> pd.DataFrame:
    """The voice's uncertainty, and where thresholds lie in it.

    Args:
        scores: the rows of each fold of a cross-corpus experiment, as :class:`emofuse.scores.Scores` gives them
        methods: what methods learned, as :func:`emofuse.fusion.folds.run` returns it, each with thresholds
        paths: of the class of each method by the method's name, as :func:`emofuse.parts.load` takes them

    Returns:
        rows of the `shift` table, for validation and test of each fold: the voice's ``UA`` and the :data:`QUANTILES`
        of its entropy and varentropy (as method ``speech``); ``UA`` and ``selected``, the share, of each method;
        and each threshold of a method, with its place as :func:`emofuse.fusion.thresholds.places` gives it
    """
    rows: list[tuple[Any, ...]] = []
    kept = (of_fold[of_fold["split"].isin(SPLITS)] for of_fold in scores)
    for (fold, split), part in (side for of_fold in kept for side in of_fold.groupby(["fold", "split"])):
        emotion, voice = accuracy.indices(part["emotion"]), part[SPEECH].to_numpy()
        before = accuracy.unweighted_accuracy(emotion, voice.argmax(axis=1))
        rows.append((SPEECH_ALONE, fold, split, "all", "UA", np.nan, before))
        for measure in ("entropy", "varentropy"):
            values = np.quantile(MEASURES[measure][0](voice), QUANTILES)
            rows += [(SPEECH_ALONE, fold, split, "all", measure, *pair) for pair in zip(QUANTILES, values, strict=True)]
        for method in methods:
            name, learned = method["method"], method["folds"][fold]
            estimator = parts.load(paths[name])
            X = part[estimator.columns].to_numpy()
            decided, selected = estimator.decide_by(X, learned)
            rows.append((name, fold, split, "all", "UA", np.nan, accuracy.unweighted_accuracy(emotion, decided)))
            rows.append((name, fold, split, "all", "selected", np.nan, selected.mean()))
            for predicted, measure, bound, place in places(X, learned["thresholds"], estimator.measures):
                rows.append((name, fold, split, predicted, measure, place, bound))
    return pd.DataFrame(rows, columns=["method", "fold", "split", "emotion", "metric", "quantile", "value"])
