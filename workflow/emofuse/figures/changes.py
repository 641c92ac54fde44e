"""Where a method moved predictions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from emofuse.figures.outcomes import CORRECTED, SPOILT, STILL_WRONG, outcomes, summary
from emofuse.figures.style import BLACK, BLUE, GREY, VERMILION, styled
from emofuse.tables import EMOTIONS

PAIRS = [(a, b) for a in EMOTIONS for b in EMOTIONS if a != b]
"""From what the voice alone says to what the method says."""

# A gap sets apart what the voice said.
PLACES = np.array([index + 0.6 * (index // (len(EMOTIONS) - 1)) for index in range(len(PAIRS))])


@styled
def changes(method: str, predictions: pd.DataFrame) -> Figure:
    """Where changed predictions went: counts by pair of emotions, and whether that was for the better.

    Args:
        method: its name, for the title
        predictions: the method's ``predictions`` table
    """
    count = predictions.groupby(["speech", "predicted", outcomes(predictions)]).size()
    better, worse, neither = (
        np.array([count.get((*pair, outcome), 0) for pair in PAIRS]) for outcome in (CORRECTED, SPOILT, STILL_WRONG)
    )
    figure = Figure(figsize=(8, 5.2))
    most = max(better.max(), worse.max(), 1)
    widths = [2 * most, max(neither.max(), 0.75 * most)]  # so that a count has the same length in both panels
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=widths)
    _draw_bars(left, better, BLUE)
    _draw_bars(left, -worse, VERMILION)
    _draw_bars(right, neither, GREY)
    left.axvline(0, color=BLACK, linewidth=0.8)
    left.set_yticks(PLACES, [f"{a} → {b}" for a, b in PAIRS])
    left.invert_yaxis()
    left.set_xlim(-1.15 * most, 1.15 * most)
    right.set_xlim(0, 1.15 * widths[1])
    for axes, ticks in ((left, 5), (right, 3)):
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=ticks))
        axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        axes.grid(axis="x")
    left.set_title(f"◀ right → wrong: {worse.sum()}", loc="left", color=VERMILION)
    left.set_title(f"wrong → right: {better.sum()} ▶", loc="right", color=BLUE)
    right.set_title(f"wrong → wrong: {neither.sum()}", loc="left", color=GREY)
    figure.supxlabel("utterances", fontsize="medium")
    figure.suptitle(summary(method, predictions))
    return figure


def _draw_bars(axes: Axes, counts: npt.NDArray[np.int64], colour: str) -> None:
    """A bar per pair of emotions with its count at its end; negative ones point to the left."""
    axes.barh(PLACES, counts, color=colour)
    for height, value in zip(PLACES, counts, strict=True):
        if value:
            axes.annotate(
                f"{abs(value)}",
                (value, height),
                (3 * np.sign(value), 0),
                textcoords="offset points",
                va="center",
                ha="left" if value > 0 else "right",
                fontsize=9,
            )
