"""Every picture of a study.

Each function takes tables (:mod:`emofuse.tables`) and returns a figure; :func:`save` writes it.
Colours are those of Okabe and Ito, which people with any common colour vision can tell apart;
blues mean right, oranges wrong, and shapes say the same again.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image
from sklearn.metrics import confusion_matrix

from emofuse.tables import EMOTIONS, replacing

BLACK, ORANGE, SKY, BLUE, VERMILION = "#000000", "#E69F00", "#56B4E9", "#0072B2", "#D55E00"
GREEN, PURPLE = "#009E73", "#CC79A7"
GREY, PALE, SHADE = "#6E6E6E", "#D9D9D9", "#ECECEC"

DPI = 120
"""Pixels an inch: a figure 8 inches wide fills a page of 960 pixels."""

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

RIGHT, WRONG, CORRECTED, SPOILT, STILL_WRONG = "right", "wrong", "corrected", "spoilt", "wrong → wrong"
"""What became of an utterance; the last is another wrong emotion than before."""

POINTS: dict[str, dict[str, Any]] = {
    RIGHT: {"color": SKY, "marker": "o", "markersize": 3.2, "markeredgewidth": 0, "label": "right"},
    WRONG: {"color": ORANGE, "marker": "x", "markersize": 3.4, "markeredgewidth": 0.9, "label": "wrong"},
    SPOILT: {"color": VERMILION, "marker": "v", "markersize": 6, "label": "spoilt (right → wrong)"},
    CORRECTED: {"color": BLUE, "marker": "^", "markersize": 6, "label": "corrected (wrong → right)"},
}
"""How utterances are drawn on the plane."""

TURNS = 8
"""In how many turns right and wrong points are drawn, so that neither hides the other."""

_styled = matplotlib.rc_context(STYLE)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, atomically; the same figure gives the same bytes."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # A palette makes the file four times smaller, and with it the report that holds all of them.
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    with replacing(path) as temporary:
        image.save(temporary)


def attainable(classes: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The closed outline of all (entropy, varentropy) that probabilities of some classes can have.

    For a given entropy the varentropy is largest where one class stands out and the others are equal,
    and smallest where some classes are equal and one takes what is left.

    Args:
        classes: number of classes, at least 2

    Returns:
        entropy (nats) and varentropy (nats²) along the outline, starting at certainty

    >>> entropy, varentropy = attainable(4)
    >>> round(float(entropy.max()), 4), round(float(varentropy.min()), 4)
    (1.3863, 0.0)
    """
    step = np.linspace(0, 1, 200) ** 3  # the outline is steep where a probability nears 0: small steps there
    upper = [(1 - rest, *[rest / (classes - 1)] * (classes - 1)) for rest in (1 - 1 / classes) * step]
    lower = [
        (*[(1 - rest) / equal] * equal, rest, *[0.0] * (classes - equal - 1))
        for equal in range(classes - 1, 0, -1)
        for rest in step[::-1] / (equal + 1)
    ]
    probability = np.clip(np.array(upper + lower), 1e-15, 1)
    surprise = -np.log(probability)
    entropy = (probability * surprise).sum(axis=1)
    varentropy = (probability * (surprise - entropy[:, None]) ** 2).sum(axis=1)
    return entropy, varentropy


@_styled
def plane(method: str, speech: pd.DataFrame, predictions: pd.DataFrame, parameters: Mapping[str, Any]) -> Figure:
    """The entropy–varentropy plane, a panel per emotion that the speech model predicted.

    Every utterance is a point: right or wrong by speech alone, corrected or spoilt by the method.
    Where the method has thresholds, the region that they select is drawn: thin for each fold,
    bold and shaded at the median over folds.

    Args:
        method: its name, for the title
        speech: predictions of the method ``speech``
        predictions: predictions of the method
        parameters: the method's ``parameters.json``
    """
    table = _joined(speech, predictions)
    figure = Figure(figsize=(8, 7.4))
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    outline = attainable(len(EMOTIONS))
    corner = np.log(len(EMOTIONS)) * 1.03, outline[1].max() * 1.06
    bounds = _thresholds(parameters)
    for emotion, axes in zip(EMOTIONS, panels.flat, strict=True):
        here = table[table["before"] == emotion]
        axes.plot(*outline, color=PALE, linewidth=1, zorder=0)
        if emotion in bounds:
            _draw_thresholds(axes, bounds[emotion], corner)
        kind = here["outcome"].replace(STILL_WRONG, WRONG).to_numpy()
        for part in np.array_split(np.arange(len(here)), TURNS):
            for outcome in (RIGHT, WRONG):
                _draw_points(axes, here.iloc[part[kind[part] == outcome]], outcome)
        for outcome in (SPOILT, CORRECTED):
            _draw_points(axes, here[kind == outcome], outcome)
        count = here["outcome"].value_counts()
        axes.set_title(
            f"predicted {emotion}: {len(here)}, selected {here['selected'].sum()}\n"
            f"corrected {count.get(CORRECTED, 0)}, spoilt {count.get(SPOILT, 0)}",
            loc="left",
        )
        axes.set(xlim=(0, corner[0]), ylim=(0, corner[1]))
        axes.label_outer()
    for axes in panels[-1]:
        axes.set_xlabel(ENTROPY)
    for axes in panels[:, 0]:
        axes.set_ylabel(VARENTROPY)
    handles: list[Artist] = [Line2D([], [], linestyle="", **style) for style in POINTS.values()]
    if bounds:
        handles.append(Patch(facecolor=SHADE, edgecolor=BLACK, linewidth=1.8, label="selected (median over folds)"))
        handles.append(Line2D([], [], color=BLACK, alpha=0.3, linewidth=0.8, label="thresholds of each fold"))
    handles.append(Line2D([], [], color=PALE, linewidth=1, label="outline of what is possible"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(_title(method, table))
    return figure


@_styled
def confusion(method: str, speech: pd.DataFrame, predictions: pd.DataFrame) -> Figure:
    """Confusion matrices of speech alone and of the method: shares of each true emotion, and counts.

    Args:
        method: its name, for the titles
        speech: predictions of the method ``speech``
        predictions: predictions of the method
    """
    table = _joined(speech, predictions)
    before, after = (
        confusion_matrix(table["emotion"], table[column], labels=EMOTIONS) for column in ("before", "after")
    )
    total = np.maximum(before.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(8, 4.2))
    panels = figure.subplots(1, 2, sharey=True)
    ticks = range(len(EMOTIONS))
    for axes, counts, name in zip(panels, (before, after), ("speech alone", method), strict=True):
        share = counts / total
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(share):
            change = counts[row, column] - before[row, column]
            text = f"{counts[row, column]}" + (f" ({_signed(change, 0)})" if change else "")
            ink = "white" if value > 0.55 else BLACK
            axes.text(column, row - 0.05, f"{value:.0%}", ha="center", va="bottom", color=ink, fontsize=12)
            axes.text(column, row + 0.07, text, ha="center", va="top", color=ink, fontsize=8.5)
        axes.set_xticks(ticks, EMOTIONS)
        axes.set_yticks(ticks, EMOTIONS)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(title=name, xlabel="predicted")
    panels[0].set_ylabel("true")
    figure.colorbar(image, ax=panels, format=PercentFormatter(1), shrink=0.8, label="share of the true emotion")
    recall = 100 * (np.diag(after) - np.diag(before)) / total[:, 0]
    moved = ", ".join(f"{emotion} {_signed(value, 1)}" for emotion, value in zip(EMOTIONS, recall, strict=True))
    figure.suptitle(f"Change of recall in points: {moved}")
    return figure


@_styled
def changes(method: str, speech: pd.DataFrame, predictions: pd.DataFrame) -> Figure:
    """Where changed predictions went: counts by pair of emotions, and whether that was for the better.

    Args:
        method: its name, for the title
        speech: predictions of the method ``speech``
        predictions: predictions of the method
    """
    table = _joined(speech, predictions)
    pairs = [(a, b) for a in EMOTIONS for b in EMOTIONS if a != b]
    count = table.groupby(["before", "after", "outcome"]).size()
    better, worse, neither = (
        np.array([count.get((*pair, outcome), 0) for pair in pairs]) for outcome in (CORRECTED, SPOILT, STILL_WRONG)
    )
    figure = Figure(figsize=(8, 5.2))
    most = max(better.max(), worse.max(), 1)
    widths = [2 * most, max(neither.max(), 0.75 * most)]  # so that a count has the same length in both panels
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=widths)
    # A gap sets apart what the speech model said first.
    y = np.array([index + 0.6 * (index // (len(EMOTIONS) - 1)) for index in range(len(pairs))])
    left.barh(y, better, color=BLUE)
    left.barh(y, -worse, color=VERMILION)
    right.barh(y, neither, color=GREY)
    for axes, values, side in ((left, better, 1), (left, -worse, -1), (right, neither, 1)):
        for height, value in zip(y, values, strict=True):
            if value:
                axes.annotate(
                    f"{abs(value)}",
                    (value, height),
                    (3 * side, 0),
                    textcoords="offset points",
                    va="center",
                    ha="left" if side > 0 else "right",
                    fontsize=9,
                )
    left.axvline(0, color=BLACK, linewidth=0.8)
    left.set_yticks(y, [f"{a} → {b}" for a, b in pairs])
    left.invert_yaxis()
    left.set_xlim(-1.15 * most, 1.15 * most)
    right.set_xlim(0, 1.15 * widths[1])
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5 if axes is left else 3))
        axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        axes.grid(axis="x")
    left.set_title(f"◀ right → wrong: {worse.sum()}", loc="left", color=VERMILION)
    left.set_title(f"wrong → right: {better.sum()} ▶", loc="right", color=BLUE)
    right.set_title(f"wrong → wrong: {neither.sum()}", loc="left", color=GREY)
    figure.supxlabel("utterances", fontsize="medium")
    figure.suptitle(_title(method, table))
    return figure


@_styled
def ua_by_fold(method: str, metrics: pd.DataFrame) -> Figure:
    """UA of each fold by speech alone and by the method, and their means.

    Args:
        method: its name in the table
        metrics: metrics of ``speech`` and of the method
    """
    ua = _per_fold(metrics, "UA")[["speech", method]].set_axis(["before", "after"], axis=1).sort_index()
    ua.loc["mean"] = ua.mean()
    gain = ua["after"] - ua["before"]
    folds = len(ua) - 1
    y = np.append(np.arange(folds), folds + 0.4)
    figure = Figure(figsize=(8, 1.9 + 0.34 * len(ua)))
    axes = figure.subplots()
    for height, (fold, row) in zip(y, ua.iterrows(), strict=True):
        bold = fold == "mean"
        colour = BLUE if gain[fold] > 0 else VERMILION if gain[fold] < 0 else GREY
        axes.plot(row, [height] * 2, color=colour, linewidth=4 if bold else 2, alpha=0.6, zorder=1)
        axes.plot(row["before"], height, "o", color="white", markeredgecolor=BLACK, markersize=9 if bold else 7)
        axes.plot(row["after"], height, "o", color=colour, markersize=9 if bold else 7)
        axes.annotate(
            f"{row['before']:.3f} → {row['after']:.3f}  ({_signed(gain[fold])})",
            (1.02, height),
            va="center",
            xycoords=axes.get_yaxis_transform(),
            fontweight="bold" if bold else "normal",
            annotation_clip=False,
        )
    axes.axhline(folds - 0.3, color=PALE, linewidth=1)
    axes.set_yticks(y, ua.index)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_ylim(folds + 0.9, -0.6)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set(xlabel="UA (unweighted accuracy: mean of the four recalls)", ylabel="fold (what it tests)")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], linestyle="", marker="o", color="white", markeredgecolor=BLACK, markersize=7, label="speech"),
        Line2D([], [], linestyle="", marker="o", color=BLUE, markersize=7, label=f"{method}, better"),
        Line2D([], [], linestyle="", marker="o", color=VERMILION, markersize=7, label=f"{method}, worse"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    rises = int((gain[:-1] > 0).sum())
    figure.suptitle(f"{method}: UA rises in {rises} of {folds} folds, {_signed(gain['mean'])} on average")
    return figure


@_styled
def uncertainty(speech: pd.DataFrame) -> Figure:
    """Box plots of entropy and varentropy by predicted emotion, for right and for wrong predictions.

    Boxes span the quartiles, whiskers the 5th to the 95th percentile.

    Args:
        speech: predictions of the method ``speech``
    """
    right = speech["predicted"] == speech["emotion"]
    figure = Figure(figsize=(8, 4.6))
    panels = figure.subplots(1, 2)
    for axes, column, label in zip(panels, ("entropy", "varentropy"), (ENTROPY, VARENTROPY), strict=True):
        for rows, colour, side in ((right, SKY, -0.19), (~right, ORANGE, 0.19)):
            axes.boxplot(
                [speech.loc[rows & (speech["predicted"] == emotion), column] for emotion in EMOTIONS],
                positions=np.arange(len(EMOTIONS)) + side,
                widths=0.32,
                whis=(5, 95),
                showfliers=False,
                patch_artist=True,
                manage_ticks=False,
                boxprops={"facecolor": colour},
                medianprops={"color": BLACK, "linewidth": 2},
            )
        counts = [(right & (speech["predicted"] == e)).sum() for e in EMOTIONS]
        wrongs = [(~right & (speech["predicted"] == e)).sum() for e in EMOTIONS]
        axes.set_xticks(
            range(len(EMOTIONS)), [f"{e}\n{a} | {b}" for e, a, b in zip(EMOTIONS, counts, wrongs, strict=True)]
        )
        axes.set(ylabel=label, xlabel="predicted emotion (right | wrong predictions)")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.tick_params(axis="x", length=0)
    handles = [
        Patch(facecolor=SKY, edgecolor=BLACK, label="right"),
        Patch(facecolor=ORANGE, edgecolor=BLACK, label="wrong"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    median = speech.groupby(right)["entropy"].median()
    figure.suptitle(
        f"Speech alone: median entropy {median.get(False, np.nan):.2f} nats where wrong, "
        f"{median.get(True, np.nan):.2f} where right"
    )
    return figure


@_styled
def leaderboard(comparison: pd.DataFrame, ceilings: Sequence[str] = (), confidence: float = 0.95) -> Figure:
    """Methods by UA, with the interval of their difference to speech alone; a panel per condition.

    The conditions drawn are ``all`` and, where it is there, ``improvised``.
    A method far below speech is marked at the edge, so that it does not squeeze the others.

    Args:
        comparison: methods against speech
        ceilings: methods that see the test labels, which are marked as such
        confidence: of the intervals, between 0 and 1
    """
    table = comparison[(comparison["metric"] == "UA") & (comparison["method"] != "speech")]
    conditions = [name for name in ("all", "improvised") if (table["condition"] == name).any()]
    order = table[table["condition"] == "all"].sort_values("mean", kind="stable")["method"].tolist()
    figure = Figure(figsize=(5.6 if len(conditions) == 1 else 9.6, 1.9 + 0.32 * len(order)))
    panels = figure.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    y = np.arange(len(order))
    for axes, condition in zip(panels, conditions, strict=True):
        rows = table[table["condition"] == condition].set_index("method").reindex(order)
        speech = rows["speech"].median()
        low, high = ((speech + rows[end]).fillna(rows["mean"]) for end in ("low", "high"))  # no interval: a point
        top = max(high.max(), rows["mean"].max(), speech)
        edge = max(min(low.min(), rows["mean"].min(), speech), speech - max(0.6 * (top - speech), 0.02))
        margin = 0.04 * (top - edge)
        axes.axvline(speech, color=BLACK, linestyle="--", linewidth=1)
        axes.annotate(f"speech {speech:.3f}", (speech, 1.01), xycoords=("data", "axes fraction"), ha="center")
        for height, method in zip(y, order, strict=True):
            row = rows.loc[method]
            colour = BLACK if method in ceilings else _verdict(row)
            if row["mean"] < edge:
                axes.plot(edge, height, "<", color=colour, markersize=8)
            else:
                axes.plot([max(low[method], edge), high[method]], [height] * 2, color=colour, linewidth=2)
                face = "white" if method in ceilings else colour
                axes.plot(row["mean"], height, "o", color=colour, markerfacecolor=face, markersize=7)
            axes.annotate(
                f"{row['mean']:.3f} ({_signed(row['difference'])})",
                (1.02, height),
                va="center",
                xycoords=axes.get_yaxis_transform(),
                annotation_clip=False,
                fontsize=9,
            )
        axes.set_xlim(edge - margin, top + margin)
        axes.set_title({"all": "all utterances"}.get(condition, condition), pad=20, fontweight="bold")
        axes.set_xlabel(f"UA, mean over folds\n(bar: {confidence:.0%} interval of the difference)")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
    panels[0].set_yticks(y, [f"{method} (ceiling)" if method in ceilings else method for method in order])
    panels[0].set_ylim(-0.6, len(order) - 0.4)
    handles = [
        Line2D([], [], marker="o", linewidth=2, color=BLUE, label="better than speech"),
        Line2D([], [], marker="o", linewidth=2, color=GREY, label="difference not certain"),
        Line2D([], [], marker="o", linewidth=2, color=VERMILION, label="worse"),
        Line2D(
            [], [], marker="o", linewidth=2, color=BLACK, markerfacecolor="white", label="ceiling, knows the labels"
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2 if len(conditions) == 1 else 4)
    honest = table[(table["condition"] == "all") & ~table["method"].isin(ceilings)]
    better = sum(_verdict(row) == BLUE for _, row in honest.iterrows())
    figure.suptitle(f"{better} of {len(honest)} methods are better than speech alone")
    return figure


@_styled
def pareto(front: pd.DataFrame, metrics: pd.DataFrame, ceilings: Sequence[str] = ()) -> Figure:
    """UA against the share of utterances that need the words: what each further percent buys.

    Left: each fold's front on the rows that it was fitted on.
    Right: the same thresholds on the test rows, mean over folds, interpolated between shares
    (a front that ends early keeps its last value: nobody has to spend more), and the methods.

    Args:
        front: points of the fronts on each split; without rows, the methods stand alone
        metrics: metrics of all methods
        ceilings: methods that see the test labels, which are marked as such
    """
    marks = pd.DataFrame({name: _per_fold(metrics, name).mean() for name in ("selected", "UA")})
    front = front.sort_values(["selected", "UA"], kind="stable")
    fitted, tested = front[front["split"] != "test"], front[front["split"] == "test"]
    curves = {method: _mean_front(rows) for method, rows in tested.groupby("method")}

    figure = Figure(figsize=(9.6, 5))
    left, right = figure.subplots(1, 2, width_ratios=[1, 2])
    handles = []
    for (method, (share, ua)), colour in zip(curves.items(), itertools.cycle((BLUE, GREEN, PURPLE))):
        for _, rows in fitted[fitted["method"] == method].groupby(["fold", "split"]):
            left.step(rows["selected"], rows["UA"], where="post", color=colour, linewidth=1)
            left.plot(*rows[["selected", "UA"]].iloc[-1], "o", color=colour)
        handles += right.plot(share, ua, color=colour, linewidth=2.5, label=f"front of {method}")
    ends = fitted.groupby(["method", "fold", "split"]).tail(1).sort_values("UA")
    gap = 0.05 * np.ptp(left.get_ylim())
    places = _spread(ends["UA"].to_numpy(), gap)
    places -= max(0, places.max(initial=-np.inf) - (left.get_ylim()[1] - gap))  # below the title
    for end, height in zip(ends.itertuples(), places, strict=True):
        _label(left, end.fold, (end.selected, end.UA), (1.05 * fitted["selected"].max(), height))

    speech = marks.loc["speech", "UA"]
    results = marks[~marks.index.isin(ceilings)]
    reach = [speech, *(end for _, ua in curves.values() for end in (ua.min(), ua.max()))]
    high = max(results["UA"].max(), *reach)
    low = max(results["UA"].min(), min(speech - max(0.6 * (high - speech), 0.02), *reach))
    margin = 0.05 * max(high - low, 0.02)
    edges = low - margin, high + 2 * margin
    right.set(xlim=(-0.02, 1.02), ylim=edges)
    # Methods that need the words of everyone share one abscissa: their labels stand outside.
    everyone = marks["selected"] > 0.95
    beyond = max(marks.loc[~everyone, "selected"].max(), *(share[-1] for share, _ in curves.values()), 0)
    for rows, x in ((marks[everyone], 1.05), (marks[~everyone], min(beyond + 0.05, 0.5))):
        rows = rows.sort_values("UA")
        shown, places = rows["UA"].clip(*edges), _spread(rows["UA"].clip(low, high).to_numpy(), margin)
        for (method, row), y, height in zip(rows.iterrows(), shown, places, strict=True):
            ceiling = method in ceilings
            style = {"color": BLACK, "markerfacecolor": "white"} if ceiling else {"color": VERMILION}
            marker = "D" if y == row["UA"] else "^" if row["UA"] > y else "v"
            right.plot(row["selected"], y, marker, markersize=6, clip_on=False, zorder=4, **style)
            name = f"{method}{' (ceiling)' if ceiling else ''} {row['UA']:.3f}"
            _label(right, name, (row["selected"], y), (x, height))
    left.set(title="on the rows fitted on, each fold", ylabel="UA", xlabel="share selected")
    right.set(title="on the test rows, mean over folds")
    right.set_xlabel("share selected: utterances that need transcript and sentiment")
    for axes in (left, right):
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid()
    handles.append(Line2D([], [], linestyle="", marker="D", color=VERMILION, label="methods"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle("UA against the share of utterances whose words are needed")
    return figure


def _joined(speech: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Each utterance's emotion before and after, and what came of it."""
    keys = ["fold", "utterance"]
    table = predictions.rename(columns={"predicted": "after"}).merge(
        speech[[*keys, "predicted"]].rename(columns={"predicted": "before"}), on=keys, validate="one_to_one"
    )
    was, now = table["before"] == table["emotion"], table["after"] == table["emotion"]
    same = table["before"] == table["after"]
    table["outcome"] = np.select([was & now, same, now, was], [RIGHT, WRONG, CORRECTED, SPOILT], STILL_WRONG)
    return table


def _draw_points(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    white: dict[str, Any] = {"markeredgecolor": "white"} if kind in (SPOILT, CORRECTED) else {}
    axes.plot(rows["entropy"], rows["varentropy"], linestyle="", **POINTS[kind], **white)


def _label(axes: Axes, text: str, point: tuple[float, float], place: tuple[float, float]) -> None:
    """Write beside a point, with a thin line to it that stays under every text."""
    line = Line2D(*zip(point, place, strict=True), color=GREY, linewidth=0.6, zorder=2.5, clip_on=False)
    axes.add_artist(line)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.text(*place, text, va="center", fontsize=9, zorder=5, bbox=box)


def _mean_front(front: pd.DataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean UA over folds at 200 shares, from a front's points on one split, in order of their share."""
    share = np.linspace(0, front["selected"].max(), 200)
    ua = [
        np.interp(share, *rows.groupby("selected", as_index=False)["UA"].mean()[["selected", "UA"]].to_numpy().T)
        for _, rows in front.groupby("fold")
    ]
    return share, np.mean(ua, axis=0)


def _thresholds(parameters: Mapping[str, Any]) -> dict[str, npt.NDArray[np.float64]]:
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


def _draw_thresholds(axes: Axes, bounds: npt.NDArray[np.float64], corner: tuple[float, float]) -> None:
    """The selected region (right of an entropy, below a varentropy) of each fold, and of their median."""
    median = np.median(bounds, axis=0)
    thin, bold = {"linewidth": 0.8, "alpha": 0.3}, {"linewidth": 1.8}
    styles: list[tuple[npt.NDArray[np.float64], Any]] = [*((pair, thin) for pair in bounds), (median, bold)]
    for (entropy, varentropy), style in styles:
        top = min(varentropy, corner[1] * 2)
        axes.plot([entropy, entropy, corner[0]], [0, top, top], color=BLACK, solid_joinstyle="miter", **style)
    axes.add_patch(
        Rectangle((median[0], 0), corner[0], min(median[1], corner[1] * 2), color=SHADE, zorder=-1, linewidth=0)
    )


def _title(method: str, table: pd.DataFrame) -> str:
    count = table["outcome"].value_counts()
    return (
        f"{method}: {table['selected'].sum()} of {len(table)} selected, "
        f"{count.get(CORRECTED, 0)} corrected, {count.get(SPOILT, 0)} spoilt"
    )


def _per_fold(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric over all utterances: a row per fold, a column per method."""
    rows = metrics[(metrics["metric"] == metric) & (metrics["condition"] == "all")]
    return rows.pivot_table(index="fold", columns="method", values="value")


def _verdict(row: pd.Series) -> str:
    """The colour of a difference by where its interval lies."""
    return BLUE if row["low"] > 0 else VERMILION if row["high"] < 0 else GREY


def _signed(value: float, digits: int = 3) -> str:
    """A difference with its sign.

    >>> _signed(-0.01234), _signed(0.5, 1), _signed(-0.0001)
    ('−0.012', '+0.5', '+0.000')
    """
    return f"{round(value, digits) + 0:+.{digits}f}".replace("-", "−")


def _spread(values: npt.NDArray[np.float64], gap: float) -> npt.NDArray[np.float64]:
    """Ascending values moved apart as little as keeps each at least a gap above the one before.

    >>> _spread(np.array([0.0, 0.1, 5.0]), 1.0)
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
