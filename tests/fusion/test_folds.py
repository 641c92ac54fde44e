"""A method is fitted fold by fold, and never sees a test label."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_scores

from emofuse import contracts, tables
from emofuse.fusion import METHODS
from emofuse.fusion.folds import run
from emofuse.tables import TEXT, InputError

FAST = {"trials": 10}
"""Parameters for the searches, so that the test is quick."""


@pytest.fixture(scope="module")
def scores():
    parts = []
    for fold in ("a", "b"):
        for number, split in enumerate(tables.SPLITS):
            part = make_scores(80, seed=number + 10 * (fold == "b"))
            ids = [f"{split}{row}" for row in range(len(part))]
            text = make_scores(80, seed=number + 100)[tables.SPEECH].to_numpy()
            parts.append(part.assign(fold=fold, split=split, utterance=ids, **dict(zip(TEXT, text.T, strict=True))))
    return pd.concat(parts, ignore_index=True)


def entry(name):
    searched = name in ("entropy_varentropy", "entropy", "varentropy", "confidence")
    fit_on = {"oracle": ["test"], "paper": ["train", "validation"]}.get(name, ["validation"])
    return {"estimator": name, "fit_on": fit_on, "parameters": FAST if searched else {}}


@pytest.mark.parametrize("name", METHODS)
def test_predictions_parameters_and_trials_keep_their_contracts(scores, name):
    predictions, parameters, trials = run(scores, entry(name), [0], name)
    predictions = tables.check(predictions, contracts.PREDICTIONS, name)
    tables.check(trials, contracts.TRIALS, name)
    assert len(predictions) == 2 * 80
    assert set(parameters["folds"]) == {"a", "b"}


@pytest.mark.parametrize("name", METHODS)
def test_shuffled_test_labels_change_no_parameter(scores, name):
    shuffled = scores.copy()
    test = shuffled["split"] == "test"
    shuffled.loc[test, "emotion"] = np.random.default_rng(0).permutation(shuffled.loc[test, "emotion"].to_numpy())
    assert (shuffled["emotion"] != scores["emotion"]).any()
    predictions, parameters, trials = run(scores, entry(name), [0], name)
    again, same_parameters, same_trials = run(shuffled, entry(name), [0], name)
    assert parameters == same_parameters
    pd.testing.assert_frame_equal(trials, same_trials)
    if name != "oracle":  # the ceiling is what the labels make it
        assert (predictions["predicted"] == again["predicted"]).all()


@pytest.mark.parametrize("name", [name for name in METHODS if name != "oracle"])
def test_rows_that_are_not_fitted_on_change_nothing(scores, name):
    fit_on = ["validation"]
    shuffled = scores.copy()
    train = shuffled["split"] == "train"
    shuffled.loc[train, "emotion"] = "sad"
    method = entry(name) | {"fit_on": fit_on}
    assert run(scores, method, [0], name)[1] == run(shuffled, method, [0], name)[1]


def test_folds_differ_in_their_seeds_and_names_decide_them(scores):
    first = run(scores, entry("entropy"), [0], "entropy")[2]
    other = run(scores, entry("entropy"), [0], "another name")[2]
    assert not first.equals(other)
    assert first.equals(run(scores, entry("entropy"), [0], "entropy")[2])


def test_a_fold_without_rows_to_fit_on_or_to_test_is_named(scores):
    broken = scores[~((scores["fold"] == "a") & (scores["split"] == "validation"))]
    broken = broken[~((broken["fold"] == "b") & (broken["split"] == "test"))]
    with pytest.raises(InputError) as caught:
        run(broken, entry("mean"), [0], "mean")
    assert "fold a: has no utterance in validation; method mean needs some" in str(caught.value)
    assert "fold b: has no utterance in test; method mean needs some" in str(caught.value)
