"""All pictures of a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from emofuse.figures.changes import changes
from emofuse.figures.confusion import confusion
from emofuse.figures.plane import plane
from emofuse.figures.ua_by_fold import ua_by_fold


def of_method(
    method: str, predictions: pd.DataFrame, parameters: Mapping[str, Any], metrics: pd.DataFrame
) -> dict[str, Figure]:
    """The pictures of a method, by the names of :data:`emofuse.figures.OF_METHOD`.

    Args:
        method: its name
        predictions: its ``predictions`` table
        parameters: its ``parameters.json``
        metrics: the ``metrics`` table of all methods
    """
    return {
        "ua_by_fold": ua_by_fold(method, metrics),
        "changes": changes(method, predictions),
        "confusion": confusion(method, predictions),
        "plane": plane(method, predictions, parameters),
    }
