"""The report holds everything, says what the tables say, and takes no ceiling for a method."""

import html
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from emofuse import contracts, tables
from emofuse.report import FIGURES, METHOD_FIGURES, best, leaderboard, report, search, word_errors

TEMPLATE = Path(__file__).parents[1] / "workflow" / "report" / "report.html.j2"
METHODS = {"speech": 0.60, "paper": 0.61, "bayes_text": 0.70, "oracle": 0.80}
FOLDS = ["Ses01F", "Ses01M"]


@pytest.fixture
def experiment(tmp_path):
    folder = tmp_path / "iemocap"
    conditions = {"all": 0.0, "improvised": 0.05}
    metrics = pd.DataFrame(
        [
            (method, fold, condition, metric, value)
            for method, ua in METHODS.items()
            for fold in FOLDS
            for condition, more in conditions.items()
            for metric, value in {"UA": ua + more, "WA": 0.5, "F1": 0.5, "selected": 0.25}.items()
        ],
        columns=["method", "fold", "condition", "metric", "value"],
    )
    comparison = pd.DataFrame(
        [
            (method, condition, "UA", ua + more, 0.6 + more, ua - 0.6, ua - 0.62, ua - 0.58, 0.0004)
            for method, ua in METHODS.items()
            for condition, more in conditions.items()
        ],
        columns=["method", "condition", "metric", "mean", "speech", "difference", "low", "high", "p"],
    )
    tables.write(metrics, contracts.METRICS, folder / "metrics.parquet")
    tables.write(comparison, contracts.COMPARISON, folder / "comparison.parquet")
    for method in METHODS:
        found = {"thresholds": {}, "objective": "WA", "value": 0.65, "exact": 0.66}
        parameters = {
            "method": method,
            "estimator": method,
            "fit_on": ["validation"],
            "parameters": {"trials": 50},
            "folds": {fold: found if method == "paper" else {} for fold in FOLDS},
        }
        tables.write_json(parameters, folder / "fusion" / method / "parameters.json")
    for name in [*FIGURES, *(f"{method}/{name}" for method in METHODS for name in METHOD_FIGURES)]:
        path = folder / "figures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(path)
    return folder


def build(experiment, **changes):
    settings = {
        "study": "released",
        "experiments": {experiment: {"protocol": "leave one speaker out"}},
        "config": {"study": "released", "methods": {"paper": {"fit_on": ["train", "validation"]}}},
        "template": TEMPLATE,
        "ceilings": ["oracle"],
        "notes": ["A note <on> the data."],
    } | changes
    return report(**settings)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_needs_nothing_from_outside(experiment):
    page = Page(build(experiment))
    links = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert links
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not page.all("script") and not page.all("link")


def test_every_picture_is_there_with_a_caption_and_a_text_for_those_who_cannot_see_it(experiment):
    page = Page(build(experiment))
    # speech has no pictures of its own: it is what the others are compared with
    count = len(FIGURES) + len(METHOD_FIGURES) * (len(METHODS) - 1)
    assert len(page.all("img")) == len(page.all("figcaption")) == count
    assert len({image["alt"] for image in page.all("img")}) == count


def test_the_same_input_gives_the_same_page(experiment):
    assert build(experiment) == build(experiment)


def test_the_best_method_is_no_ceiling(experiment):
    words = Page(build(experiment)).words
    assert (
        "Best of 2 methods: bayes_text reaches a UA of 0.700 against 0.600 for speech alone: +0.100, "
        "95% interval +0.080 to +0.120; McNemar's p < 0.001. It needs the words of 25% of the utterances. "
        "On the improvised utterances alone it reaches a UA of 0.750 against 0.650"
    ) in words
    assert "oracle (a ceiling, not a method)" in words
    assert "oracle looks at the test labels" in words


def test_an_interval_with_zero_is_said_to_be_uncertain(experiment):
    comparison = tables.read(contracts.COMPARISON, experiment / "comparison.parquet")
    tables.write(comparison.assign(low=-0.01), contracts.COMPARISON, experiment / "comparison.parquet")
    assert "so the difference is not certain" in Page(build(experiment)).words


def test_a_study_of_speech_alone_has_no_best_method(experiment):
    for contract in (contracts.METRICS, contracts.COMPARISON):
        path = experiment / f"{contract().name}.parquet"
        table = tables.read(contract, path)
        tables.write(table[table["method"] == "speech"], contract, path)
    assert "Best of" not in Page(build(experiment)).words


def test_folds_facts_config_and_notes_are_told(experiment):
    words = Page(build(experiment)).words
    assert "2: Ses01F, Ses01M" in words
    assert "leave one speaker out" in words
    assert "fit_on: - train - validation" in words
    assert "A note <on> the data." in words


def test_names_cannot_break_the_page(experiment):
    text = build(experiment, study="<script>alert(1)</script>")
    assert "<script>" not in text
    assert html.escape("<script>alert(1)</script>") in text


def test_a_missing_table_is_named(experiment):
    (experiment / "metrics.parquet").unlink()
    with pytest.raises(tables.InputError, match=r"metrics\.parquet: no such file"):
        build(experiment)


def test_the_leaderboard_puts_ceilings_last_and_compares_speech_with_nothing(experiment):
    metrics = tables.read(contracts.METRICS, experiment / "metrics.parquet")
    comparison = tables.read(contracts.COMPARISON, experiment / "comparison.parquet")
    board = leaderboard(metrics, comparison, "all", ["oracle"])
    assert [row["method"] for row in board] == ["bayes_text", "paper", "speech", "oracle"]
    assert np.isnan(board[2]["difference"])
    assert best({"all": board})["all"]["method"] == "bayes_text"


def test_search_says_how_far_it_stayed_from_the_optimum():
    folds = {"a": {"objective": "WA", "value": 0.70, "exact": 0.72}, "b": {"value": 0.80, "exact": 0.80}}
    found = search({"method": "entropy", "folds": folds})
    assert found["objective"] == "WA"
    assert (found["value"], found["exact"]) == pytest.approx((0.75, 0.76))
    assert (found["gap"], found["reached"], found["folds"]) == (pytest.approx(0.02), 1, 2)


def test_a_method_without_search_has_no_row():
    assert search({"method": "bayes", "folds": {"a": {"likelihood": []}, "b": {"value": 0.7, "exact": None}}}) is None


def test_word_errors_are_said_in_a_sentence():
    rows = [("all", "all", 200, 0.25), ("improvised", "all", 120, 0.3), ("scripted", "all", 80, 0.175)]
    rates = pd.DataFrame(rows, columns=["condition", "emotion", "words", "WER"]).assign(corpus="c")
    said = word_errors(rates)
    assert said == "Word error rate of the transcripts of c: 25.0% of 200 words, improvised 30.0%, scripted 17.5%."
    assert "no reference transcripts" in word_errors(rates.iloc[:0])
