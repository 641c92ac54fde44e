"""Metrics are those of scikit-learn, and what a method changes adds up."""

import audmetric
import numpy as np
import pandas as pd
import pytest
from helpers import alone, by_fold, make_predictions
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, recall_score

from emofuse import accuracy, contracts
from emofuse.accuracy import confusions
from emofuse.evaluation.metrics import CHANGES, evaluate, expected_calibration_error, metrics_of, per_fold, scores_of
from emofuse.evaluation.statistics import compare, comparison_of, interval, mcnemar_p, mean_over_folds
from emofuse.tables import EMOTIONS, PROBABILITY, check

SETTINGS = {"confidence": 0.95, "resamples": 500, "seed": 0}


@pytest.fixture(scope="module")
def method():
    return check(make_predictions(1), contracts.PREDICTIONS, "made")


def value(metrics, metric, fold="S0", condition="all"):
    row = metrics[(metrics["fold"] == fold) & (metrics["condition"] == condition) & (metrics["metric"] == metric)]
    return row["value"].item()


def test_metrics_are_scikit_learns_and_audmetrics(method):
    metrics = evaluate(by_fold(method), "m")
    part = method[method["fold"] == "S0"]
    assert value(metrics, "UA") == pytest.approx(balanced_accuracy_score(part["emotion"], part["predicted"]))
    assert value(metrics, "UA") == pytest.approx(
        audmetric.unweighted_average_recall(part["emotion"], part["predicted"])
    )
    assert value(metrics, "WA") == pytest.approx(accuracy_score(part["emotion"], part["predicted"]))
    assert value(metrics, "F1") == pytest.approx(f1_score(part["emotion"], part["predicted"], average="macro"))
    assert value(metrics, "selected") == pytest.approx(part["selected"].mean())
    improvised = part[part["condition"] == "improvised"]
    expected = audmetric.accuracy(improvised["emotion"], improvised["predicted"])
    assert value(metrics, "WA", condition="improvised") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (0.5, np.log(2)),
        (1e-4, np.log(1e4)),  # far above the floor
        (1e-6, np.log(1e6)),
        (0.0, np.log(1e6)),  # below it; the distribution then sums to 1 + 1e-6
    ],
)
def test_the_log_loss_counts_every_probability_down_to_its_floor(right, expected):
    rows = pd.DataFrame([[right, 1 - right - 2e-6, 1e-6, 1e-6]], columns=PROBABILITY)
    scores = scores_of(rows.assign(emotion="angry", predicted="happy", selected=False))
    assert scores["log_loss"] == pytest.approx(expected, abs=3e-6)


def test_the_log_loss_and_the_brier_score_are_means_over_utterances(method):
    part = method[method["fold"] == "S0"]
    scores, place = scores_of(part), accuracy.indices(part["emotion"])
    probability = part[PROBABILITY].to_numpy()
    right = probability[np.arange(len(part)), place]
    assert scores["log_loss"] == pytest.approx(-np.log(right).mean(), abs=1e-4)
    assert scores["Brier"] == pytest.approx(((probability - np.eye(4)[place]) ** 2).sum(axis=1).mean())


def test_each_fold_condition_and_metric_has_one_row(method):
    metrics = evaluate(by_fold(method), "m")
    assert not metrics.duplicated(["fold", "condition", "metric"]).any()
    assert set(metrics["condition"]) == {"all", "improvised", "scripted"}
    assert metrics.groupby(["fold", "condition"]).size().nunique() == 1


def test_changes_add_up(method):
    metrics = evaluate(by_fold(method), "m")
    for fold, part in method.groupby("fold"):
        before = part["speech"].to_numpy()
        changed = (part["predicted"] != before).sum()
        totals = {change: value(metrics, change, fold) for change in CHANGES}
        assert sum(totals.values()) == changed > 0
        gained = (part["predicted"] == part["emotion"]).sum() - (before == part["emotion"].to_numpy()).sum()
        assert totals["wrong_to_right"] - totals["right_to_wrong"] == gained
        for change in CHANGES:
            pairs = [value(metrics, f"{change}/{a}_{b}", fold) for a in EMOTIONS for b in EMOTIONS if a != b]
            assert sum(pairs) == totals[change]


def test_a_condition_without_an_emotion_has_no_recall_of_it_and_still_a_ua(method):
    scores = scores_of(method[method["emotion"] != "sad"])
    assert np.isnan(scores["recall_sad"])
    assert scores["UA"] == pytest.approx(np.mean([scores[f"recall_{name}"] for name in EMOTIONS[:3]]))


def test_a_fold_with_one_condition_counts_in_it(method):
    part = method[(method["fold"] != "S0") | (method["condition"] == "improvised")]
    metrics, table = evaluate(by_fold(part), "m"), compare(by_fold(part), "m", **SETTINGS)
    assert value(metrics, "UA", condition="improvised") == value(metrics, "UA")
    of = metrics[(metrics["condition"] == "improvised") & (metrics["metric"] == "UA")]
    mean = table[(table["condition"] == "improvised") & (table["metric"] == "UA")]["mean"].item()
    assert of["value"].mean() == pytest.approx(mean)


def test_a_corpus_without_conditions_has_all_utterances_only(method):
    for condition in ("", "improvised"):
        assert set(evaluate(by_fold(method.assign(condition=condition)), "m")["condition"]) == {"all"}


def test_an_experiments_tables_hold_every_method_and_keep_their_contracts(method):
    predictions = {"speech": by_fold(alone(method)), "m": by_fold(method)}
    metrics, comparison = metrics_of(predictions), comparison_of(predictions, [], **SETTINGS)
    assert check(metrics, contracts.METRICS, "made")["method"].unique().tolist() == ["speech", "m"]
    assert check(comparison, contracts.COMPARISON, "made")["method"].unique().tolist() == ["speech", "m"]
    assert metrics[metrics["method"] == "m"].reset_index(drop=True).equals(evaluate(by_fold(method), "m"))
    assert per_fold(metrics, "UA").loc["S0", "m"] == value(evaluate(by_fold(method), "m"), "UA")


def test_calibration_error_of_the_calibrated_is_small_and_of_the_certain_is_their_error():
    random = np.random.default_rng(0)
    confidence = random.uniform(0.3, 1, 20000)
    probability = np.column_stack([confidence, *[(1 - confidence) / 3] * 3])
    right = random.random(20000) < confidence
    assert expected_calibration_error(right, np.ones(20000, bool), probability) < 0.02
    edges = np.array([[0.2, 0.8], [0.4, 0.6]])  # 0.8 and 0.6 begin the bins 12 and 9 of 15, so each is alone
    assert expected_calibration_error([1, 0], [1, 1], edges) == pytest.approx((0.2 + 0.6) / 2)
    assert expected_calibration_error([1, 0], [1, 1], edges, bins=2) == pytest.approx(abs(1 - 1.4) / 2)
    certain = np.tile([1.0, 0, 0, 0], (10, 1))
    assert expected_calibration_error(np.arange(10) < 7, np.ones(10, bool), certain) == pytest.approx(0.3)


def test_an_interval_holds_the_difference_and_is_nothing_against_itself(method):
    table = compare(by_fold(method), "m", **SETTINGS)
    assert ((table["low"] <= table["difference"]) & (table["difference"] <= table["high"])).all()
    itself = compare(by_fold(alone(method)), "speech", **SETTINGS)
    assert (itself[["difference", "low", "high"]] == 0).all(axis=None)
    assert (itself["p"].dropna() == 1).all()


def test_p_is_about_accuracy_and_stands_in_its_rows_alone(method):
    table = compare(by_fold(method), "m", **SETTINGS).set_index(["condition", "metric"])["p"]
    assert table.dropna().index.tolist() == [(name, "WA") for name in ("all", "improvised", "scripted")]
    part = method[method["condition"] == "scripted"]
    right = [part[column] == part["emotion"] for column in ("speech", "predicted")]
    assert table["scripted", "WA"] == mcnemar_p(*right)


def test_a_wider_interval_for_more_confidence(method):
    narrow, wide = (compare(by_fold(method), "m", **SETTINGS | {"confidence": level}) for level in (0.5, 0.99))
    assert ((wide["low"] <= narrow["low"]) & (narrow["high"] <= wide["high"])).all()
    assert (wide["high"] - wide["low"]).sum() > (narrow["high"] - narrow["low"]).sum()


def test_the_compared_means_are_means_over_folds(method):
    metrics, table = evaluate(by_fold(method), "m"), compare(by_fold(method), "m", **SETTINGS)
    for _, row in table.iterrows():
        of = metrics[(metrics["condition"] == row["condition"]) & (metrics["metric"] == row["metric"])]
        assert row["mean"] == pytest.approx(of["value"].mean())


def test_one_speaker_per_fold_is_the_ordinary_bootstrap_of_folds(method):
    counts = confusions(method, "predicted", ["fold", "speaker"])
    weights = np.array([[2.0, 0, 1, 1]])
    each = [accuracy.from_confusion(counts[fold].sum(axis=0), "UA") for fold in range(4)]
    assert mean_over_folds(counts, weights, "UA")[0] == pytest.approx(np.average(each, weights=weights[0]))


def test_folds_of_many_speakers_move_with_the_speakers_drawn(method):
    one_fold = method.assign(fold="all of them")
    counts = confusions(one_fold, "predicted", ["fold", "speaker"])
    drawn = mean_over_folds(counts, np.array([[4.0, 0, 0, 0]]), "WA")[0]
    first = method[method["speaker"] == "S0"]
    assert drawn == pytest.approx((first["predicted"] == first["emotion"]).mean())


def test_intervals_are_the_same_for_the_same_seed(method):
    after, before = (confusions(method, column, ["fold", "speaker"]) for column in ("predicted", "speech"))
    first, second = (
        interval(after, before, "UA", crossed=False, confidence=0.9, resamples=500, seed=1) for _ in range(2)
    )
    assert first == second


def test_one_speaker_has_no_interval(method):
    alone = confusions(method[method["fold"] == "S0"], "predicted", ["fold", "speaker"])
    assert np.isnan(interval(alone, alone, "UA", crossed=False, confidence=0.95, resamples=100, seed=0)).all()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_mcnemar_does_not_care_which_comes_first(pairs):
    before, after = zip(*pairs, strict=True)
    assert 0 <= mcnemar_p(before, after) <= 1
    assert mcnemar_p(before, after) == pytest.approx(mcnemar_p(after, before))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_metrics_of_a_confusion_matrix_are_scikit_learns(pairs):
    true, said = np.array(pairs).T
    matrix = accuracy.confusion(true, said)
    np.testing.assert_array_equal(matrix, confusion_matrix(true, said, labels=range(4)))
    recall = recall_score(true, said, labels=range(4), average=None, zero_division=np.nan)
    np.testing.assert_array_equal(accuracy.recalls(matrix), recall)
    assert accuracy.from_confusion(matrix, "WA") == pytest.approx(accuracy_score(true, said))
    assert accuracy.from_confusion(matrix, "F1") == pytest.approx(
        f1_score(true, said, average="macro", zero_division=0)
    )
    assert accuracy.from_confusion(matrix, "UA") == pytest.approx(np.nanmean(recall))
