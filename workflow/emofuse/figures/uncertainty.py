"""Entropy and varentropy where the voice is right and where it is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from emofuse.figures.style import BLACK, ENTROPY, ORANGE, SKY, VARENTROPY, styled
from emofuse.tables import EMOTIONS


@styled
def uncertainty(predictions: pd.DataFrame) -> Figure:
    """Box plots of entropy and varentropy by predicted emotion, for right and for wrong predictions of the voice.

    Boxes span the quartiles, whiskers the 5th to the 95th percentile.

    Args:
        predictions: the ``predictions`` table of any method
    """
    right = predictions["speech"] == predictions["emotion"]
    figure = Figure(figsize=(8, 4.6))
    panels = figure.subplots(1, 2)
    for axes, column, label in zip(panels, ("entropy", "varentropy"), (ENTROPY, VARENTROPY), strict=True):
        for rows, colour, side in ((right, SKY, -0.19), (~right, ORANGE, 0.19)):
            _draw_boxes(axes, [values for _, values in _by_emotion(predictions[rows], column)], colour, side)
        counts = [
            f"{emotion}\n{right[values.index].sum()} | {(~right[values.index]).sum()}"
            for emotion, values in _by_emotion(predictions, column)
        ]
        axes.set_xticks(range(len(EMOTIONS)), counts)
        axes.set(ylabel=label, xlabel="predicted emotion (right | wrong predictions)")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.tick_params(axis="x", length=0)
    handles = [
        Patch(facecolor=SKY, edgecolor=BLACK, label="right"),
        Patch(facecolor=ORANGE, edgecolor=BLACK, label="wrong"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    median = predictions.groupby(right)["entropy"].median()
    figure.suptitle(
        f"Speech alone: median entropy {median.get(False, np.nan):.2f} nats where wrong, "
        f"{median.get(True, np.nan):.2f} where right"
    )
    return figure


def _by_emotion(predictions: pd.DataFrame, column: str) -> list[tuple[str, pd.Series]]:
    """A column's values for each emotion that the voice predicts."""
    return [(emotion, predictions.loc[predictions["speech"] == emotion, column]) for emotion in EMOTIONS]


def _draw_boxes(axes: Axes, values: list[pd.Series], colour: str, side: float) -> None:
    """A box per emotion, beside its place."""
    axes.boxplot(
        values,
        positions=np.arange(len(EMOTIONS)) + side,
        widths=0.32,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour},
        medianprops={"color": BLACK, "linewidth": 2},
    )
