"""Within against across: each test corpus by what was trained on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from emofuse.accuracy import ALL
from emofuse.evaluation.across import boards
from emofuse.evaluation.wording import counted, interval_name, signed
from emofuse.figures.style import BLACK, BLUE, GREEN, PALE, PURPLE, VERMILION, note, styled

COLUMNS = 2
"""Panels side by side."""

COLOURS, SHAPES = (VERMILION, BLUE, GREEN, PURPLE), "osD^v"
"""Of training corpora: two numbers without a common divisor, so that twenty corpora have marks of their own."""


@styled
def across(table: pd.DataFrame, ceilings: Sequence[str], confidence: float) -> Figure:
    """UA of each method within the test corpus and across, a panel per test corpus, over all utterances.

    Methods stand in the order of :func:`emofuse.evaluation.across.boards`; a bar is the interval of the drop.

    Args:
        table: the ``across`` table
        ceilings: the methods that see the test labels, which are marked as such
        confidence: of the intervals, between 0 and 1
    """
    panels = [board for board in boards(table, ceilings) if board["condition"] == ALL]
    marks = dict(
        zip(_trains(panels), zip(itertools.cycle(COLOURS), itertools.cycle(SHAPES), strict=False), strict=False)
    )
    columns = min(len(panels), COLUMNS)
    lines = -(-len(panels) // columns)
    most = max(len(board["experiments"]) for board in panels)
    pitch = max(0.3, 0.06 + 0.19 * most)  # inches per method: each experiment has a line of its own
    methods = len(panels[0]["rows"])
    figure = Figure(figsize=(max(8.0, 1.6 + 4.6 * columns), 1.3 + lines * (0.9 + pitch * methods)))
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, board in zip(grid, panels, strict=False):
        _draw_panel(axes, board, marks)
    for axes in grid[len(panels) :]:
        axes.remove()
    bar = f"\n(bar: {interval_name(confidence)} of the drop)" if any(board["within"] for board in panels) else ""
    for axes in grid[: len(panels)][-columns:]:
        axes.set_xlabel(f"UA, mean over source folds and target folds{bar}")
    figure.legend(handles=_handles(panels, marks), loc="outside lower center", ncols=2)
    figure.suptitle(_title(table))
    return figure


def _trains(panels: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was trained on across corpora, as the legend names it."""
    return list(dict.fromkeys(experiment["train"] for board in panels for experiment in board["experiments"]))


def _draw_panel(axes: Axes, board: Mapping[str, Any], marks: Mapping[str, tuple[str, str]]) -> None:
    """One test corpus: a row per method, in it a line per experiment that crosses corpora."""
    count = len(board["experiments"])
    for place, row in enumerate(board["rows"]):
        for number, (experiment, values) in enumerate(zip(board["experiments"], row["experiments"], strict=True)):
            colour, shape = marks[experiment["train"]]
            height = place + 0.76 * ((number + 0.5) / count - 0.5)
            text = f"{values['UA']:.3f}"
            if board["within"]:
                within = row["within_UA"]
                text += f" ({signed(values['drop'])})"
                axes.plot([values["UA"], within], [height] * 2, color=PALE, linewidth=1, zorder=1)
                ends = [within + values[end] for end in ("low", "high")]
                axes.plot(ends, [height] * 2, color=colour, linewidth=2, zorder=2)  # none where these are NaN
                axes.plot(within, height, "o", color=BLACK, markerfacecolor="white", markersize=6, zorder=3)
            axes.plot(values["UA"], height, shape, color=colour, markersize=6, zorder=4)
            note(axes, height, text)
    names = [f"{row['method']} (ceiling)" if row["ceiling"] else row["method"] for row in board["rows"]]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(f"tested on {board['target']}: {counted(board['utterances'], 'utterance')}", fontweight="bold")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _handles(panels: Sequence[Mapping[str, Any]], marks: Mapping[str, tuple[str, str]]) -> list[Line2D]:
    open_circle = {"marker": "o", "color": BLACK, "markerfacecolor": "white"}
    within = [Line2D([], [], linestyle="", **open_circle, label="trained within the test corpus")]
    return (within if any(board["within"] for board in panels) else []) + [
        Line2D([], [], marker=shape, color=colour, linewidth=2, label=f"trained on {train}")
        for train, (colour, shape) in marks.items()
    ]


def _title(table: pd.DataFrame) -> str:
    """How the methods fare across corpora, in all."""
    drops = table.loc[table["condition"] == ALL, "drop"].dropna()
    if drops.empty:
        return "UA across corpora"
    return f"Within against across: UA changes by {signed(drops.min())} to {signed(drops.max())}"
