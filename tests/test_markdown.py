"""Names and notes from data are shown as they are, wherever Markdown is written."""

import pandas as pd
import pytest
from helpers import alone, by_fold, make_predictions
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from emofuse.evaluation.choice import choose
from emofuse.evaluation.leaderboard import leaderboard
from emofuse.evaluation.metrics import metrics_of
from emofuse.evaluation.statistics import comparison_of
from emofuse.markdown import code, in_markdown
from emofuse.model.card import card
from emofuse.tracking.content import describe

ODD = [
    "a|b",
    "<b>x</b>",
    "*x*",
    "_x_",
    "__x__",
    "`x`",
    "``",
    "a\nb",
    "[x](y)",
    "![x](y)",
    "&amp;",
    "~~x~~",
    "x #",
    "\\|",
    "\\",
]


def shown(text):
    """The texts that a reader sees, line by line and cell by cell; all but text, bold and code is a fault."""
    plain = {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
    seen = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if token.type == "inline":
            assert {child.type for child in token.children} <= plain
            seen += "".join(child.content or "\n" * (child.type == "softbreak") for child in token.children).split("\n")
    return seen


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_shown_as_it_is_in_a_heading_a_sentence_and_a_cell(name):
    page = (
        f"# of {in_markdown(name)}\n\nof {in_markdown(name)} and\n\n| a | b |\n|---|---|\n| {in_markdown(name)} | 1 |\n"
    )
    plain = " ".join(name.split())
    assert shown(page) == [f"of {plain}", f"of {plain} and", "a", "b", plain, "1"]
    assert shown(f"of {code(name)}.") == [f"of {plain}."]


@given(st.text(st.sampled_from("|<>*_`[]()&#~!\\ab1 \n"), min_size=1).filter(str.strip))
def test_any_name_is_shown_as_it_is(name):
    plain = " ".join(name.split())
    assert shown(f"x{in_markdown(name)}x") == [f"x{plain}x"]
    assert shown(f"x {code(name)} x") == [f"x {plain} x"]


NAME = "a|<b>*c*_d_`e`\n# [f](g)"
"""What a corpus, a speaker, a condition, a method, a note may be called."""

PLAIN = " ".join(NAME.split())


@pytest.fixture(scope="module")
def results():
    """Predictions of the voice and of a method, in an oddly named condition and fold."""
    table = make_predictions(1).replace({"fold": {"S0": NAME}, "condition": {"scripted": NAME}})
    of_methods = {"speech": by_fold(alone(table)), NAME: by_fold(table)}
    comparison = comparison_of(of_methods, [], confidence=0.95, resamples=100, seed=0)
    return table, comparison, metrics_of(of_methods)


def test_the_leaderboard_shows_names_as_they_are(results):
    table, comparison, metrics = results
    page = leaderboard(comparison, metrics, choose({NAME: by_fold(table)}), [], 0.95, f"study / {NAME}")
    said = shown(page.replace("](figures/pareto.png)", "\\]"))  # the page's own picture
    assert said[0] == f"study / {PLAIN}"
    assert f"({', '.join(sorted(['S1', 'S2', 'S3', NAME])).replace(NAME, PLAIN)})" in said[1]
    assert any(f": {PLAIN} in 4 of 4 folds" in line for line in said)
    assert f"{PLAIN.replace('_', ' ')}" in said  # a condition as words
    assert said.count(PLAIN) == 3  # a row per condition


def test_the_card_of_a_model_shows_names_as_they_are(results):
    table, comparison, metrics = results
    trained = pd.DataFrame({"fold": [NAME], "split": ["train"], "corpus": [NAME], "speaker": [NAME]})
    recipe = {
        **dict.fromkeys(("study", "experiment", "method", "summary", "note"), NAME),
        **{"described": [("protocol", NAME)], "folds": [NAME], "training": "all", "is_cross": False},
        **{"confidence": 0.95, "resamples": 100, "seed": [0, NAME]},
        **{"transcripts": {"language": NAME}, "notes": [NAME]},
    }
    checkpoint = {"checkpoint": {"path": NAME}}
    described = {"members": [NAME, "S1"], "text_experts": [("encoder", checkpoint)]}
    described |= dict.fromkeys(("speech", "transcripts", "sentiment"), checkpoint)
    said = shown(card(recipe, described, table, comparison, metrics, trained))
    assert said[0] == " / ".join([PLAIN] * 3)
    assert said.count(PLAIN) == 2 + 4 + 1 + 1  # a member and its corpus, checkpoints, the note by itself and as a limit
    assert f"protocol: {PLAIN}" in said and PLAIN.replace("_", " ") in said


def test_a_run_in_mlflow_shows_names_as_they_are():
    tags = dict.fromkeys(("method", "study", "experiment", "train", "test"), NAME) | {"protocol": "cross_corpus"}
    given = {"estimator": NAME, "fit_on": "", "parameters": {"search": NAME}}
    bold, estimator, study = shown(describe(tags, "emofuse.fusion.single:Speech", given))
    assert bold.startswith(f"{PLAIN}: ")
    assert estimator.startswith(f"Estimator {PLAIN} with ") and f" {PLAIN}, fitted on no rows." in estimator
    assert study == f"Study {PLAIN}, experiment {PLAIN}: trained on {PLAIN}, tested on {PLAIN}, cross corpus."
