"""The entropy–varentropy plane, where a method selects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from emofuse.accuracy import Floats
from emofuse.figures.outcomes import CORRECTED, RIGHT, SPOILT, STILL_WRONG, WRONG, outcomes, summary
from emofuse.figures.style import BLACK, BLUE, ENTROPY, ORANGE, PALE, SHADE, SKY, VARENTROPY, VERMILION, styled
from emofuse.fusion.uncertainty import attainable
from emofuse.provenance import seed
from emofuse.tables import EMOTIONS

POINTS: dict[str, dict[str, Any]] = {
    RIGHT: {"color": SKY, "marker": "o", "markersize": 3.2, "markeredgewidth": 0, "label": "right"},
    WRONG: {"color": ORANGE, "marker": "x", "markersize": 3.4, "markeredgewidth": 0.9, "label": "wrong"},
    SPOILT: {"color": VERMILION, "marker": "v", "markersize": 6, "label": "spoilt (right → wrong)"},
    CORRECTED: {"color": BLUE, "marker": "^", "markersize": 6, "label": "corrected (wrong → right)"},
}
"""How utterances are drawn."""

MOST = 8_000
"""How many points are drawn: more hide each other, and what is drawn is a sample."""

TURNS = 8
"""In how many turns right and wrong points are drawn, so that neither hides the other."""


@styled
def plane(method: str, predictions: pd.DataFrame, parameters: Mapping[str, Any]) -> Figure:
    """The entropy–varentropy plane, a panel per emotion that the voice alone predicts.

    Every utterance is a point: right or wrong by the voice alone, corrected or spoilt by the method. Of more than
    :data:`MOST` utterances a sample is drawn, which the title says; numbers are of all.
    Where the method has thresholds, the region that they select is drawn: thin for each fold,
    bold and shaded at the median over folds.

    Args:
        method: its name, for the title
        predictions: the method's ``predictions`` table
        parameters: the method's ``parameters.json``
    """
    table = predictions.assign(outcome=outcomes(predictions))
    is_drawn = np.ones(len(table), dtype=bool)
    if len(table) > MOST:
        is_drawn = np.random.default_rng(seed("plane", method)).permutation(len(table)) < MOST
    figure = Figure(figsize=(8, 7.4))
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    outline = attainable(len(EMOTIONS))
    corner = np.log(len(EMOTIONS)) * 1.03, outline[1].max() * 1.06
    bounds = _thresholds(parameters)
    for emotion, axes in zip(EMOTIONS, panels.flat, strict=True):
        axes.plot(*outline, color=PALE, linewidth=1, zorder=0)
        if emotion in bounds:
            _draw_thresholds(axes, bounds[emotion], corner)
        is_said = (table["speech"] == emotion).to_numpy()
        _draw_utterances(axes, table[is_said & is_drawn])
        _write_numbers(axes, emotion, table[is_said])
        axes.set(xlim=(0, corner[0]), ylim=(0, corner[1]))
        axes.label_outer()
    for axes in panels[-1]:
        axes.set_xlabel(ENTROPY)
    for axes in panels[:, 0]:
        axes.set_ylabel(VARENTROPY)
    folds = max(map(len, bounds.values()), default=0)
    figure.legend(handles=_handles(folds), loc="outside lower center", ncols=3)
    sampled = f"\na sample of {MOST} is drawn" if len(table) > MOST else ""
    figure.suptitle(summary(method, predictions) + sampled)
    return figure


def _draw_utterances(axes: Axes, table: pd.DataFrame) -> None:
    """Utterances for which the voice predicts one emotion."""
    kind = table["outcome"].replace(STILL_WRONG, WRONG).to_numpy()
    for part in np.array_split(np.arange(len(table)), TURNS):
        for outcome in (RIGHT, WRONG):
            _draw_points(axes, table.iloc[part[kind[part] == outcome]], outcome)
    for outcome in (SPOILT, CORRECTED):
        _draw_points(axes, table[kind == outcome], outcome)


def _write_numbers(axes: Axes, emotion: str, table: pd.DataFrame) -> None:
    """How many utterances a panel is about."""
    axes.set_title(
        f"predicted {emotion}: {len(table)}, selected {table['selected'].sum()}\n"
        f"corrected {(table['outcome'] == CORRECTED).sum()}, spoilt {(table['outcome'] == SPOILT).sum()}",
        loc="left",
    )


def _draw_points(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    white: dict[str, Any] = {"markeredgecolor": "white"} if kind in (SPOILT, CORRECTED) else {}
    axes.plot(rows["entropy"], rows["varentropy"], linestyle="", **POINTS[kind], **white)


def _thresholds(parameters: Mapping[str, Any]) -> dict[str, Floats]:
    """Bounds of the selected region by emotion: (folds, 2) of lowest entropy and highest varentropy.

    A rule without one of the two does not bound it; one whose bounds are None selects nothing.
    """
    bounds: dict[str, list[tuple[float, float]]] = {}
    for fold in parameters["folds"].values():
        for emotion, rule in fold.get("thresholds", {}).items():
            pair = rule.get("entropy", 0.0), rule.get("varentropy", np.inf)
            if rule.keys() & {"entropy", "varentropy"} and None not in pair:
                bounds.setdefault(emotion, []).append(pair)
    return {emotion: np.array(pairs) for emotion, pairs in bounds.items()}


def _draw_thresholds(axes: Axes, bounds: Floats, corner: tuple[float, float]) -> None:
    """The selected region (right of an entropy, below a varentropy) of each fold, and of their median."""
    median = np.median(bounds, axis=0)
    thin, bold = {"linewidth": 0.8, "alpha": 0.3}, {"linewidth": 1.8}
    styles: list[tuple[Floats, Any]] = [*((pair, thin) for pair in bounds), (median, bold)]
    for (entropy, varentropy), style in styles:
        top = min(varentropy, corner[1] * 2)
        axes.plot([entropy, entropy, corner[0]], [0, top, top], color=BLACK, solid_joinstyle="miter", **style)
    axes.add_patch(
        Rectangle((median[0], 0), corner[0], min(median[1], corner[1] * 2), color=SHADE, zorder=-1, linewidth=0)
    )


def _handles(folds: int) -> list[Artist]:
    """The legend, where this many folds have thresholds."""
    handles: list[Artist] = [Line2D([], [], linestyle="", **style) for style in POINTS.values()]
    region = {"facecolor": SHADE, "edgecolor": BLACK, "linewidth": 1.8}
    if folds == 1:
        handles.append(Patch(**region, label="selected"))
    elif folds > 1:
        handles.append(Patch(**region, label="selected (median over folds)"))
        handles.append(Line2D([], [], color=BLACK, alpha=0.3, linewidth=0.8, label="thresholds of each fold"))
    handles.append(Line2D([], [], color=PALE, linewidth=1, label="outline of what is possible"))
    return handles
