"""How all pictures look, and how they are written.

Colours are those of Okabe and Ito, which people with any common colour vision can tell apart;
blues mean right, oranges wrong, and shapes say the same again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from emofuse.tables import replacing

BLACK, ORANGE, SKY, BLUE, VERMILION = "#000000", "#E69F00", "#56B4E9", "#0072B2", "#D55E00"
GREEN, PURPLE, YELLOW = "#009E73", "#CC79A7", "#F0E442"
GREY, PALE, SHADE = "#6E6E6E", "#D9D9D9", "#ECECEC"

DPI = 120
"""Pixels per inch: a figure 8 inches wide fills a page of 960 pixels."""

COLOURS = 192
"""Colours in a picture's palette."""

STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 10,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
}

ENTROPY, VARENTROPY = "entropy (nats)", "varentropy (nats²)"

styled = matplotlib.rc_context(STYLE)
"""Decorates the functions that draw a picture."""


def note(axes: Axes, height: float, text: str) -> None:
    """Write to the right of a panel, beside what is drawn at a height."""
    axes.annotate(
        text, (1.02, height), va="center", xycoords=axes.get_yaxis_transform(), annotation_clip=False, fontsize=9
    )


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, atomically; the same figure gives the same bytes."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # A palette makes the file four times smaller, and with it the report that holds all of them.
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    with replacing(path) as temporary:
        image.save(temporary)
