"""What each point of the Pareto fronts reaches, on the rows that it was fitted on and on the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from emofuse import accuracy, parts


def front(scores: pd.DataFrame, methods: Sequence[Mapping[str, Any]], paths: Mapping[str, str]) -> pd.DataFrame:
    """UA and the share selected of each point of each method's front.

    Args:
        scores: the `scores` table
        methods: what methods learned, as :func:`emofuse.fusion.folds.run` returns it, each with a front in every fold
        paths: of the class of each method by the method's name, as :func:`emofuse.parts.load` takes them

    Returns:
        the `front` table: for each method, fold and split a row per point, by rising share on the rows fitted on
    """
    rows = []
    for method in methods:
        estimator = parts.load(paths[method["method"]])
        splits = {*method["fit_on"], "test"}
        for (fold, split), part in scores[scores["split"].isin(splits)].groupby(["fold", "split"]):
            X, emotion = part[estimator.columns].to_numpy(), accuracy.indices(part["emotion"])
            for number, point in enumerate(method["folds"][fold]["front"]):
                decided, selected = estimator.decide(X, point)
                ua = accuracy.unweighted_accuracy(emotion, decided)
                rows.append((method["method"], fold, number, split, ua, selected.mean()))
    return pd.DataFrame(rows, columns=["method", "fold", "point", "split", "UA", "selected"])
