"""What consulting the words buys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from emofuse.accuracy import ALL, Floats
from emofuse.evaluation.metrics import BASELINE, per_fold
from emofuse.evaluation.wording import condition_name
from emofuse.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, styled

CONDITIONS = 3
"""How many conditions have a panel beside all utterances, the first by name."""

FEW = 0.5
"""Methods that need the words of fewer utterances are named to the left of a panel, the rest to its right."""

LINE = 0.18
"""What a label takes of a panel's height, in inches."""

OTHER = 0.85
"""What titles and margins take of the figure's height per panel, in inches."""


@styled
def pareto(front: pd.DataFrame, metrics: pd.DataFrame, ceilings: Sequence[str]) -> Figure:
    """UA against the share of utterances whose words are needed: what each further percent buys.

    A panel for all utterances, and one for each of the first conditions: every method, and the fronts as curves.
    All are means over folds; a front is interpolated between shares, and one that ends early keeps its last value,
    since nobody has to spend more.

    Args:
        front: the ``front`` table; without rows, the methods stand alone
        metrics: the ``metrics`` table of all methods
        ceilings: the methods that see the test labels, which are marked as such
    """
    marks = {
        condition: pd.DataFrame({name: per_fold(metrics, name, condition).mean() for name in ("selected", "UA")})
        for condition in [ALL, *sorted({*metrics["condition"]} - {ALL})[:CONDITIONS]]
    }
    labels = max(few.value_counts().max() for few in (of["selected"] < FEW for of in marks.values()))
    height = LINE * max(labels + 1, 14)
    colours = dict(zip(front["method"].unique(), itertools.cycle((BLUE, GREEN, PURPLE, ORANGE))))
    figure = Figure(figsize=(9.6, 0.6 + (height + OTHER) * len(marks)))
    for axes, (condition, methods) in zip(figure.subplots(len(marks), squeeze=False).flat, marks.items(), strict=True):
        of_condition = front[front["condition"] == condition].sort_values(["selected", "UA"], kind="stable")
        curves = {str(method): _mean_front(rows) for method, rows in of_condition.groupby("method")}
        for method, (share, ua) in curves.items():
            axes.plot(share, ua, color=colours[method], linewidth=2.5)
        _draw_methods(axes, methods, _reach(methods, curves, ceilings), ceilings, LINE / height)
        axes.set_title(f"UA, {condition_name(condition)}")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        # Labels of methods stand outside, so those of the axis stand inside, on its lines.
        low, high = axes.get_ylim()
        ticks = [tick for tick in MaxNLocator(6).tick_values(low, high) if low < tick < high]
        axes.set_yticks(ticks, [f"{tick:.2f}" for tick in ticks], va="bottom", fontsize=8)
        axes.tick_params(axis="y", length=0, pad=-30, labelright=True, labelleft=False, labelcolor=GREY)
        axes.spines["left"].set_visible(False)
        axes.grid()
    axes.set_xlabel("share selected: utterances whose words are needed")
    handles = [
        Line2D([], [], color=colour, linewidth=2.5, label=f"front of {name}") for name, colour in colours.items()
    ]
    handles.append(Line2D([], [], linestyle="", marker="D", color=VERMILION, label="methods"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    over = ", mean over folds" if metrics["fold"].nunique() > 1 else ""
    figure.suptitle(f"UA against the share of utterances whose words are needed{over}")
    return figure


def _draw_methods(
    axes: Axes, marks: pd.DataFrame, reach: tuple[float, float], ceilings: Sequence[str], line: float
) -> None:
    """Every method at its share and its UA, with its name outside; a triangle at the edge lies beyond it.

    Args:
        axes: the panel
        marks: ``selected`` and ``UA`` of each method
        reach: the lowest and the highest UA that is drawn to scale
        ceilings: the methods that see the test labels
        line: what a label takes of the panel's height, between 0 and 1
    """
    low, high = reach
    margin = 0.05 * max(high - low, 0.02)
    edges = low - margin, high + margin
    axes.set(xlim=(-0.02, 1.02), ylim=edges)
    gap = line * (edges[1] - edges[0])
    few = marks["selected"] < FEW
    for rows, x, side in ((marks[few], -0.05, "right"), (marks[~few], 1.05, "left")):
        rows = rows.sort_values("UA")
        shown, steps = rows["UA"].clip(*edges), gap * np.arange(len(rows))
        # Labels stay within the panel; bounds that are a gap apart keep them a gap apart.
        places = np.clip(spread(shown.to_numpy(), gap), edges[0] + steps, edges[1] - steps[::-1])
        for (method, row), y, place in zip(rows.iterrows(), shown, places, strict=True):
            ceiling = method in ceilings
            style = {"color": BLACK, "markerfacecolor": "white"} if ceiling else {"color": VERMILION}
            marker = "D" if y == row["UA"] else "^" if row["UA"] > y else "v"
            axes.plot(row["selected"], y, marker, markersize=6, clip_on=False, zorder=4, **style)
            ends = (row["selected"], x), (y, place)
            axes.add_artist(Line2D(*ends, color=GREY, linewidth=0.5, zorder=2.5, clip_on=False))
            name = f"{method}{' (ceiling)' if ceiling else ''} {row['UA']:.3f}"
            weight = "bold" if method == BASELINE else "normal"
            axes.text(x, place, name, ha=side, va="center", fontsize=8, fontweight=weight)


def _reach(
    marks: pd.DataFrame, curves: Mapping[str, tuple[Floats, Floats]], ceilings: Sequence[str]
) -> tuple[float, float]:
    """The lowest and the highest UA that is drawn to scale: fronts, and methods that are not far below the voice."""
    speech = marks.loc[BASELINE, "UA"]
    results = marks.loc[~marks.index.isin(list(ceilings)), "UA"]
    fronts = [speech, *(end for _, ua in curves.values() for end in (ua.min(), ua.max()))]
    high = max(results.max(), *fronts)
    low = max(results.min(), min(speech - max(0.3 * (high - speech), 0.02), *fronts))
    return low, high


def _mean_front(front: pd.DataFrame) -> tuple[Floats, Floats]:
    """Mean UA over folds at 200 shares, from a front's points in one condition, in order of their share."""
    share = np.linspace(0, front["selected"].max(), 200)
    ua = [
        np.interp(share, *rows.groupby("selected", as_index=False)["UA"].mean()[["selected", "UA"]].to_numpy().T)
        for _, rows in front.groupby("fold")
    ]
    return share, np.mean(ua, axis=0)


def spread(values: Floats, gap: float) -> Floats:
    """Ascending values moved apart as little as keeps each at least a gap above the one before.

    >>> spread(np.array([0.0, 0.1, 5.0]), 1.0)
    array([-0.45,  0.55,  5.  ])
    """
    groups: list[list[float]] = []  # neighbours that touch move together about their common centre
    for value in values:
        groups.append([value, 1])
        while len(groups) > 1:
            (below, few), (above, many) = groups[-2:]
            if above - below >= gap * (few + many) / 2:
                break
            groups[-2:] = [[(below * few + above * many) / (few + many), few + many]]
    return np.array([centre + gap * (k - (size - 1) / 2) for centre, size in groups for k in range(int(size))])
