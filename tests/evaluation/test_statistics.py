"""Across corpora speakers and source folds are both drawn, folds are not pooled, and p holds for many methods."""

import itertools

import numpy as np
import pandas as pd
import pytest
from helpers import alone, by_fold, make_predictions
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse.accuracy import confusions
from emofuse.evaluation.metrics import evaluate
from emofuse.evaluation.statistics import combined_p, compare, comparison_of, holm, interval, mcnemar_p
from emofuse.tables import EMOTIONS

SETTINGS = {"confidence": 0.9, "resamples": 5000, "seed": 0}


@pytest.fixture(scope="module")
def crossed():
    """Three source folds that test the same utterances of four speakers."""
    first = make_predictions(0)
    folds = [make_predictions(seed).assign(fold=f"Ses{seed}", utterance=first["utterance"]) for seed in range(3)]
    return pd.concat(folds, ignore_index=True)


@pytest.fixture(scope="module")
def compared(crossed):
    return compare(by_fold(crossed), "m", **SETTINGS)


def of(table, condition="all", metric="UA"):
    return table[(table["condition"] == condition) & (table["metric"] == metric)].iloc[0]


def exact_interval(table, confidence):
    """Of WA, which is a sum: over all draws of speakers and of folds, each as likely as any other."""
    right = (table["predicted"] == table["emotion"]).astype(float) - (table["speech"] == table["emotion"])
    cells = right.groupby([table["fold"], table["speaker"]]).sum().unstack().to_numpy()
    count = table.groupby(["fold", "speaker"]).size().iloc[0]  # the same in each cell
    folds, speakers = (list(itertools.product(range(size), repeat=size)) for size in cells.shape)
    values = [cells[np.ix_(drawn, who)].mean() / count for drawn in folds for who in speakers]
    return np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])


def test_an_interval_across_corpora_is_that_of_all_draws_of_speakers_and_source_folds(compared, crossed):
    """All 3³ · 4⁴ draws, enumerated, against 5000 random ones: they agree to their own error."""
    assert compared["crossed"].all()
    row = of(compared, metric="WA")
    low, high = exact_interval(crossed, 0.9)
    assert [row["low"], row["high"]] == pytest.approx([low, high], abs=0.03 * (high - low))


def test_it_is_wider_than_one_that_takes_the_source_folds_for_granted(compared, crossed):
    row = of(compared)
    after, before = (confusions(crossed, column, ["fold", "speaker"]) for column in ("predicted", "speech"))
    low, high = interval(after, before, "UA", crossed=False, **SETTINGS)
    assert row["high"] - row["low"] > high - low


def test_the_interval_of_a_metric_is_that_of_the_difference_to_what_is_never_right(crossed):
    wrong = crossed.assign(speech=crossed["emotion"].map(dict(zip(EMOTIONS, EMOTIONS[1:] + EMOTIONS[:1], strict=True))))
    after, before = (confusions(wrong, column, ["fold", "speaker"]) for column in ("predicted", "speech"))
    ends = interval(after, None, "UA", crossed=True, **SETTINGS)
    assert ends == interval(after, before, "UA", crossed=True, **SETTINGS) and ends[0] > 0


@pytest.mark.parametrize("changed", [{}, {"confidence": 0.5}, {"resamples": 50}, {"seed": 1}])
def test_a_comparison_of_methods_is_that_of_each_whose_interval_is_drawn_as_it_is_asked_for(crossed, changed):
    of = SETTINGS | {"resamples": 100} | changed
    table = comparison_of({"m": by_fold(crossed)}, [], **of)
    pd.testing.assert_frame_equal(table.drop(columns="p_holm"), compare(by_fold(crossed), "m", **of))
    after, before = (confusions(crossed, column, ["fold", "speaker"]) for column in ("predicted", "speech"))
    for row in table[table["condition"] == "all"].itertuples():
        assert (row.low, row.high) == interval(after, before, row.metric, crossed=True, **of)


def test_the_compared_mean_is_over_source_folds(compared, crossed):
    metrics = evaluate(by_fold(crossed), "m")
    values = metrics[(metrics["metric"] == "UA") & (metrics["condition"] == "all")]["value"]
    assert of(compared)["mean"] == pytest.approx(values.mean())


def test_p_across_corpora_is_twice_the_median_over_source_folds(crossed):
    helped = crossed["speech"].where(np.arange(len(crossed)) % 8 > 0, crossed["emotion"])
    better = crossed.assign(predicted=helped)
    each = [
        mcnemar_p(rows["speech"] == rows["emotion"], rows["predicted"] == rows["emotion"])
        for _, rows in better.groupby("fold")
    ]
    p = of(compare(by_fold(better), "m", **SETTINGS | {"resamples": 10}), metric="WA")["p"]
    assert p == 2 * sorted(each)[1] < 1


def test_one_source_fold_is_like_any_fold(crossed):
    one = crossed[crossed["fold"] == "Ses1"]
    assert not compare(by_fold(one), "m", **SETTINGS | {"resamples": 100})["crossed"].any()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_the_same_test_thrice_over_is_at_most_twice_as_likely(values):
    assert combined_p(values[:1]) == values[0]
    assert combined_p(values[:1] * 3) == min(1, 2 * values[0])
    assert 0 <= combined_p(values) <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
@settings(max_examples=10)
def test_holm_is_what_it_says(values):
    """The k-th smallest p of m times m − k + 1, never less than that before it, at most 1 (Holm 1979)."""
    expected, largest = {}, 0.0
    for rank, place in enumerate(np.argsort(values, kind="stable")):
        largest = max(largest, (len(values) - rank) * values[place])
        expected[place] = min(1.0, largest)
    assert holm(pd.Series(values)).to_dict() == pytest.approx(expected)


def test_p_is_corrected_per_condition_over_methods_that_are_no_ceilings():
    table = make_predictions(1)
    predictions = {
        "speech": alone(table),
        "m": table,
        "other": make_predictions(2),
        "oracle": table.assign(predicted=table["emotion"]),
    }
    predictions = {method: by_fold(table) for method, table in predictions.items()}
    comparison = comparison_of(predictions, ["oracle"], confidence=0.9, resamples=100, seed=0)
    tested = comparison.dropna(subset="p_holm")
    assert set(tested["method"]) == {"m", "other"} and set(tested["metric"]) == {"WA"}
    for _, rows in tested.groupby("condition"):
        assert rows["p_holm"].tolist() == holm(rows["p"]).tolist()
        assert rows["p_holm"].min() == min(1, 2 * rows["p"].min())


def test_mcnemars_p_takes_numbers_for_truths():
    before, after = np.random.default_rng(0).integers(0, 2, (2, 40))
    assert mcnemar_p(before, after) == mcnemar_p(before.astype(bool), after.astype(bool))
