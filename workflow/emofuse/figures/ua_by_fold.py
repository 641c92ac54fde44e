"""UA of each fold before and after a method."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from emofuse.evaluation.metrics import BASELINE, per_fold
from emofuse.evaluation.wording import signed
from emofuse.figures.style import BLACK, BLUE, GREY, PALE, VERMILION, styled


@styled
def ua_by_fold(method: str, metrics: pd.DataFrame) -> Figure:
    """UA of each fold over all utterances, by the voice alone and by the method, and their means.

    Args:
        method: its name in the table
        metrics: the ``metrics`` table, of the voice alone and of the method
    """
    ua = per_fold(metrics, "UA")[[BASELINE, method]].set_axis(["before", "after"], axis=1).sort_index()
    folds = len(ua)
    means = ua.agg(["mean"]) if folds > 1 else ua.iloc[:0]
    rows = pd.concat([ua, means])
    places = [*range(folds), folds + 0.4][: len(rows)]
    figure = Figure(figsize=(8, 1.9 + 0.34 * len(rows)))
    axes = figure.subplots()
    axes.set_yticks(places, rows.index)
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        _draw_row(axes, place, row, bold=place > folds)
    if folds > 1:
        axes.axhline(folds - 0.3, color=PALE, linewidth=1)
        axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_ylim(places[-1] + 0.5, -0.6)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set(xlabel="UA (unweighted accuracy: mean of the four recalls)", ylabel="fold")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], linestyle="", marker="o", color="white", markeredgecolor=BLACK, markersize=7, label="speech"),
        Line2D([], [], linestyle="", marker="o", color=BLUE, markersize=7, label=f"{method}, better"),
        Line2D([], [], linestyle="", marker="o", color=VERMILION, markersize=7, label=f"{method}, worse"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(f"{method}: {_summary(ua)}")
    return figure


def _summary(ua: pd.DataFrame) -> str:
    """In how many folds UA rises, and by how much."""
    gain = ua["after"] - ua["before"]
    if len(gain) == 1:
        return f"UA {signed(gain.iloc[0])} against speech alone"
    return f"UA rises in {(gain > 0).sum()} of {len(gain)} folds, {signed(gain.mean())} on average"


def _draw_row(axes: Axes, height: float, ua: pd.Series, *, bold: bool = False) -> None:
    """UA before and after, as an open and a filled point with a line between them."""
    gain = ua["after"] - ua["before"]
    colour = BLUE if gain > 0 else VERMILION if gain < 0 else GREY
    size = 9 if bold else 7
    axes.plot(ua, np.full(2, height), color=colour, linewidth=4 if bold else 2, alpha=0.6, zorder=1)
    axes.plot(ua["before"], height, "o", color="white", markeredgecolor=BLACK, markersize=size)
    axes.plot(ua["after"], height, "o", color=colour, markersize=size)
    axes.annotate(
        f"{ua['before']:.3f} → {ua['after']:.3f}  ({signed(gain)})",
        (1.02, height),
        va="center",
        xycoords=axes.get_yaxis_transform(),
        fontweight="bold" if bold else "normal",
        annotation_clip=False,
    )
