"""Pictures say what the tables say, with nothing cut off and nothing on top of anything else."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from emofuse import figures
from emofuse.tables import EMOTIONS, PROBABILITY

FOLDS = ["Ses01F", "Ses01M", "Ses02F"]
METHOD = "entropy_varentropy"
THRESHOLDS = {
    "angry": {"entropy": 0.6, "varentropy": 0.7},
    "happy": {"entropy": None, "varentropy": None},  # selects nothing
    "neutral": {"confidence": 0.4},  # no line on this plane
    "sad": {"entropy": 0.9},
}


@pytest.fixture(scope="module")
def speech():
    random = np.random.default_rng(7)
    probability = random.dirichlet([0.7] * 4, 240)
    surprise = -np.log(probability)
    entropy = (probability * surprise).sum(axis=1)
    table = pd.DataFrame(probability, columns=PROBABILITY)
    table["fold"] = np.repeat(FOLDS, 80)
    table["utterance"] = [f"u{number}" for number in range(240)]
    table["predicted"] = np.array(EMOTIONS)[probability.argmax(axis=1)]
    table["emotion"] = np.where(random.random(240) < 0.6, table["predicted"], random.choice(EMOTIONS, 240))
    table["entropy"] = entropy
    table["varentropy"] = (probability * (surprise - entropy[:, None]) ** 2).sum(axis=1)
    table["selected"] = False
    return table


@pytest.fixture(scope="module")
def fused(speech):
    random = np.random.default_rng(8)
    selected = speech["entropy"] > 0.8
    said = np.where(random.random(240) < 0.6, speech["emotion"], random.choice(EMOTIONS, 240))
    # Rows in another order: pictures join by utterance.
    return speech.assign(selected=selected, predicted=speech["predicted"].mask(selected, said)).sample(
        frac=1, random_state=0
    )


@pytest.fixture(scope="module")
def outcome(speech, fused):
    after = fused.set_index("utterance")["predicted"].loc[speech["utterance"]].to_numpy()
    was, now = speech["predicted"] == speech["emotion"], after == speech["emotion"]
    return {
        "corrected": (~was & now).sum(),
        "spoilt": (was & ~now).sum(),
        "neither": (~was & ~now & (after != speech["predicted"])).sum(),
    }


METHODS = {
    # method: (UA, share selected); some so close that their labels would touch
    "speech": (0.676, 0.0),
    "sentiment": (0.46, 1.0),
    "paper": (0.677, 0.05),
    METHOD: (0.6775, 0.18),
    "entropy": (0.678, 0.21),
    "confidence": (0.6785, 0.12),
    "mean": (0.684, 1.0),
    "product": (0.6841, 1.0),
    "bayes": (0.6842, 1.0),
    "stacking_text": (0.78, 1.0),
    "oracle": (0.80, 0.33),
}


@pytest.fixture(scope="module")
def metrics():
    return pd.DataFrame(
        [
            (method, fold, "all", metric, value + shift * (metric == "UA"))
            for method, (ua, selected) in METHODS.items()
            for fold, shift in zip(FOLDS, (-0.02, 0.0, 0.02), strict=True)
            for metric, value in (("UA", ua), ("selected", selected))
        ],
        columns=["method", "fold", "condition", "metric", "value"],
    )


@pytest.fixture(scope="module")
def comparison():
    return pd.DataFrame(
        [
            (method, condition, "UA", ua, 0.676, ua - 0.676, ua - 0.676 - 0.005, ua - 0.676 + 0.005, 0.01)
            for method, (ua, _) in METHODS.items()
            for condition in ("all", "improvised", "scripted")
        ],
        columns=["method", "condition", "metric", "mean", "speech", "difference", "low", "high", "p"],
    )


@pytest.fixture(scope="module")
def front():
    return pd.DataFrame(
        [
            ("pareto", fold, point, split, 0.65 + 0.02 * index + 0.01 * point, 0.05 * point * (index + 1))
            for index, fold in enumerate(FOLDS)
            for point in range(4)
            for split in ("validation", "test")
        ],
        columns=["method", "fold", "point", "split", "UA", "selected"],
    )


@pytest.fixture(scope="module")
def pictures(speech, fused, metrics, comparison, front):
    parameters = {"folds": {fold: {"thresholds": THRESHOLDS} for fold in FOLDS}}
    return {
        "plane": lambda: figures.plane(METHOD, speech, fused, parameters),
        "confusion": lambda: figures.confusion(METHOD, speech, fused),
        "changes": lambda: figures.changes(METHOD, speech, fused),
        "ua_by_fold": lambda: figures.ua_by_fold(METHOD, metrics),
        "uncertainty": lambda: figures.uncertainty(speech),
        "leaderboard": lambda: figures.leaderboard(comparison, ["oracle"]),
        "pareto": lambda: figures.pareto(front, metrics, ["oracle"]),
    }


NAMES = ["plane", "confusion", "changes", "ua_by_fold", "uncertainty", "leaderboard", "pareto"]


def words(figure):
    """Everything that is written in a figure, tick labels of numbers apart."""
    texts = [*figure.texts, figure._suptitle, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label]
    return [text for text in texts if text is not None and text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off_and_nothing_overlaps(pictures, name):
    figure = pictures[name]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = {text.get_text(): Text.get_window_extent(text) for text in words(figure)}
    for text, box in boxes.items():
        assert figure.bbox.padded(1).contains(box.x0, box.y0), text
        assert figure.bbox.padded(1).contains(box.x1, box.y1), text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_tables_give_the_same_bytes(pictures, name, tmp_path):
    for path in ("a.png", "b.png"):
        figures.save(pictures[name](), tmp_path / path)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    with Image.open(tmp_path / "a.png") as image:
        assert image.width >= 900
        assert not image.info.keys() & {"Software", "Creation Time"}


@given(hnp.arrays(float, 4, elements=st.floats(1e-6, 1)))
def test_every_distribution_lies_within_the_outline(weight):
    probability = weight / weight.sum()
    surprise = -np.log(probability)
    entropy = (probability * surprise).sum()
    varentropy = (probability * (surprise - entropy) ** 2).sum()
    h, v = figures.attainable(4)
    turn = h.argmax()  # up to here the upper side, from here on the lower one, back to certainty
    hair = 5e-3  # the outline is made of short straight pieces
    assert varentropy <= np.interp(entropy, h[: turn + 1], v[: turn + 1]) + hair
    assert varentropy >= np.interp(entropy, h[turn:][::-1], v[turn:][::-1]) - hair


def test_the_plane_draws_every_utterance_once_and_says_what_changed(pictures, speech, outcome):
    figure = pictures["plane"]()
    points = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in points) == len(speech)
    assert f"{outcome['corrected']} corrected, {outcome['spoilt']} spoilt" in figure._suptitle.get_text()


def test_the_plane_draws_thresholds_where_there_are_some(pictures, speech, fused):
    regions = {e: len(a.patches) for e, a in zip(EMOTIONS, pictures["plane"]().axes, strict=True)}
    assert regions == {"angry": 1, "happy": 0, "neutral": 0, "sad": 1}
    without = figures.plane("bayes", speech, fused, {"folds": {fold: {} for fold in FOLDS}})
    assert not any(axes.patches for axes in without.axes)
    assert "selected (median over folds)" not in [text.get_text() for text in without.legends[0].get_texts()]


def test_the_median_threshold_is_of_the_folds(speech, fused):
    low = [{"angry": {"entropy": bound, "varentropy": 0.5}} for bound in (0.2, 0.3, 0.9)]
    parameters = {"folds": {fold: {"thresholds": t} for fold, t in zip(FOLDS, low, strict=True)}}
    (region,) = figures.plane(METHOD, speech, fused, parameters).axes[0].patches
    assert (region.get_x(), region.get_height()) == (0.3, 0.5)


def test_confusion_shows_counts_and_how_they_changed(pictures, speech, fused):
    before, after = pictures["confusion"]().axes[:2]
    angry_before = ((speech["emotion"] == "angry") & (speech["predicted"] == "angry")).sum()
    angry_after = ((fused["emotion"] == "angry") & (fused["predicted"] == "angry")).sum()
    assert before.texts[1].get_text() == str(angry_before)
    assert after.texts[1].get_text().split()[0] == str(angry_after)
    assert before.images[0].get_clim() == after.images[0].get_clim() == (0, 1)


def test_bars_of_changes_add_up(pictures, outcome):
    left, right = pictures["changes"]().axes
    widths = np.array([bar.get_width() for bar in left.patches])
    assert widths[widths > 0].sum() == outcome["corrected"]
    assert -widths[widths < 0].sum() == outcome["spoilt"]
    assert sum(bar.get_width() for bar in right.patches) == outcome["neither"]


def test_a_method_that_changes_nothing_is_drawn_too(speech, metrics):
    assert "0 corrected, 0 spoilt" in figures.changes("speech", speech, speech)._suptitle.get_text()
    assert "rises in 0 of 3 folds" in figures.ua_by_fold("speech", metrics)._suptitle.get_text()


def test_the_leaderboard_counts_neither_ceilings_nor_speech_and_leaves_far_methods_at_the_edge(pictures):
    figure = pictures["leaderboard"]()
    assert [axes.get_title() for axes in figure.axes] == ["all utterances", "improvised"]
    # bayes, product, mean, stacking_text: their intervals (± 0.005) lie above zero
    assert figure._suptitle.get_text() == "4 of 9 methods are better than speech alone"
    assert figure.axes[0].get_xlim()[0] > METHODS["sentiment"][0]
    assert figure.axes[0].get_yticklabels()[-1].get_text() == "oracle (ceiling)"


def test_a_leaderboard_without_intervals_claims_nothing(comparison):
    figure = figures.leaderboard(comparison.assign(low=np.nan, high=np.nan))
    assert figure._suptitle.get_text().startswith("0 of 10 ")


def test_the_front_on_test_rows_is_the_mean_over_folds(pictures, front):
    _, right = pictures["pareto"]().axes
    curve = right.lines[0]
    tested = front[front["split"] == "test"]
    assert curve.get_ydata()[0] == pytest.approx(tested[tested["point"] == 0]["UA"].mean())
    # Beyond the end of a fold's front its last value holds.
    assert curve.get_ydata()[-1] == pytest.approx(tested[tested["point"] == 3]["UA"].mean())
    assert curve.get_xdata()[-1] == tested["selected"].max()


def test_without_a_front_the_methods_stand_alone(metrics, front):
    _, right = figures.pareto(front.iloc[:0], metrics, ["oracle"]).axes
    assert sum(line.get_marker() in "Dv^" for line in right.lines) == len(METHODS)


@given(hnp.arrays(float, st.integers(0, 8), elements=st.floats(-10, 10)).map(np.sort), st.floats(0.01, 3))
def test_spread_labels_keep_their_order_and_distance(values, gap):
    spread = figures._spread(values, gap)
    assert len(spread) == len(values)
    assert (np.diff(spread) >= gap - 1e-6).all()
    if (np.diff(values) >= gap).all():
        np.testing.assert_allclose(spread, values)
