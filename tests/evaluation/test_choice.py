"""What is chosen is what the validation rows say is best, and no test label has a say in it."""

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold, make_predictions
from sklearn.metrics import balanced_accuracy_score

from emofuse import contracts, tables
from emofuse.evaluation.choice import choose, compose, times_chosen
from emofuse.tables import check

FOLDS = ["a", "b"]
EMOTIONS = ["angry", "happy", "neutral", "sad"] * 2


def inner(right, selected=0):
    """What a method says of eight utterances per fold: as many right, and as many selected, as said."""
    rows = [
        (fold, 0, f"{fold}{row}", emotion, emotion if row < right[fold] else EMOTIONS[row - 1], row < selected)
        for fold in FOLDS
        for row, emotion in enumerate(EMOTIONS)
    ]
    return by_fold(check(pd.DataFrame(rows, columns=list(contracts.INNER.columns)), contracts.INNER, "made"))


def chosen(choices):
    return choices[choices["chosen"]].set_index("fold")["method"].to_dict()


def test_each_fold_chooses_the_method_with_the_highest_ua():
    choices = choose({"first": inner({"a": 5, "b": 3}), "second": inner({"a": 4, "b": 6})})
    check(choices, contracts.CHOICES, "made")
    assert chosen(choices) == {"a": "first", "b": "second"}
    of, _ = inner({"a": 5, "b": 3})
    ua = choices[(choices["fold"] == "a") & (choices["method"] == "first")]["UA"].item()
    assert ua == pytest.approx(balanced_accuracy_score(of["emotion"], of["predicted"]))
    assert times_chosen(choices) == {"first": 1, "second": 1}


def test_of_equals_the_one_that_selects_fewer_is_chosen_and_then_the_first():
    same = {"a": 5, "b": 5}
    assert chosen(choose({"many": inner(same, 8), "few": inner(same, 2), "again": inner(same, 2)})) == {
        "a": "few",
        "b": "few",
    }


def test_the_most_often_chosen_come_first_and_equals_in_the_order_of_their_folds():
    """As many as an unstable sort would mix up."""
    names = [f"m{number:02d}" for number in range(40)][::-1]
    rows = pd.DataFrame({"method": [*names, "m07", "m31", "never"]}).assign(chosen=lambda of: of["method"] != "never")
    assert list(times_chosen(rows).items()) == [
        ("m31", 2),
        ("m07", 2),
        *((name, 1) for name in names if name not in ("m07", "m31")),
    ]


def composed(choices, predictions, folder):
    """The chosen predictions, of tables that are written."""
    for method, table in predictions.items():
        tables.write(table, contracts.PREDICTIONS, folder / f"{method}.parquet")
    written = {method: tables.Folds(contracts.PREDICTIONS, folder / f"{method}.parquet") for method in predictions}
    return pd.concat(compose(choices, written), ignore_index=True)


def test_the_predictions_are_the_chosen_methods_own(tmp_path):
    predictions = {"first": make_predictions(1, folds=2), "second": make_predictions(2, folds=2)}
    rows = [("S0", "second", 0.7, 0.5, True), ("S0", "first", 0.6, 0.5, False), ("S1", "first", 0.6, 0.5, True)]
    made = composed(pd.DataFrame(rows, columns=list(contracts.CHOICES.columns)), predictions, tmp_path)
    expected = [
        predictions[name][lambda rows, fold=fold: rows["fold"] == fold]
        for fold, name in (("S0", "second"), ("S1", "first"))
    ]
    pd.testing.assert_frame_equal(made, check(pd.concat(expected), contracts.PREDICTIONS, "made"))


def test_permuted_test_labels_change_neither_choice_nor_predictions(tmp_path):
    predictions = {"first": make_predictions(1, folds=2), "second": make_predictions(2, folds=2)}
    renamed = {"a": "S0", "b": "S1"}
    validated = {
        name: [rows.assign(fold=rows["fold"].map(renamed)) for rows in inner(right)]
        for name, right in {"first": {"a": 5, "b": 3}, "second": {"a": 4, "b": 6}}.items()
    }
    random = np.random.default_rng(0)
    shuffled = {name: table.assign(emotion=random.permutation(table["emotion"])) for name, table in predictions.items()}
    choices = choose(validated)
    said = [composed(choices, of, tmp_path).drop(columns="emotion") for of in (predictions, shuffled)]
    pd.testing.assert_frame_equal(*said)
