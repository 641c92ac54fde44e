"""Within and across are compared on the same utterances, with the same folds and the same definition of UA."""

import numpy as np
import pandas as pd
import pytest
from helpers import alone, by_fold, make_predictions
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import contracts
from emofuse.accuracy import confusions
from emofuse.evaluation.across import Results, _drawn_mean, across, boards, count, leaderboard, mean_recall
from emofuse.evaluation.statistics import compare, mean_over_folds
from emofuse.tables import InputError, check

SETTINGS = {"confidence": 0.95, "resamples": 300, "seed": 0}
TRUE = ["angry", "angry", "angry", "sad"] * 2
SPEAKERS = ["anna"] * 4 + ["bert"] * 4
WITHIN = ["angry", "angry", "angry", "sad", "angry", "angry", "angry", "angry"]  # anna 1, bert (1 + 0) / 2: 0.75
ACROSS = {
    "Ses01": ["angry", "sad", "sad", "sad", "sad", "sad", "sad", "sad"],  # anna (1/3 + 1) / 2, bert (0 + 1) / 2: 7/12
    "Ses02": ["angry"] * 8,  # (1 + 0) / 2 each: 1/2
}


def said(predicted, fold, speakers=SPEAKERS, utterances=None):
    return pd.DataFrame(
        {
            "fold": fold,
            "utterance": [f"u{number}" for number in range(len(predicted))] if utterances is None else utterances,
            "speaker": speakers,
            "condition": ["acted", "natural"] * (len(predicted) // 2),
            "emotion": TRUE,
            "predicted": predicted,
        }
    )


def within(name="within"):
    return Results(name, "msp", {"speech": said(WITHIN, SPEAKERS)})


def crossing(name="cross", train="iemocap", predicted=ACROSS):
    return Results(name, train, {"speech": pd.concat([said(rows, fold) for fold, rows in predicted.items()])})


def row(table, experiment, condition="all", method="speech"):
    chosen = (table["experiment"] == experiment) & (table["condition"] == condition) & (table["method"] == method)
    return table[chosen].iloc[0]


def test_ua_and_drop_are_those_by_hand():
    table = check(across("msp", [crossing(), within()], **SETTINGS), contracts.ACROSS, "made")
    assert row(table, "within")["UA"] == row(table, "within")["within_UA"] == 0.75
    assert row(table, "within")[["drop", "low", "high"]].isna().all()
    crossed = row(table, "cross")
    assert crossed["UA"] == pytest.approx((7 / 12 + 1 / 2) / 2)
    assert crossed["drop"] == pytest.approx((7 / 12 + 1 / 2) / 2 - 0.75)
    assert crossed["low"] <= crossed["drop"] <= crossed["high"]
    assert (crossed["utterances"], crossed["train"], crossed["target"]) == (8, "iemocap", "msp")
    # natural: anna's and bert's second (angry) and fourth (sad); within anna 1, bert 1/2
    assert row(table, "within", "natural")["UA"] == 0.75
    assert row(table, "cross", "natural")["UA"] == pytest.approx(0.5)


def test_each_method_is_compared_with_itself_within():
    own = {"speech": said(WITHIN, SPEAKERS), "perfect": said(TRUE, SPEAKERS)}
    other = {"speech": said(TRUE, SPEAKERS), "perfect": said(TRUE, SPEAKERS)}
    table = across("msp", [Results("within", "msp", own), Results("cross", "iemocap", other)], **SETTINGS)
    for method, ua in {"speech": 0.75, "perfect": 1.0}.items():
        assert row(table, "cross", method=method)[["within_UA", "drop"]].tolist() == [ua, 1 - ua]


def test_without_an_experiment_within_each_speaker_is_a_fold_and_nothing_drops():
    table = check(across("msp", [crossing()], **SETTINGS), contracts.ACROSS, "made")
    assert row(table, "cross")["UA"] == pytest.approx((7 / 12 + 1 / 2) / 2)
    assert table[["within_UA", "drop", "low", "high"]].isna().all(axis=None)


def test_only_utterances_that_all_experiments_test_are_compared():
    fewer = Results("fewer", "msp", {"speech": said(WITHIN, SPEAKERS).iloc[:6]})
    table = across("msp", [fewer, crossing()], **SETTINGS)
    assert set(table.loc[table["condition"] == "all", "utterances"]) == {6}
    # bert has angry alone there, of which Ses01 hears none and Ses02 all
    assert row(table, "cross")["UA"] == pytest.approx(((2 / 3 + 0) / 2 + (1 / 2 + 1) / 2) / 2)


def test_experiments_without_a_common_utterance_are_named():
    other = Results("other", "crema", {"speech": said(WITHIN, "Ses01", utterances=list("abcdefgh"))})
    with pytest.raises(InputError, match="msp: the experiments within, other test no utterance that all of them test"):
        across("msp", [within(), other], **SETTINGS)


def test_within_is_what_the_experiments_own_comparison_says():
    method = make_predictions(1)
    tested = Results("within", "S", {"speech": alone(method), "m": method})
    table = across("S", [tested], **SETTINGS)
    own = compare(by_fold(method), "m", **SETTINGS)
    for condition in ("all", "improvised", "scripted"):
        mean = own[(own["condition"] == condition) & (own["metric"] == "UA")]["mean"].item()
        assert row(table, "within", condition, "m")["UA"] == pytest.approx(mean)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any), st.booleans())
def test_a_weighted_ua_is_that_of_the_statistics(weights, pairs):
    """Whether a target fold is one speaker or two."""
    table = make_predictions(3)
    table["fold"] = table["fold"].map({"S0": "a", "S1": "a", "S2": "b", "S3": "b"}) if pairs else table["fold"]
    units = table.set_index("utterance")[["fold", "speaker"]]
    drawn = {f"S{number}": np.array([float(weight)]) for number, weight in enumerate(weights)}
    ours = mean_recall(count(Results("e", "S", {"m": table}), units), drawn)
    theirs = mean_over_folds(
        confusions(table, "predicted", ["fold", "speaker"]), np.array([weights], dtype=float), "UA"
    )
    assert ours.item() == pytest.approx(theirs.item())


def test_an_experiment_is_at_no_distance_from_itself_and_source_folds_widen_an_interval():
    copies = {fold: WITHIN for fold in ("Ses01", "Ses02")}
    same = row(across("msp", [within(), crossing(predicted=copies)], **SETTINGS), "cross")
    assert same[["drop", "low", "high"]].tolist() == [0, 0, 0]
    # Each fold is equally right for every speaker: only the choice of folds moves the mean.
    folds = {"Ses01": TRUE, "Ses02": ["angry"] * 8}
    perfect = Results("within", "msp", {"speech": said(TRUE, SPEAKERS)})
    spread = row(across("msp", [perfect, crossing(predicted=folds)], **SETTINGS), "cross")
    assert spread[["drop", "low", "high"]].tolist() == [-0.25, -0.5, 0]


def test_boards_stand_in_one_order_with_ceilings_last():
    right = {"speech": said(WITHIN, SPEAKERS), "good": said(TRUE, SPEAKERS), "oracle": said(TRUE, SPEAKERS)}
    table = across("msp", [Results("within", "msp", right)], **SETTINGS)
    table = pd.concat([table, across("iemocap", [Results("b", "msp", right)], **SETTINGS)])
    made = boards(table, ["oracle"])
    assert [(board["target"], board["condition"], board["within"]) for board in made] == [
        (target, condition, name)
        for target, name in (("msp", "within"), ("iemocap", None))
        for condition in ("all", "acted", "natural")
    ]
    for board in made:
        assert [line["method"] for line in board["rows"]] == ["good", "speech", "oracle"]


def made_by_hand():
    """Two targets, one without an experiment within; one interval is missing."""
    nan = np.nan
    rows = [
        ("msp", "msp", "own", "b", "all", 0.5, 0.5, nan, nan, nan, 8),
        ("msp", "msp", "own", "a", "all", 0.75, 0.75, nan, nan, nan, 8),
        ("msp", "msp", "own", "top", "all", 1, 1, nan, nan, nan, 8),
        ("msp", "x+y", "far", "b", "all", 0.5, 0.5, 0, nan, nan, 8),
        ("msp", "x+y", "far", "a", "all", 0.25, 0.75, -0.5, -0.625, -0.25, 8),
        ("msp", "x+y", "far", "top", "all", 1, 1, 0, 0, 0, 8),
        ("x", "y", "one", "a", "target_read", 0.5, nan, nan, nan, nan, 3),
        ("x", "msp", "two", "a", "target_read", 0.25, nan, nan, nan, nan, 3),
        ("x", "y", "one", "a", "all", 0.5, nan, nan, nan, nan, 4),
        ("x", "msp", "two", "a", "all", 0.75, nan, nan, nan, nan, 4),
    ]
    names = ["target", "train", "experiment", "method", "condition", "UA", "within_UA", "drop", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "utterances"])


def test_the_whole_leaderboard_is_that_of_a_table_made_by_hand():
    assert leaderboard(made_by_hand(), ["top"], 0.9, "a*study").splitlines() == [
        "# a\\*study",
        "",
        "## Tested on msp: all utterances, 8 utterances",
        "",
        "| method | within: [own](own/leaderboard.md) | trained on x+y: [far](far/leaderboard.md) | drop "
        "| 90% interval |",
        "|---|---:|---:|---:|---:|",
        "| a | 0.7500 | 0.2500 | −0.5000 | −0.6250 … −0.2500 |",
        "| b | 0.5000 | 0.5000 | +0.0000 |  |",
        "| top (ceiling: sees the labels) | 1.0000 | 1.0000 | +0.0000 | +0.0000 … +0.0000 |",
        "",
        "## Tested on x: target read, 3 utterances",
        "",
        "| method | trained on y: [one](one/leaderboard.md) | trained on msp: [two](two/leaderboard.md) |",
        "|---|---:|---:|",
        "| a | 0.5000 | 0.2500 |",
        "",
        "## Tested on x: all utterances, 4 utterances",
        "",
        "| method | trained on y: [one](one/leaderboard.md) | trained on msp: [two](two/leaderboard.md) |",
        "|---|---:|---:|",
        "| a | 0.5000 | 0.7500 |",
    ]


def test_a_board_holds_what_a_table_made_by_hand_holds():
    first, second, _ = boards(made_by_hand(), ["top"])
    assert first["experiments"] == [{"name": "far", "train": "x+y"}] and first["utterances"] == 8
    assert first["rows"][0] == {
        "method": "a",
        "ceiling": False,
        "within_UA": 0.75,
        "experiments": [{"UA": 0.25, "drop": -0.5, "low": -0.625, "high": -0.25}],
    }
    assert [line["ceiling"] for line in first["rows"]] == [False, False, True]
    assert second["experiments"] == [{"name": "one", "train": "y"}, {"name": "two", "train": "msp"}]


def test_the_leaderboard_says_what_the_table_says_and_escapes_names():
    crossed = crossing(train="a|b*c")
    text = leaderboard(across("msp", [within(), crossed], **SETTINGS), [], 0.9, "study")
    lines = text.splitlines()
    assert lines[0] == "# study"
    assert "## Tested on msp: all utterances, 8 utterances" in lines
    assert lines[4] == (
        "| method | within: [within](within/leaderboard.md) | trained on a\\|b\\*c: [cross](cross/leaderboard.md) "
        "| drop | 90% interval |"
    )
    assert lines[6].startswith("| speech | 0.7500 | 0.5417 | −0.2083 | ")


def test_the_seed_decides_what_is_drawn_and_the_confidence_how_wide_an_interval_is():
    results = [
        Results("within", "S", {"m": make_predictions(1)}),
        Results("cross", "T", {"m": make_predictions(2)}),
    ]

    def ends(**settings):
        return row(across("S", results, **SETTINGS | settings), "cross", method="m")[["low", "high"]].tolist()

    assert ends() == ends() != ends(seed=1)
    (low, high), (narrow_low, narrow_high) = ends(), ends(confidence=0.5)
    assert low < narrow_low < narrow_high < high


def test_a_single_speaker_has_no_interval():
    one = Results("within", "msp", {"speech": said(WITHIN, "anna", speakers="anna")})
    other = Results("cross", "iemocap", {"speech": said(WITHIN, "Ses01", speakers="anna")})
    table = across("msp", [one, other], **SETTINGS)
    assert row(table, "cross")["drop"] == 0 and np.isnan(row(table, "cross")["low"])
    assert "| +0.0000 |  |" in leaderboard(table, [], 0.95, "study")


def test_a_drawn_mean_leaves_out_source_folds_without_a_value():
    values = np.array([[[0.25, 0.5, 0.75, 1.0], [np.nan] * 4, [0.25, 0.5, 0.75, 1.0]]])
    drawn = _drawn_mean(values, np.random.default_rng(0))
    known = ~np.isnan(drawn)  # where one of the two was drawn
    assert known.any()
    np.testing.assert_allclose(drawn[known], values[:, 0][known])
