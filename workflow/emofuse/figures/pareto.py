"""What consulting the words buys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from emofuse.accuracy import Floats
from emofuse.evaluation.metrics import BASELINE, per_fold
from emofuse.figures.style import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, styled


@styled
def pareto(front: pd.DataFrame, metrics: pd.DataFrame, ceilings: Sequence[str]) -> Figure:
    """UA over all utterances against the share that needs the words: what each further percent buys.

    Left: each fold's front on the rows that it was fitted on.
    Right: the same thresholds on the test rows, mean over folds, interpolated between shares
    (a front that ends early keeps its last value: nobody has to spend more), and the methods.

    Args:
        front: points of the fronts on each split; without rows, the methods stand alone
        metrics: the ``metrics`` table of all methods
        ceilings: the methods that see the test labels, which are marked as such
    """
    front = front.sort_values(["selected", "UA"], kind="stable")
    fitted, tested = front[front["split"] != "test"], front[front["split"] == "test"]
    curves = {str(method): _mean_front(rows) for method, rows in tested.groupby("method")}
    colours = dict(zip(curves, itertools.cycle((BLUE, GREEN, PURPLE))))
    marks = pd.DataFrame({name: per_fold(metrics, name).mean() for name in ("selected", "UA")})

    figure = Figure(figsize=(9.6, 5))
    left, right = figure.subplots(1, 2, width_ratios=[1, 2])
    _draw_fitted(left, fitted, colours)
    handles = []
    for method, (share, ua) in curves.items():
        handles += right.plot(share, ua, color=colours[method], linewidth=2.5, label=f"front of {method}")
    _draw_methods(right, marks, curves, ceilings)
    over = ", mean over folds" if metrics["fold"].nunique() > 1 else ""
    left.set(title="on the rows fitted on, each fold", ylabel="UA", xlabel="share selected")
    right.set(title=f"on the test rows{over}")
    right.set_xlabel("share selected: utterances that need transcript and sentiment")
    for axes in (left, right):
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid()
    handles.append(Line2D([], [], linestyle="", marker="D", color=VERMILION, label="methods"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle("UA against the share of utterances whose words are needed")
    return figure


def _draw_fitted(axes: Axes, fitted: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Each fold's front on the rows that it was fitted on, with the fold's name at its end."""
    for (method, _, _), rows in fitted.groupby(["method", "fold", "split"]):
        axes.step(rows["selected"], rows["UA"], where="post", color=colours[method], linewidth=1)
        axes.plot(*rows[["selected", "UA"]].iloc[-1], "o", color=colours[method])
    ends = fitted.groupby(["method", "fold", "split"]).tail(1).sort_values("UA")
    gap = 0.05 * np.ptp(axes.get_ylim())
    places = spread(ends["UA"].to_numpy(), gap)
    places -= max(0, places.max(initial=-np.inf) - (axes.get_ylim()[1] - gap))  # below the title
    for end, height in zip(ends.itertuples(), places, strict=True):
        _label(axes, end.fold, (end.selected, end.UA), (1.05 * fitted["selected"].max(), height))


def _draw_methods(
    axes: Axes, marks: pd.DataFrame, curves: Mapping[str, tuple[Floats, Floats]], ceilings: Sequence[str]
) -> None:
    """Every method at its share and its UA; a triangle at the edge lies beyond it."""
    low, high = _reach(marks, curves, ceilings)
    margin = 0.05 * max(high - low, 0.02)
    edges = low - margin, high + 2 * margin
    axes.set(xlim=(-0.02, 1.02), ylim=edges)
    # Methods that need the words of everyone share one abscissa: their labels stand outside,
    # and so do all other labels, where those methods reach so far that they would be covered.
    everyone = marks["selected"] > 0.95
    beyond = max(marks.loc[~everyone, "selected"].max(), *(share[-1] for share, _ in curves.values()), 0)
    inside, outside = beyond + 0.05, 1.05
    groups = [(marks[everyone], outside), (marks[~everyone], inside)] if inside <= 0.5 else [(marks, outside)]
    for rows, x in groups:
        rows = rows.sort_values("UA")
        shown, places = rows["UA"].clip(*edges), spread(rows["UA"].clip(low, high).to_numpy(), margin)
        for (method, row), y, height in zip(rows.iterrows(), shown, places, strict=True):
            ceiling = method in ceilings
            style = {"color": BLACK, "markerfacecolor": "white"} if ceiling else {"color": VERMILION}
            marker = "D" if y == row["UA"] else "^" if row["UA"] > y else "v"
            axes.plot(row["selected"], y, marker, markersize=6, clip_on=False, zorder=4, **style)
            name = f"{method}{' (ceiling)' if ceiling else ''} {row['UA']:.3f}"
            _label(axes, name, (row["selected"], y), (x, height))


def _reach(
    marks: pd.DataFrame, curves: Mapping[str, tuple[Floats, Floats]], ceilings: Sequence[str]
) -> tuple[float, float]:
    """The lowest and the highest UA that is drawn to scale: fronts, and methods that are not far below the voice."""
    speech = marks.loc[BASELINE, "UA"]
    results = marks.loc[~marks.index.isin(list(ceilings)), "UA"]
    fronts = [speech, *(end for _, ua in curves.values() for end in (ua.min(), ua.max()))]
    high = max(results.max(), *fronts)
    low = max(results.min(), min(speech - max(0.6 * (high - speech), 0.02), *fronts))
    return low, high


def _mean_front(front: pd.DataFrame) -> tuple[Floats, Floats]:
    """Mean UA over folds at 200 shares, from a front's points on one split, in order of their share."""
    share = np.linspace(0, front["selected"].max(), 200)
    ua = [
        np.interp(share, *rows.groupby("selected", as_index=False)["UA"].mean()[["selected", "UA"]].to_numpy().T)
        for _, rows in front.groupby("fold")
    ]
    return share, np.mean(ua, axis=0)


def _label(axes: Axes, text: str, point: tuple[float, float], place: tuple[float, float]) -> None:
    """Write beside a point, with a thin line to it that stays under every text."""
    line = Line2D(*zip(point, place, strict=True), color=GREY, linewidth=0.6, zorder=2.5, clip_on=False)
    axes.add_artist(line)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.text(*place, text, va="center", fontsize=9, zorder=5, bbox=box)


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
