"""All pictures of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from emofuse.figures.leaderboard import leaderboard
from emofuse.figures.pareto import pareto
from emofuse.figures.uncertainty import uncertainty


def of_experiment(
    predictions: pd.DataFrame,
    metrics: pd.DataFrame,
    comparison: pd.DataFrame,
    front: pd.DataFrame,
    *,
    ceilings: Sequence[str],
    confidence: float,
) -> dict[str, Figure]:
    """The pictures of an experiment, by the names of :data:`emofuse.figures.OF_EXPERIMENT`.

    Args:
        predictions: the ``predictions`` table of any method: all say the same of the voice
        metrics: the ``metrics`` table of all methods
        comparison: the ``comparison`` table of all methods
        front: the ``front`` table
        ceilings: the methods that see the test labels
        confidence: of the intervals, between 0 and 1
    """
    return {
        "pareto": pareto(front, metrics, ceilings),
        "leaderboard": leaderboard(comparison, metrics, ceilings, confidence),
        "uncertainty": uncertainty(predictions),
    }
