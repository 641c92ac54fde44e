"""The leaderboard says to a person what the tables say, in one order everywhere."""

import numpy as np
import pandas as pd
import pytest
from helpers import alone, by_fold, make_predictions

from emofuse.evaluation.choice import choose
from emofuse.evaluation.leaderboard import board, conditions, leaderboard
from emofuse.evaluation.metrics import metrics_of
from emofuse.evaluation.statistics import comparison_of
from emofuse.evaluation.wording import about_choice, about_statistics

CEILINGS = ["oracle"]


def tables_of(table, confidence=0.95):
    predictions = {
        "speech": alone(table),
        "worse": make_predictions(2, folds=table["fold"].nunique()),
        "right": table.assign(predicted=table["emotion"]),
        "oracle": table.assign(predicted=table["emotion"]),
    }
    predictions = {method: by_fold(rows) for method, rows in predictions.items()}
    comparison = comparison_of(predictions, CEILINGS, confidence=confidence, resamples=200, seed=0)
    return comparison, metrics_of(predictions)


@pytest.fixture(scope="module")
def choices():
    """S1 and S3 choose the method that is right there, S0 and S2 the first of two that say the same."""
    inner = make_predictions(2)
    right = inner["emotion"].where(inner["fold"].isin(["S1", "S3"]), inner["predicted"])
    return choose({"worse": by_fold(inner), "right": by_fold(inner.assign(predicted=right))})


@pytest.fixture(scope="module")
def tables():
    return tables_of(make_predictions(1))


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def test_the_best_method_is_first_and_a_ceiling_last_in_every_condition(tables):
    for condition in conditions(tables[0]):
        shown = board(*tables, condition, CEILINGS)
        assert shown["method"].tolist() == ["right", "speech", "worse", "oracle"]
        assert shown["ceiling"].tolist() == [False, False, False, True]
    assert board(*tables, "all", [])["method"].tolist() == ["oracle", "right", "speech", "worse"]  # equals by name


def test_the_board_holds_what_the_tables_hold(tables):
    comparison, metrics = tables
    shown = board(comparison, metrics, "improvised", CEILINGS).set_index("method").loc["worse"]
    source = comparison[(comparison["method"] == "worse") & (comparison["condition"] == "improvised")]
    source = source.set_index("metric")
    for metric in ("UA", "WA", "F1"):
        assert shown[metric] == source.loc[metric, "mean"]
    for name in ("difference", "low", "high"):
        assert shown[name] == source.loc["UA", name]
    assert (shown["speech_UA"], shown["speech_WA"]) == (source.loc["UA", "speech"], source.loc["WA", "speech"])
    assert shown["p"] == source.loc["WA", "p_holm"] >= source.loc["WA", "p"]
    of = metrics[(metrics["method"] == "worse") & (metrics["condition"] == "improvised")]
    ua = of.loc[of["metric"] == "UA", "value"]
    assert (shown["least"], shown["most"]) == (ua.min(), ua.max())
    assert shown["selected"] == pytest.approx(of.loc[of["metric"] == "selected", "value"].mean())


def test_the_voice_alone_is_compared_with_nothing(tables):
    shown = board(*tables, "all", CEILINGS).set_index("method").loc["speech"]
    assert np.isnan([shown[name] for name in ("difference", "low", "high", "p")]).all()


def test_markdown_has_a_table_per_condition_in_the_boards_order(tables, choices):
    text = leaderboard(*tables, choices, CEILINGS, 0.95, "study / experiment")
    assert text.startswith("# study / experiment\n\nMeans over 4 folds (S0, S1, S2, S3).")
    assert text.index("](figures/pareto.png)") < text.index("## all utterances")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## all utterances", "## improvised", "## scripted"]
    head, *body = rows(text)
    assert head == [
        "method",
        "UA",
        "UA − speech",
        "95% interval",
        "WA",
        "McNemar's p (WA), corrected",
        "F1",
        "selected",
    ]
    assert [row[0] for row in body[:4]] == ["right", "speech", "worse", "oracle (ceiling: sees the labels)"]
    shown = board(*tables, "all", CEILINGS).set_index("method").loc["worse"]
    assert body[2][1] == f"{shown['UA']:.4f}"
    assert body[2][2] == f"−{-shown['difference']:.4f}"
    assert body[1][2:4] == ["", ""]  # speech


def test_the_interval_is_called_by_its_own_confidence(choices):
    table = make_predictions(1)
    text = leaderboard(*tables_of(table, 0.9), choices, CEILINGS, 0.9, "title")
    assert "| 90% interval |" in text
    assert "95" not in rows(text)[0][3]
    assert "| 99.5% interval |" in leaderboard(*tables_of(table, 0.995), choices, CEILINGS, 0.995, "title")


def test_one_fold_is_one_and_one_speaker_has_no_interval(choices):
    table = make_predictions(1, folds=1)
    text = leaderboard(*tables_of(table), choices, CEILINGS, 0.95, "title")
    assert "Mean over the fold S0." in text
    assert "nan" not in text
    assert all(row[3] == "" for row in rows(text)[1:5])


def test_what_the_validation_rows_choose_is_said_above_the_tables(tables, choices):
    text = leaderboard(*tables, choices, CEILINGS, 0.95, "title")
    assert "(dialogs kept whole): worse in 2 of 4 folds, right in 2.\n" in text
    assert "The 95% interval is over speakers. p is of McNemar's exact test" in text


def test_the_whole_leaderboard_is_that_of_tables_made_by_hand():
    """Two conditions, in the second of which one method's interval is missing."""
    of_method = {"a*b": (0.5, 0.125), "speech": (0.25, np.nan), "oracle": (1.0, np.nan)}
    comparison = pd.DataFrame(
        {"method": method, "condition": condition, "metric": metric, "crossed": False, "mean": ua, "speech": 0.25}
        | {
            "difference": ua - 0.25,
            "low": low - 0.5,
            "high": low,
            "p": 0.5,
            "p_holm": low if metric == "WA" else np.nan,
        }
        for condition in ("all", "target_read")
        for method, (ua, known) in of_method.items()
        for low in [known if condition == "all" else np.nan]
        for metric in ("UA", "WA", "F1")
    )
    metrics = pd.DataFrame(
        {"method": method, "fold": fold, "condition": condition, "metric": metric, "value": value}
        for condition in ("all", "target_read")
        for method in of_method
        for metric in ("UA", "selected")
        for fold, value in (("f1", 0.125), ("f_2", 0.25))
    )
    choices = pd.DataFrame({"fold": ["f1", "f_2"], "method": ["a*b", "a*b"], "chosen": [True, True]})
    head = [
        "| method | UA | UA − speech | 90% interval | WA | McNemar's p (WA), corrected | F1 | selected |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rest = [
        "| speech | 0.2500 |  |  | 0.2500 |  | 0.2500 | 18.8% |",
        "| oracle (ceiling: sees the labels) | 1.0000 | +0.7500 |  | 1.0000 |  | 1.0000 | 18.8% |",
        "",
    ]
    assert leaderboard(comparison, metrics, choices, CEILINGS, 0.9, "s / e*").split("\n") == [
        "# s / e\\*",
        "",
        "Means over 2 folds (f1, f_2).",
        about_statistics(0.9, False),
        about_choice("chosen", {"a\\*b": 2}),
        "",
        "![UA against the share of utterances whose words are needed](figures/pareto.png)",
        "",
        "## all utterances",
        "",
        *head,
        "| a\\*b | 0.5000 | +0.2500 | −0.3750 … +0.1250 | 0.5000 | 0.125 | 0.5000 | 18.8% |",
        *rest,
        "## target read",
        "",
        *head,
        "| a\\*b | 0.5000 | +0.2500 |  | 0.5000 |  | 0.5000 | 18.8% |",
        *rest,
    ]


def test_source_folds_show_their_spread_and_say_what_is_drawn(choices):
    first = make_predictions(1)
    folds = [make_predictions(seed).assign(fold=f"Ses{seed}", utterance=first["utterance"]) for seed in (1, 2)]
    predictions = {"speech": [alone(fold) for fold in folds], "m": folds}
    comparison = comparison_of(predictions, [], confidence=0.95, resamples=100, seed=0)
    metrics = metrics_of(predictions)
    text = leaderboard(comparison, metrics, choices, [], 0.95, "title")
    assert "Means over 2 source folds (Ses1, Ses2), which test the same utterances." in text
    assert "The 95% interval is over speakers and source folds. p is twice the median over source folds" in text
    head, *body = rows(text)
    line = next(dict(zip(head, row, strict=True)) for row in body if row[0] == "m")
    of = metrics[(metrics["method"] == "m") & (metrics["metric"] == "UA") & (metrics["condition"] == "all")]["value"]
    assert line["UA over source folds"] == f"{of.min():.3f} … {of.max():.3f}"
