"""What adaptations gain: each method with each adaptation, and UA against the number of labelled target speakers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from emofuse.accuracy import ALL
from emofuse.evaluation.wording import counted, interval_name
from emofuse.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, styled

MARKERS = "osD^vP"
"""One per number of labelled speakers, from the least; they start again where there are more."""

CURVES = [BLUE, ORANGE, GREEN, PURPLE, SKY]
"""Of the adaptations with labels; they start again where there are more."""

COLUMNS = 5
"""Curves side by side."""

SPAN = 0.04
"""The least UA that a curve's panel is high, so that what hardly changes looks so."""


@styled
def adaptation(table: pd.DataFrame, confidence: float) -> Figure:
    """The gain of each adaptation over no adaptation, over all utterances, and its growth with labelled speakers.

    Args:
        table: the ``adaptation`` table
        confidence: of the intervals, between 0 and 1
    """
    rows = table[table["condition"] == ALL]
    methods = list(dict.fromkeys(rows["method"]))
    labelled = rows[rows["k"] > 0]
    lines = -(-labelled["method"].nunique() // COLUMNS)
    numbers = sorted(labelled["k"].unique())
    heights = [1.3 + max(0.25, 0.11 * (len(numbers) + 1)) * len(methods), *([0.6 + 1.5 * lines] if lines else [])]
    figure = Figure(figsize=(9, sum(heights) + 0.7))
    above, *below = figure.subfigures(len(heights), height_ratios=heights, squeeze=False)[:, 0]
    colours = {name: CURVES[place % len(CURVES)] for place, name in enumerate(labelled["adaptation"].unique())}
    markers = {k: MARKERS[place % len(MARKERS)] for place, k in enumerate(numbers)} | {0: "o"}
    _draw_gains(above, rows, methods, markers, confidence)
    for subfigure in below:
        _draw_curves(subfigure, labelled, colours, confidence)
    best = rows.groupby("adaptation", sort=False)["low"].apply(lambda low: (low > 0).any()).sum()
    total = rows["adaptation"].nunique()
    figure.suptitle(f"Better than no adaptation for some method: {best} of {counted(total, 'adaptation')}")
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=label)
        for colour, label in ((BLUE, "better"), (GREY, "difference not certain"), (VERMILION, "worse"))
    ]
    for k in numbers:
        label = f"labels of {counted(int(k), 'speaker')}"
        handles.append(Line2D([], [], linestyle="", marker=markers[k], color=GREY, label=label))
    if len(colours) > 1:
        handles += [Line2D([], [], marker="o", color=colour, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _draw_gains(
    figure: SubFigure, rows: pd.DataFrame, methods: list[str], markers: dict[int, str], confidence: float
) -> None:
    """A panel per adaptation, a line per method, a point per number of labelled speakers."""
    names = list(dict.fromkeys(rows["adaptation"]))
    panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        part = rows[rows["adaptation"] == name]
        numbers = sorted(part["k"].unique())
        axes.axvline(0, color=BLACK, linestyle="--", linewidth=1)
        for row in part.itertuples():
            height = methods.index(row.method) + 0.26 * (numbers.index(row.k) - (len(numbers) - 1) / 2)
            colour = BLUE if row.low > 0 else VERMILION if row.high < 0 else GREY
            axes.plot([row.low, row.high], [height] * 2, color=colour, linewidth=1.5)
            axes.plot(row.difference, height, markers[row.k], color=colour, markersize=4)
        axes.set_title(name.replace("_", "\n"), fontweight="bold")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
    panels[0].set_yticks(range(len(methods)), methods)
    panels[0].set_ylim(len(methods) - 0.4, -0.6)
    figure.supxlabel(f"UA − UA without adaptation (bar: {interval_name(confidence)})", fontsize="medium")


def _draw_curves(figure: SubFigure, rows: pd.DataFrame, colours: dict[str, str], confidence: float) -> None:
    """A panel per method: UA against the number of labelled speakers, beside UA without adaptation on the same rows."""
    methods = list(dict.fromkeys(rows["method"]))
    numbers = sorted(rows["k"].unique())
    columns = min(COLUMNS, len(methods))
    panels = figure.subplots(-(-len(methods) // columns), columns, sharex=True, squeeze=False).ravel()
    for axes, method in zip(panels, methods, strict=False):
        for place, (name, colour) in enumerate(colours.items()):
            part = rows[(rows["method"] == method) & (rows["adaptation"] == name)].sort_values("k")
            shift = 0.12 * (place - (len(colours) - 1) / 2)
            _draw_curve(axes, part, [numbers.index(k) + shift for k in part["k"]], colour)
        axes.set_title(method, fontsize=9)
        axes.set_xticks(range(len(numbers)), numbers)
        axes.set_xlim(-0.4, len(numbers) - 0.6)
        low, high = axes.get_ylim()
        margin = max(0.0, SPAN - (high - low)) / 2
        axes.set_ylim(low - margin, high + margin)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
        axes.grid(axis="y")
    for axes in panels[len(methods) :]:
        axes.remove()
    for axes in panels[: len(methods)][-columns:]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel(
        "labelled target speakers\n"
        f"(dashed: without adaptation on the same rows; bar: {interval_name(confidence)} of the difference)",
        fontsize="medium",
    )
    figure.supylabel("UA", fontsize="medium")


def _draw_curve(axes: Axes, rows: pd.DataFrame, places: list[float], colour: str) -> None:
    """UA of one method and adaptation by the number of labelled speakers."""
    ua, without = rows["UA"].to_numpy(), rows["without"].to_numpy()
    ends = np.abs(rows[["low", "high"]].to_numpy().T - rows["difference"].to_numpy())
    axes.plot(places, without, color=GREY, linestyle="--", linewidth=1)
    axes.errorbar(places, ua, ends, color=colour, marker="o", markersize=4, linewidth=1.5, elinewidth=1)
