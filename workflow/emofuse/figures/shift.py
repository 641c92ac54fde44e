"""Why a result drops on another corpus, at a glance: source validation beside the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from emofuse.evaluation.shift import AFTER, BEFORE, SOURCE, TARGET, of_methods, of_voice, places, quantiles
from emofuse.evaluation.wording import signed
from emofuse.figures.style import BLACK, BLUE, ENTROPY, GREEN, GREY, ORANGE, PURPLE, SKY, VARENTROPY, note, styled
from emofuse.tables import EMOTIONS

SIDES = {SOURCE: (SKY, "source validation"), TARGET: (ORANGE, "target")}
"""Colour and name of either side."""

MEASURES = {"entropy": (BLUE, "o"), "varentropy": (PURPLE, "s"), "confidence": (GREEN, "D")}
"""Colour and shape of a threshold, by what it bounds."""


@styled
def shift(table: pd.DataFrame) -> Figure:
    """Distributions of the voice's uncertainty, its calibration, the emotions, and what thresholds come to.

    Args:
        table: the ``shift`` table; what is drawn is the mean over source folds, thin lines and marks are single folds
    """
    methods, bounds = of_methods(table), places(table)
    folds = [rows for _, rows in table.groupby("fold")] if table["fold"].nunique() > 1 else []
    bounded = set(bounds.index.droplevel("metric"))
    lines = [(method, emotion) for method in methods.index for emotion in EMOTIONS if (method, emotion) in bounded]
    heights = [2.6, 2.2, *([0.9 + 0.27 * len(methods), 0.9 + 0.2 * len(lines)] if len(methods) else [])]
    figure = Figure(figsize=(9.6, sum(heights) + 0.8))
    rows = figure.subfigures(len(heights), 1, height_ratios=heights)
    left, right = rows[0].subplots(1, 2, sharey=True)
    _draw_distribution(left, table, folds, "entropy", ENTROPY)
    _draw_distribution(right, table, folds, "varentropy", VARENTROPY)
    left.set_ylabel("share of utterances below")
    left, right = rows[1].subplots(1, 2)
    error = pd.concat([of_voice(table, metric) for metric in (BEFORE, AFTER)])
    _draw_bars(left, error.set_axis(["temperature 1", "fitted temperature"]), "expected calibration error", "{:.3f}")
    _draw_bars(right, of_voice(table, "proportion").reindex(EMOTIONS), "share of utterances", "{:.0%}")
    if len(methods):
        left, right = rows[2].subplots(1, 2, sharey=True)
        single = [of_methods(rows) for rows in folds]
        _draw_moves(left, methods["selected"], [fold["selected"] for fold in single], "{:.1%}".format)
        _draw_moves(right, methods["gain"], [fold["gain"] for fold in single], signed)
        left.set_xlabel("share selected")
        right.set_xlabel("gain in UA over speech alone")
        left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        right.axvline(0, color=BLACK, linewidth=0.8, zorder=0)
        _draw_places(rows[3].subplots(), bounds, lines)
    figure.legend(handles=_handles(bounds), loc="outside lower center", ncols=3)
    figure.suptitle("What differs between source validation and the target")
    return figure


def _draw_distribution(
    axes: Axes, table: pd.DataFrame, folds: Sequence[pd.DataFrame], measure: str, label: str
) -> None:
    """The share of utterances below each value of a measure."""
    mean, single = quantiles(table, measure), [quantiles(rows, measure) for rows in folds]
    for split, (colour, _) in SIDES.items():
        for curve in single:
            axes.plot(curve[split], curve.index, color=colour, linewidth=0.8, alpha=0.5)
        axes.plot(mean[split], mean.index, color=colour, linewidth=2.5)
        axes.plot([mean.at[0.5, split]] * 2, [0, 0.5], color=colour, linestyle="--", linewidth=1)
    axes.set(xlabel=f"{label}; dashed: median", ylim=(0, 1))
    axes.set_xlim(left=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid()


def _draw_bars(axes: Axes, values: pd.DataFrame, label: str, form: str) -> None:
    """A pair of bars per row."""
    for side, (split, (colour, _)) in zip((-0.2, 0.2), SIDES.items(), strict=True):
        bars = axes.bar([place + side for place in range(len(values))], values[split], 0.38, color=colour)
        axes.bar_label(bars, [form.format(value) for value in values[split]], padding=2, fontsize=9)
    axes.set_xticks(range(len(values)), values.index)
    axes.set_ylabel(label)
    axes.margins(y=0.15)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")


def _draw_moves(axes: Axes, values: pd.DataFrame, folds: Sequence[pd.DataFrame], said: Callable[[float], str]) -> None:
    """From the source's value to the target's, a row per method."""
    for place, (method, row) in enumerate(values.iterrows()):
        axes.plot([row[SOURCE], row[TARGET]], [place] * 2, color=GREY, linewidth=1.5, zorder=1)
        for split, (colour, _) in SIDES.items():
            single = [fold.at[method, split] for fold in folds]
            axes.plot(single, [place] * len(single), "|", color=colour, markersize=9, zorder=1)
            axes.plot(row[split], place, "o", color=colour, markersize=7, markeredgecolor=BLACK, markeredgewidth=0.6)
        note(axes, place, f"{said(row[SOURCE])} → {said(row[TARGET])}")
    axes.set_yticks(range(len(values)), values.index)
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _draw_places(axes: Axes, bounds: pd.DataFrame, lines: Sequence[tuple[str, str]]) -> None:
    """Where thresholds lie among the utterances with their predicted emotion, a row per method and emotion."""
    for (method, emotion, measure), row in bounds.iterrows():
        colour, shape = MEASURES[measure]
        # A rule on two measures has two lines in its row.
        height = lines.index((method, emotion)) + {"entropy": -0.16, "varentropy": 0.16}.get(measure, 0)
        axes.plot(row[[SOURCE, TARGET]], [height] * 2, color=colour, linewidth=1.2, alpha=0.6, zorder=1)
        axes.plot(row[SOURCE], height, shape, color=colour, markerfacecolor="white", markersize=5)
        axes.plot(row[TARGET], height, shape, color=colour, markersize=5)
    axes.set_yticks(range(len(lines)), [f"{method}: {emotion}" for method, emotion in lines], fontsize=9)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("place of the threshold: share of the utterances with that predicted emotion that lie below it")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _handles(bounds: pd.DataFrame) -> list[Line2D]:
    handles = [Line2D([], [], color=colour, linewidth=5, label=name) for colour, name in SIDES.values()]
    used = set(bounds.index.get_level_values("metric"))
    for measure, (colour, shape) in MEASURES.items():
        if measure in used:
            handles.append(Line2D([], [], color=colour, marker=shape, linestyle="", label=f"threshold on {measure}"))
    if used:
        open_mark = {"marker": "o", "color": BLACK, "linestyle": "", "markerfacecolor": "white"}
        handles.append(Line2D([], [], **open_mark, label="open: on source validation"))
    return handles
