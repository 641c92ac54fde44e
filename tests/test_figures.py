"""Pictures say what the tables say, with nothing cut off and nothing on top of anything else."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from emofuse import contracts
from emofuse.corpora.summary import summarise
from emofuse.evaluation.leaderboard import board
from emofuse.figures import OF_ADAPTATION, OF_CORPUS, OF_CROSS, OF_EXPERIMENT, OF_METHOD, OF_STUDY
from emofuse.figures.across import across
from emofuse.figures.adaptation import adaptation
from emofuse.figures.changes import changes
from emofuse.figures.confusion import confusion
from emofuse.figures.corpus import SPEAKERS, corpus
from emofuse.figures.experiment import of_experiment
from emofuse.figures.leaderboard import leaderboard
from emofuse.figures.method import of_method
from emofuse.figures.pareto import pareto, spread
from emofuse.figures.plane import MOST, plane
from emofuse.figures.shift import shift
from emofuse.figures.style import save
from emofuse.figures.ua_by_fold import ua_by_fold
from emofuse.figures.uncertainty import uncertainty
from emofuse.fusion.uncertainty import attainable, entropy, varentropy
from emofuse.tables import EMOTIONS, PROBABILITY

FOLDS = ["Ses01F", "Ses01M", "Ses02F"]
METHOD = "entropy_varentropy"
CONDITIONS = ["all", "natural_interaction", "other_improvised", "target_improvised", "target_read"]  # MSP-IMPROV's
THRESHOLDS = {
    "angry": {"entropy": 0.6, "varentropy": 0.7},
    "happy": {"entropy": None, "varentropy": None},  # selects nothing
    "neutral": {"confidence": 0.4},  # no line on this plane
    "sad": {"entropy": 0.9},
}


@pytest.fixture(scope="module")
def fused():
    """Predictions of a method, in no order."""
    random = np.random.default_rng(7)
    probability = random.dirichlet([0.7] * 4, 240)
    table = pd.DataFrame(probability, columns=PROBABILITY).assign(
        fold=np.repeat(FOLDS, 80),
        utterance=[f"u{number}" for number in range(240)],
        speech=np.array(EMOTIONS)[probability.argmax(axis=1)],
        entropy=entropy(probability),
        varentropy=varentropy(probability),
    )
    table["emotion"] = np.where(random.random(240) < 0.6, table["speech"], random.choice(EMOTIONS, 240))
    table["selected"] = table["entropy"] > 0.8
    said = np.where(random.random(240) < 0.6, table["emotion"], random.choice(EMOTIONS, 240))
    table["predicted"] = table["speech"].mask(table["selected"], said)
    return table.sample(frac=1, random_state=0)


@pytest.fixture(scope="module")
def outcome(fused):
    was, now = fused["speech"] == fused["emotion"], fused["predicted"] == fused["emotion"]
    return {
        "corrected": (~was & now).sum(),
        "spoilt": (was & ~now).sum(),
        "neither": (~was & ~now & (fused["predicted"] != fused["speech"])).sum(),
    }


METHODS = {
    # method: (UA, share selected); some so close that their labels would touch
    "speech": (0.676, 0.0),
    "sentiment": (0.46, 1.0),
    "context": (0.677, 0.0),
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
            (method, fold, condition, metric, value + shift * (metric == "UA"))
            for method, (ua, selected) in METHODS.items()
            for condition in CONDITIONS
            for fold, shift in zip(FOLDS, (-0.02, 0.0, 0.02), strict=True)
            for metric, value in (("UA", ua), ("selected", selected))
        ],
        columns=["method", "fold", "condition", "metric", "value"],
    )


@pytest.fixture(scope="module")
def comparison():
    return pd.DataFrame(
        [
            (method, condition, metric, False, ua, 0.676, ua - 0.676, ua - 0.676 - 0.005, ua - 0.676 + 0.005, 0.01)
            for method, (ua, _) in METHODS.items()
            for condition in CONDITIONS
            for metric in ("UA", "WA", "F1")
        ],
        columns=["method", "condition", "metric", "crossed", "mean", "speech", "difference", "low", "high", "p_holm"],
    )


@pytest.fixture(scope="module")
def front():
    return pd.DataFrame(
        [
            (method, fold, condition, point, 0.65 + 0.02 * index + 0.01 * point, 0.05 * point * (index + 1) * reach)
            for method, reach in (("cascade", 20 / 9), ("pareto", 1))
            for index, fold in enumerate(FOLDS)
            for condition in CONDITIONS
            for point in range(4)
        ],
        columns=list(contracts.FRONT.columns),
    )


PARAMETERS = {"folds": {fold: {"thresholds": THRESHOLDS} for fold in FOLDS}}


def make_corpus(speakers, conditions=2, utterances=40):
    """The `utterances` and `recordings` tables of a corpus with long names."""
    random = np.random.default_rng(speakers)
    count = speakers * utterances
    labels = pd.DataFrame(
        {
            "utterance": [f"u{number}" for number in range(count)],
            "corpus": "a_corpus_whose_name_is_long",
            "speaker": [f"MSP-PODCAST_speaker_{number % speakers:04d}" for number in range(count)],
            "session": "1",
            "condition": [f"a_condition_with_long_name_{number % conditions:02d}" for number in range(count)],
            "emotion": random.choice(EMOTIONS, count),
        }
    )
    return labels, labels[["utterance"]].assign(duration=random.lognormal(1, 0.5, count))


def draw_corpus(speakers, conditions=2, is_heard=True):
    labels, recordings = make_corpus(speakers, conditions)
    recordings = recordings if is_heard else None
    return corpus(summarise(labels, recordings), recordings)


CORPORA = ["iemocap", "msp_improv", "msp_podcast"]


@pytest.fixture(scope="module")
def crossed():
    """Three corpora, each way; the last has no experiment within it."""
    rows = []
    for target, train in itertools.product(CORPORA, CORPORA):
        within = float("nan") if target == CORPORA[-1] else 0.0
        for method, (ua, _) in METHODS.items() if (target, train) != (CORPORA[-1],) * 2 else ():
            drop = float("nan") if target == train else within - 0.1
            names = (target, train, f"{train}_to_{target}", method, "all")
            rows.append((*names, ua - 0.1 * (target != train), ua + within, drop, drop - 0.04, drop + 0.03, 7798))
    return pd.DataFrame(rows, columns=list(contracts.ACROSS.columns))


@pytest.fixture(scope="module")
def shifted():
    """Three source folds, two methods with thresholds."""
    rows = []
    for number, (fold, split) in enumerate(itertools.product(FOLDS, ("validation", "test"))):
        rows += [("speech", fold, split, "all", name, q, q) for name in ("entropy", "varentropy") for q in (0, 0.5, 1)]
        rows += [("speech", fold, split, emotion, "proportion", np.nan, 0.25) for emotion in EMOTIONS]
        rows += [("speech", fold, split, "all", name, np.nan, 0.05 * number) for name in ("ECE before", "ECE after")]
        rows += [
            (method, fold, split, "all", "UA", np.nan, 0.6 + 0.01 * number) for method in ("speech", METHOD, "paper")
        ]
        for method in (METHOD, "paper"):
            rows.append((method, fold, split, "all", "selected", np.nan, 0.1 * number))
            rows += [(method, fold, split, "sad", name, 0.1 * number, 0.5) for name in ("entropy", "varentropy")]
    return pd.DataFrame(rows, columns=list(contracts.SHIFT.columns))


@pytest.fixture(scope="module")
def pictures(fused, metrics, comparison, front, crossed, shifted):
    return {
        "plane": lambda: plane(METHOD, fused, PARAMETERS),
        "confusion": lambda: confusion(METHOD, fused),
        "changes": lambda: changes(METHOD, fused),
        "ua_by_fold": lambda: ua_by_fold(METHOD, metrics),
        "uncertainty": lambda: uncertainty(fused),
        "leaderboard": lambda: leaderboard(comparison, metrics, ["oracle"], 0.9),
        "pareto": lambda: pareto(front, metrics, ["oracle"]),
        "corpus": lambda: draw_corpus(12),
        "corpus, many speakers and conditions": lambda: draw_corpus(1000, conditions=30),
        "corpus, no audio": lambda: draw_corpus(2, conditions=1, is_heard=False),
        "across": lambda: across(crossed, ["oracle"], 0.9),
        "shift": lambda: shift(shifted),
        "adaptation": lambda: adaptation(ADAPTED, 0.9),
    }


ADAPTED = pd.DataFrame(
    [
        (name, method, k, condition, ua + gain, ua, gain, gain - 0.01, gain + 0.01, selected, 5)
        for method, (ua, selected) in METHODS.items()
        for name, k, gain in (("prior", 0, -0.03), ("share", 0, 0.0), *(("speakers", k, 0.01 * k) for k in (1, 2, 4)))
        for condition in CONDITIONS
    ],
    columns=list(contracts.ADAPTATION.columns),
)
VARIANTS = ["corpus, many speakers and conditions", "corpus, no audio"]
NAMES = [*OF_METHOD, *OF_EXPERIMENT, *OF_CROSS, *OF_STUDY, *OF_CORPUS, *OF_ADAPTATION, *VARIANTS]


def test_all_pictures_are_drawn_under_their_names(fused, metrics, comparison, front):
    assert of_method(METHOD, fused, PARAMETERS, metrics).keys() == OF_METHOD.keys()
    drawn = of_experiment(fused, metrics, comparison, front, ceilings=["oracle"], confidence=0.95)
    assert drawn.keys() == OF_EXPERIMENT.keys()


def test_who_asks_for_the_names_alone_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import emofuse.figures; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["emofuse", "emofuse.figures"]


def words(figure):
    """Everything that is written in a figure, tick labels of numbers apart."""
    texts = [*figure.texts, figure._suptitle, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label]
    return [text for text in texts if text is not None and text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off_and_nothing_overlaps(pictures, name):
    check_layout(pictures[name]())


def check_layout(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = {text: Text.get_window_extent(text) for text in words(figure)}
    for text, box in boxes.items():
        assert figure.bbox.padded(1).contains(box.x0, box.y0), text
        assert figure.bbox.padded(1).contains(box.x1, box.y1), text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_tables_give_the_same_bytes(pictures, name, tmp_path):
    for path in ("a.png", "b.png"):
        save(pictures[name](), tmp_path / path)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    with Image.open(tmp_path / "a.png") as image:
        assert image.width >= 900
        assert not image.info.keys() & {"Software", "Creation Time"}


def test_adaptations_have_a_panel_each_and_labelled_ones_a_curve_per_method(pictures):
    figure = pictures["adaptation"]()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["prior", "share", "speakers", *METHODS]
    assert figure._suptitle.get_text() == "Better than no adaptation for some method: 1 of 3 adaptations"
    curve = figure.axes[titles.index("mean")].lines
    assert list(curve[0].get_ydata()) == [METHODS["mean"][0]] * 3  # without adaptation
    np.testing.assert_allclose(curve[1].get_ydata(), METHODS["mean"][0] + np.array([0.01, 0.02, 0.04]))
    unlabelled = adaptation(ADAPTED[ADAPTED["k"] == 0], 0.9)
    assert [axes.get_title() for axes in unlabelled.axes] == ["prior", "share"]


@given(hnp.arrays(float, 4, elements=st.floats(1e-6, 1)))
def test_every_distribution_lies_within_the_outline(weight):
    probability = weight / weight.sum()
    h, v = attainable(4)
    turn = h.argmax()  # up to here the upper side, from here on the lower one, back to certainty
    hair = 5e-3  # the outline is made of short straight pieces
    assert varentropy(probability) <= np.interp(entropy(probability), h[: turn + 1], v[: turn + 1]) + hair
    assert varentropy(probability) >= np.interp(entropy(probability), h[turn:][::-1], v[turn:][::-1]) - hair


def test_the_plane_draws_every_utterance_once_and_says_what_changed(pictures, fused, outcome):
    figure = pictures["plane"]()
    points = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in points) == len(fused)
    assert f"{outcome['corrected']} corrected, {outcome['spoilt']} spoilt" in figure._suptitle.get_text()


def test_of_very_many_utterances_the_plane_draws_a_sample_and_counts_all(fused):
    many = pd.concat([fused] * (MOST // len(fused) + 1), ignore_index=True)
    figure = plane(METHOD, many, PARAMETERS)
    points = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in points) == MOST < len(many)
    title = figure.get_suptitle()
    assert f"of {len(many)} selected" in title and title.endswith(f"a sample of {MOST} is drawn")


def test_the_plane_draws_thresholds_where_there_are_some(pictures, fused):
    regions = {e: len(a.patches) for e, a in zip(EMOTIONS, pictures["plane"]().axes, strict=True)}
    assert regions == {"angry": 1, "happy": 0, "neutral": 0, "sad": 1}
    without = plane("bayes", fused, {"folds": {fold: {} for fold in FOLDS}})
    assert not any(axes.patches for axes in without.axes)
    assert "selected (median over folds)" not in [text.get_text() for text in without.legends[0].get_texts()]


def test_the_median_threshold_is_of_the_folds(fused):
    low = [{"angry": {"entropy": bound, "varentropy": 0.5}} for bound in (0.2, 0.3, 0.9)]
    parameters = {"folds": {fold: {"thresholds": t} for fold, t in zip(FOLDS, low, strict=True)}}
    (region,) = plane(METHOD, fused, parameters).axes[0].patches
    assert (region.get_x(), region.get_height()) == (0.3, 0.5)


def test_one_fold_has_no_median(fused, metrics):
    one = plane(METHOD, fused, {"folds": {"S": {"thresholds": THRESHOLDS}}})
    said = [text.get_text() for text in one.legends[0].get_texts()]
    assert "selected" in said
    assert not any("fold" in text for text in said)
    alone = ua_by_fold("product", metrics[metrics["fold"] == FOLDS[0]])
    assert alone._suptitle.get_text() == "product: UA +0.008 against speech alone"
    assert [label.get_text() for label in alone.axes[0].get_yticklabels()] == FOLDS[:1]


def test_confusion_shows_counts_and_how_they_changed(pictures, fused):
    before, after = pictures["confusion"]().axes[:2]
    angry_before = ((fused["emotion"] == "angry") & (fused["speech"] == "angry")).sum()
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


def test_a_method_that_changes_nothing_is_drawn_too(fused, metrics):
    itself = fused.assign(predicted=fused["speech"])
    assert "0 corrected, 0 spoilt" in changes("speech", itself)._suptitle.get_text()
    assert "rises in 0 of 3 folds" in ua_by_fold("speech", metrics)._suptitle.get_text()


def test_the_leaderboard_counts_neither_ceilings_nor_speech_and_leaves_far_methods_at_the_edge(pictures):
    figure = pictures["leaderboard"]()
    # bayes, product, mean, stacking_text: their intervals (± 0.005) lie above zero
    assert figure._suptitle.get_text() == "Better than speech alone: 4 of 10 methods"
    assert figure.axes[0].get_xlim()[0] > METHODS["sentiment"][0]


def test_the_leaderboard_has_a_panel_per_condition(pictures):
    titles = [axes.get_title() for axes in pictures["leaderboard"]().axes]
    named = ["natural interaction", "other improvised", "target improvised", "target read"]
    assert titles == ["all utterances", *named]


def test_the_leaderboard_stands_in_the_boards_order_from_the_top(pictures, comparison, metrics):
    axes = pictures["leaderboard"]().axes[0]
    assert axes.yaxis_inverted()
    order = [name for name in board(comparison, metrics, "all", ["oracle"])["method"] if name != "speech"]
    assert (order[0], order[-1]) == ("stacking_text", "oracle")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [*order[:-1], "oracle (ceiling)"]


def test_the_leaderboard_says_the_intervals_confidence(pictures):
    labels = {axes.get_xlabel() for axes in pictures["leaderboard"]().axes} - {""}
    assert labels == {"UA, mean over folds\n(bar: 90% interval of the difference, over speakers)"}


def test_the_leaderboard_across_corpora_shows_the_spread_over_source_folds(comparison, metrics):
    figure = leaderboard(comparison.assign(crossed=True), metrics, ["oracle"], 0.95)
    check_layout(figure)
    assert "over speakers and source folds)" in figure.axes[-1].get_xlabel()
    spread = next(line for line in figure.axes[0].lines if line.get_linewidth() == 8)
    assert spread.get_xdata() == pytest.approx([METHODS["stacking_text"][0] - 0.02, METHODS["stacking_text"][0] + 0.02])


def test_a_leaderboard_without_intervals_claims_nothing(comparison, metrics):
    figure = leaderboard(comparison.assign(low=np.nan, high=np.nan), metrics, [], 0.95)
    assert figure._suptitle.get_text() == "Better than speech alone: 0 of 11 methods"


def test_a_study_of_the_voice_alone_has_its_pictures_too(comparison, metrics, front):
    comparison, metrics = (table[table["method"] == "speech"] for table in (comparison, metrics))
    assert leaderboard(comparison, metrics, [], 0.95)._suptitle.get_text().endswith("0 of 0 methods")
    assert pareto(front.iloc[:0], metrics, [])


def test_a_front_is_the_mean_over_folds(pictures, front):
    overall = front[(front["condition"] == "all") & (front["method"] == "pareto")]
    curve = pictures["pareto"]().axes[0].lines[1]
    assert curve.get_ydata()[0] == pytest.approx(overall[overall["point"] == 0]["UA"].mean())
    # Beyond the end of a fold's front its last value holds.
    assert curve.get_ydata()[-1] == pytest.approx(overall[overall["point"] == 3]["UA"].mean())
    assert curve.get_xdata()[-1] == overall["selected"].max()


def test_all_utterances_and_the_first_conditions_have_a_panel_each(metrics, front):
    names = ["all utterances", "natural interaction", "other improvised", "target improvised"]
    lower = metrics["value"].where(metrics["condition"] != "other_improvised", metrics["value"] / 2)
    panels = pareto(front, metrics.assign(value=lower), ["oracle"]).axes
    assert [axes.get_title() for axes in panels] == [f"UA, {name}" for name in names]
    assert ["stacking_text 0.390" in {text.get_text() for text in axes.texts} for axes in panels] == [
        name == "other improvised" for name in names
    ]
    # A corpus without conditions.
    assert len(pareto(front, metrics[metrics["condition"] == "all"], []).axes) == 1


def test_labels_stand_on_the_side_of_their_methods(pictures):
    for axes in pictures["pareto"]().axes:
        left = {text.get_text().split()[0] for text in axes.texts if text.get_position()[0] < 0}
        assert left == {method for method, (_, selected) in METHODS.items() if selected < 0.5}


def test_without_a_front_the_methods_stand_alone(metrics, front):
    for axes in pareto(front.iloc[:0], metrics, ["oracle"]).axes:
        assert sum(line.get_marker() in "Dv^" for line in axes.lines) == len(METHODS)


@given(hnp.arrays(float, st.integers(0, 8), elements=st.floats(-10, 10)).map(np.sort), st.floats(0.01, 3))
def test_spread_labels_keep_their_order_and_distance(values, gap):
    places = spread(values, gap)
    assert len(places) == len(values)
    assert (np.diff(places) >= gap - 1e-6).all()
    if (np.diff(values) >= gap).all():
        np.testing.assert_allclose(places, values)


def test_each_of_a_few_speakers_has_a_bar_and_many_are_a_distribution():
    bars, panels = draw_corpus(SPEAKERS), draw_corpus(SPEAKERS + 1)
    assert [len(figure.axes) for figure in (bars, panels)] == [3, 4]
    speakers = bars.axes[2]
    assert len(speakers.get_xticklabels()) == SPEAKERS
    assert sum(bar.get_height() for bar in speakers.patches) == SPEAKERS * 40
    assert sum(bar.get_height() for bar in panels.axes[2].patches) == SPEAKERS + 1
    assert [label.get_text() for label in panels.axes[3].get_xticklabels()] == list(EMOTIONS)


def test_emotions_of_a_condition_are_shares_and_only_the_largest_conditions_are_drawn(pictures):
    axes = pictures["corpus, many speakers and conditions"]().axes[0]
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(len(EMOTIONS), -1)
    np.testing.assert_allclose(widths.sum(axis=0), 1)
    assert widths.shape[1] == 1 + 10
    assert "10 of 30 conditions" in axes.get_xlabel()


def test_the_histogram_of_durations_holds_every_utterance(pictures):
    assert sum(bar.get_height() for bar in pictures["corpus"]().axes[1].patches) == 12 * 40
    assert len(pictures["corpus, no audio"]().axes) == 2


def test_across_has_a_panel_per_test_corpus_with_every_ua_and_drop(pictures):
    figure = pictures["across"]()
    assert figure._suptitle.get_text() == "Within against across: UA changes by −0.100 to −0.100"
    titles = [f"tested on {corpus}: 7798 utterances" for corpus in CORPORA]
    assert [axes.get_title() for axes in figure.axes] == titles
    first, _, last = figure.axes
    assert [text.get_text() for text in first.texts[:2]] == ["0.680 (−0.100)"] * 2  # stacking_text, from two corpora
    assert {text.get_text() for text in last.texts} == {f"{ua - 0.1:.3f}" for ua, _ in METHODS.values()}
    assert [label.get_text() for label in first.get_yticklabels()][-1] == "oracle (ceiling)"
    marks = [text.get_text() for text in figure.legends[0].get_texts()]
    assert marks[0] == "trained within the test corpus" and set(marks[1:]) == {f"trained on {name}" for name in CORPORA}


def test_the_shift_of_a_study_without_thresholds_is_that_of_the_voice(shifted):
    voice = shifted[shifted["method"] == "speech"]
    assert len(shift(voice).axes) == 4
    assert len(shift(shifted).axes) == 7
