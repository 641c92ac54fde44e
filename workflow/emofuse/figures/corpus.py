"""What a corpus holds: emotions by condition and by speaker, and how long utterances are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from emofuse.accuracy import ALL
from emofuse.evaluation.wording import condition_name, counted, duration_name
from emofuse.figures.style import BLACK, GREEN, GREY, PALE, PURPLE, YELLOW, styled
from emofuse.tables import EMOTIONS

COLOURS = dict(zip(EMOTIONS, (PURPLE, YELLOW, PALE, GREEN), strict=True))
"""Of the emotions: neither the blues nor the oranges, which mean right and wrong elsewhere."""

SPEAKERS = 40
"""Up to so many speakers each has a bar; more are shown as a distribution."""

CONDITIONS = 10
"""Up to so many conditions have a bar, the largest."""

NAME = 20
"""Letters of a name that are shown."""

LINE = 80
"""Letters of speakers' names that stand side by side; more stand upright."""

BINS = 30


@styled
def corpus(summary: pd.DataFrame, recordings: pd.DataFrame | None = None) -> Figure:
    """Emotions by condition, a histogram of durations, and emotions by speaker.

    Args:
        summary: the ``summary`` table of a corpus
        recordings: its ``recordings`` table; ``None`` for a corpus without audio, which has no durations
    """
    whole = summary[(summary["by"] == "corpus") & (summary["emotion"] == ALL)].iloc[0]
    conditions, speakers = counts(summary, "condition"), counts(summary, "speaker")
    shown = conditions.loc[conditions[ALL].nlargest(CONDITIONS).index.sort_values()]
    bars = pd.concat([counts(summary, "corpus").set_axis([ALL]), shown])
    are_drawn_apart = len(speakers) <= SPEAKERS
    is_wide = are_drawn_apart and sum(map(len, speakers.index)) > LINE
    heights = 1.3 + 0.22 * len(bars), 3.8 if is_wide else 2.6
    figure = Figure(figsize=(8, 0.5 + sum(heights)))
    upper, lower = figure.subfigures(2, 1, height_ratios=heights)
    proportions, *durations = np.atleast_1d(upper.subplots(1, 1 if recordings is None else 2))
    _draw_proportions(proportions, bars, len(conditions))
    for axes in durations:
        _draw_durations(axes, recordings["duration"], whole)
    if are_drawn_apart:
        _draw_speakers(lower.subplots(), speakers, rotation=90 if is_wide else 0)
    else:
        _draw_distributions(lower.subplots(1, 2), speakers)
    handles = [Patch(facecolor=colour, edgecolor=BLACK, label=emotion) for emotion, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.suptitle(f"{shortened(whole['group'])}: {_said(whole)}")
    return figure


def counts(summary: pd.DataFrame, by: str) -> pd.DataFrame:
    """The utterances of each group: a row per group, a column for all and one per emotion.

    Args:
        summary: the ``summary`` table of a corpus
        by: which groups, a value of the column ``by``
    """
    rows = summary[summary["by"] == by]
    return rows.pivot(index="group", columns="emotion", values="utterances").reindex(columns=[ALL, *EMOTIONS])


def shortened(name: str) -> str:
    """A name of at most :data:`NAME` letters.

    >>> shortened("MSP-PODCAST_0001_0008_speaker")
    'MSP-PODCAST_0001_00…'
    """
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _said(whole: pd.Series) -> str:
    parts = [counted(whole["utterances"], "utterance"), counted(whole["speakers"], "speaker")]
    return ", ".join(parts + ([] if np.isnan(whole["seconds"]) else [duration_name(whole["seconds"])]))


def _draw_proportions(axes: Axes, bars: pd.DataFrame, conditions: int) -> None:
    """A bar per condition, divided by emotion, with the number of its utterances."""
    shares = bars[list(EMOTIONS)].div(bars[ALL], axis=0)
    begins = shares.cumsum(axis=1) - shares
    for emotion, colour in COLOURS.items():
        axes.barh(range(len(bars)), shares[emotion], left=begins[emotion], color=colour, edgecolor=BLACK, linewidth=0.5)
    for place, number in enumerate(bars[ALL]):
        axes.annotate(f"{number}", (1.02, place), va="center", xycoords=axes.get_yaxis_transform())
    axes.set_yticks(range(len(bars)), [shortened(condition_name(name)) for name in bars.index])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.tick_params(axis="y", length=0)
    left = f", {CONDITIONS} of {conditions} conditions" if conditions > CONDITIONS else ""
    axes.set(xlabel=f"share of utterances{left}")


def _draw_durations(axes: Axes, durations: pd.Series, whole: pd.Series) -> None:
    """How long utterances are, with the median."""
    _draw_histogram(axes, durations)
    axes.axvline(whole["p50"], color=BLACK, linewidth=1.5)
    axes.set_title(f"median {whole['p50']:.1f} s, 90% in {whole['p5']:.1f} to {whole['p95']:.1f} s")
    axes.set(xlabel="duration (s)", ylabel="utterances")


def _draw_histogram(axes: Axes, values: pd.Series) -> None:
    """A histogram whose last bar holds the largest hundredth, or a few would make all others thin."""
    axes.hist(values.clip(upper=values.quantile(0.99)), bins=BINS, color=GREY)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.grid(axis="y")


def _draw_speakers(axes: Axes, speakers: pd.DataFrame, rotation: int) -> None:
    """A bar per speaker, divided by emotion."""
    begins = speakers[list(EMOTIONS)].cumsum(axis=1) - speakers[list(EMOTIONS)]
    for emotion, colour in COLOURS.items():
        axes.bar(
            range(len(speakers)),
            speakers[emotion],
            bottom=begins[emotion],
            color=colour,
            edgecolor=BLACK,
            linewidth=0.5,
        )
    names = [shortened(name) for name in speakers.index]
    axes.set_xticks(range(len(names)), names, rotation=rotation)
    axes.set_xlim(-0.7, len(names) - 0.3)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")
    axes.set(xlabel="speaker", ylabel="utterances")


def _draw_distributions(panels: np.ndarray, speakers: pd.DataFrame) -> None:
    """How many utterances speakers have: a histogram, and a box per emotion from quartile to quartile."""
    histogram, boxes = panels
    _draw_histogram(histogram, speakers[ALL])
    histogram.set(xlabel="utterances per speaker", ylabel="speakers")
    drawn = boxes.boxplot(
        [speakers[emotion] for emotion in EMOTIONS],
        tick_labels=EMOTIONS,
        widths=0.5,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        medianprops={"color": BLACK, "linewidth": 2},
    )
    for box, colour in zip(drawn["boxes"], COLOURS.values(), strict=True):
        box.set_facecolor(colour)
    boxes.set_ylim(bottom=0)
    boxes.tick_params(axis="x", length=0)
    boxes.grid(axis="y")
    boxes.set(ylabel="utterances per speaker", xlabel="emotion (whiskers: 5th to 95th percentile)")
