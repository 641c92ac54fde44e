"""The leaderboard as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from emofuse.accuracy import ALL
from emofuse.evaluation.leaderboard import SPREAD_NAME, board, conditions, is_crossed
from emofuse.evaluation.metrics import BASELINE
from emofuse.evaluation.wording import condition_name, counted, drawn, interval_name, signed
from emofuse.figures.style import BLACK, BLUE, GREY, PALE, VERMILION, note, styled
from emofuse.places import CHOSEN

COLUMNS = 2
"""Panels side by side: more would be too narrow for the intervals."""

HANDLES = [
    Line2D([], [], marker="o", linewidth=2, color=BLUE, label="better than speech"),
    Line2D([], [], marker="o", linewidth=2, color=GREY, label="difference not certain"),
    Line2D([], [], marker="o", linewidth=2, color=VERMILION, label="worse"),
    Line2D([], [], marker="o", linewidth=2, color=BLACK, markerfacecolor="white", label="ceiling, knows the labels"),
]

SPREAD = Line2D([], [], linewidth=8, color=PALE, label=f"{SPREAD_NAME}, lowest to highest")


@styled
def leaderboard(comparison: pd.DataFrame, metrics: pd.DataFrame, ceilings: Sequence[str], confidence: float) -> Figure:
    """Methods by UA, with the interval of their difference to the voice alone; a panel per condition.

    Methods stand in the order of :func:`emofuse.evaluation.leaderboard.board` in every panel.

    Args:
        comparison: the ``comparison`` table of all methods
        metrics: the ``metrics`` table of all methods
        ceilings: the methods that see the test labels, which are marked as such
        confidence: of the intervals, between 0 and 1
    """
    boards = {name: board(comparison, metrics, name, ceilings) for name in conditions(comparison)}
    overall = _compared(boards[ALL])
    crossed = is_crossed(comparison)
    columns = min(len(boards), COLUMNS)
    lines = -(-len(boards) // columns)
    figure = Figure(figsize=(1.6 + 4 * columns, 0.9 + lines * (1.1 + 0.3 * len(overall))))
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, (condition, rows) in zip(panels, boards.items(), strict=False):
        _draw_panel(axes, rows, crossed)
        axes.set_title(condition_name(condition), pad=20, fontweight="bold")
    for axes in panels[len(boards) :]:
        axes.remove()
    over = ", mean over folds" if metrics["fold"].nunique() > 1 else ""
    for axes in panels[: len(boards)][-columns:]:
        axes.set_xlabel(f"UA{over}\n(bar: {interval_name(confidence)} of the difference, over {drawn(crossed)})")
    names = [f"{row.method} (ceiling)" if row.ceiling else row.method for row in overall.itertuples()]
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    figure.legend(handles=[*HANDLES, *([SPREAD] if crossed else [])], loc="outside lower center", ncols=2 * columns)
    results = overall[~overall["ceiling"] & (overall["method"] != CHOSEN)]
    better = sum(_colour(row) == BLUE for _, row in results.iterrows())
    figure.suptitle(f"Better than speech alone: {better} of {counted(len(results), 'method')}")
    return figure


def _compared(rows: pd.DataFrame) -> pd.DataFrame:
    """A board without the voice alone, which is the line that all others are compared with."""
    return rows[rows["method"] != BASELINE]


def _draw_panel(axes: Axes, rows: pd.DataFrame, crossed: bool) -> None:
    """One condition; a method far below the voice is marked at the edge, so that it does not squeeze the others."""
    speech = rows["speech_UA"].iloc[0]
    rows = _compared(rows)
    low, high = ((speech + rows[end]).fillna(rows["UA"]) for end in ("low", "high"))  # no interval: a point
    top = max([*high, *rows["UA"], *(rows["most"] if crossed else []), speech])
    edge = max(min([*low, *rows["UA"], speech]), speech - max(0.6 * (top - speech), 0.02))
    margin = 0.04 * max(top - edge, 0.02)
    axes.axvline(speech, color=BLACK, linestyle="--", linewidth=1)
    axes.annotate(
        f"speech {speech:.3f}",
        (speech, 1),
        (0, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
    )
    for height, (index, row) in enumerate(rows.iterrows()):
        colour = BLACK if row["ceiling"] else _colour(row)
        if crossed:
            axes.plot(np.clip([row["least"], row["most"]], edge, top), [height] * 2, color=PALE, linewidth=8, zorder=1)
        if row["UA"] < edge:
            axes.plot(edge, height, "<", color=colour, markersize=8)
        else:
            axes.plot(np.clip([low[index], high[index]], edge, None), [height] * 2, color=colour, linewidth=2)
            face = "white" if row["ceiling"] else colour
            axes.plot(row["UA"], height, "o", color=colour, markerfacecolor=face, markersize=7)
        note(axes, height, f"{row['UA']:.3f} ({signed(row['difference'])})")
    axes.set_xlim(edge - margin, top + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _colour(row: pd.Series) -> str:
    """Of a difference, by where its interval lies."""
    return BLUE if row["low"] > 0 else VERMILION if row["high"] < 0 else GREY
