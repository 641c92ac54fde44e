"""Confusion matrices before and after a method."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from emofuse import accuracy
from emofuse.evaluation.wording import signed
from emofuse.figures.style import BLACK, styled
from emofuse.tables import EMOTIONS

Counts = npt.NDArray[np.int64]


@styled
def confusion(method: str, predictions: pd.DataFrame) -> Figure:
    """Confusion matrices of the voice alone and of the method: shares of each true emotion, and counts.

    Args:
        method: its name, for the titles
        predictions: the method's ``predictions`` table
    """
    true, before, after = (accuracy.indices(predictions[name]) for name in ("emotion", "speech", "predicted"))
    first, then = (accuracy.confusion(true, said).astype(np.int64) for said in (before, after))
    figure = Figure(figsize=(8, 4.2))
    panels = figure.subplots(1, 2, sharey=True)
    _draw_matrix(panels[0], "speech alone", first, first)
    image = _draw_matrix(panels[1], method, then, first)
    panels[0].set_ylabel("true")
    figure.colorbar(image, ax=panels, format=PercentFormatter(1), shrink=0.8, label="share of the true emotion")
    gain = 100 * (np.diag(then) - np.diag(first)) / _total(first)[:, 0]
    moved = ", ".join(f"{emotion} {signed(value, 1)}" for emotion, value in zip(EMOTIONS, gain, strict=True))
    figure.suptitle(f"Change of recall in points: {moved}")
    return figure


def _draw_matrix(axes: Axes, name: str, counts: Counts, before: Counts) -> AxesImage:
    share = counts / _total(counts)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        change = counts[row, column] - before[row, column]
        text = f"{counts[row, column]}" + (f" ({signed(change, 0)})" if change else "")
        ink = "white" if value > 0.55 else BLACK
        axes.text(column, row - 0.05, f"{value:.0%}", ha="center", va="bottom", color=ink, fontsize=12)
        axes.text(column, row + 0.07, text, ha="center", va="top", color=ink, fontsize=8.5)
    ticks = range(len(EMOTIONS))
    axes.set_xticks(ticks, EMOTIONS)
    axes.set_yticks(ticks, EMOTIONS)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(title=name, xlabel="predicted")
    return image


def _total(counts: Counts) -> Counts:
    """Utterances of each true emotion, (4, 1); 1 where it does not occur, so that its shares are 0."""
    return np.maximum(counts.sum(axis=1, keepdims=True), 1)
