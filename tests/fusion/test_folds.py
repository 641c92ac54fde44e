"""A method is fitted fold by fold, and never sees a test label, unless it says so."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_scores

from emofuse import accuracy, contracts, parts, tables
from emofuse.fusion.folds import run
from emofuse.fusion.front import front
from emofuse.tables import TEXT, InputError

PATHS = parts.known(parts.METHOD)
METHODS = {name: parts.load(path) for name, path in PATHS.items()}
HONEST = [name for name, method in METHODS.items() if not method.sees_test_labels]


@pytest.fixture(scope="module")
def scores():
    tables_of_splits = []
    for fold in ("a", "b"):
        for number, split in enumerate(tables.SPLITS):
            part = make_scores(80, seed=number + 10 * (fold == "b"))
            ids = [f"{split}{row}" for row in range(len(part))]
            text = make_scores(80, seed=number + 100)[tables.SPEECH].to_numpy()
            names = {"fold": fold, "split": split, "utterance": ids, "speaker": split[0], "condition": "improvised"}
            tables_of_splits.append(part.assign(**names, **dict(zip(TEXT, text.T, strict=True))))
    return pd.concat(tables_of_splits, ignore_index=True)


def entry(name, **parameters):
    """A completed config entry, with few trials for a search."""
    described = parts.parameters(METHODS[name])
    few = {"trials": 10} if "trials" in described.model_fields else {}
    values = described(**few | parameters).model_dump(mode="json")
    return {"estimator": name, "fit_on": list(METHODS[name].fit_on), "parameters": values}


def run_entry(scores, method, name=None):
    return run(scores, method, PATHS[method["estimator"]], [0], name or method["estimator"])


@pytest.mark.parametrize("name", METHODS)
def test_predictions_parameters_and_trials_keep_their_contracts(scores, name):
    predictions, parameters, trials = run_entry(scores, entry(name))
    predictions = tables.check(predictions, contracts.PREDICTIONS, name)
    tables.check(trials, contracts.TRIALS, name)
    assert len(predictions) == 2 * 80
    assert set(parameters["folds"]) == {"a", "b"}
    assert {key: parameters[key] for key in ("method", *entry(name))} == {"method": name, **entry(name)}


def test_predictions_carry_what_the_voice_says_and_who_speaks(scores):
    predictions, _, _ = run_entry(scores, entry("stacking"))
    speech, _, _ = run_entry(scores, entry("speech"))
    assert (predictions["speech"] == speech["predicted"]).all()
    test = scores[scores["split"] == "test"].reset_index(drop=True)
    for column in ("fold", "utterance", "speaker", "condition", "emotion"):
        assert (predictions[column] == test[column]).all()


@pytest.mark.parametrize("name", METHODS)
def test_shuffled_test_labels_change_no_parameter(scores, name):
    shuffled = scores.copy()
    test = shuffled["split"] == "test"
    shuffled.loc[test, "emotion"] = np.random.default_rng(0).permutation(shuffled.loc[test, "emotion"].to_numpy())
    assert (shuffled["emotion"] != scores["emotion"]).any()
    predictions, parameters, trials = run_entry(scores, entry(name))
    again, same_parameters, same_trials = run_entry(shuffled, entry(name))
    assert parameters == same_parameters
    pd.testing.assert_frame_equal(trials, same_trials)
    if name in HONEST:  # a ceiling is what the labels make it
        assert (predictions["predicted"] == again["predicted"]).all()


@pytest.mark.parametrize("name", HONEST)
def test_rows_that_are_not_fitted_on_change_nothing(scores, name):
    shuffled = scores.copy()
    train = shuffled["split"] == "train"
    shuffled.loc[train, "emotion"] = "sad"
    assert run_entry(scores, entry(name))[1] == run_entry(shuffled, entry(name))[1]


def test_folds_differ_in_their_seeds_and_names_decide_them(scores):
    first = run_entry(scores, entry("entropy"))[2]
    other = run_entry(scores, entry("entropy"), "another name")[2]
    assert not first.equals(other)
    assert first.equals(run_entry(scores, entry("entropy"))[2])


def test_a_fold_without_rows_to_fit_on_or_to_test_is_named(scores):
    broken = scores[~((scores["fold"] == "a") & (scores["split"] == "validation"))]
    broken = broken[~((broken["fold"] == "b") & (broken["split"] == "test"))]
    with pytest.raises(InputError) as caught:
        run_entry(broken, entry("mean"))
    assert "fold a: has no utterance in validation; method mean needs some" in str(caught.value)
    assert "fold b: has no utterance in test; method mean needs some" in str(caught.value)


def test_a_method_from_a_file_works_alike(scores, tmp_path):
    file = tmp_path / "loud.py"
    file.write_text('from emofuse.fusion.single import Speech\n\n\nclass Loud(Speech):\n    """Speech, elsewhere."""\n')
    predictions, parameters, _ = run(
        scores, entry("speech") | {"estimator": "loud.py:Loud"}, f"{file}:Loud", [0], "loud"
    )
    pd.testing.assert_frame_equal(predictions, run_entry(scores, entry("speech"))[0])
    assert (parameters["method"], parameters["estimator"]) == ("loud", "loud.py:Loud")


def test_a_front_is_what_its_points_come_to(scores):
    """On the rows fitted on, where UA rises with the share, and on the test rows."""
    names = {"pareto": entry("entropy_varentropy", search="exact", budget=0.3), "line": entry("entropy", budget=0.1)}
    learned = [run_entry(scores, method, name)[1] for name, method in names.items()]
    paths = {name: PATHS[method["estimator"]] for name, method in names.items()}
    table = tables.check(front(scores, learned, paths), contracts.FRONT, "front")
    assert table["method"].unique().tolist() == ["pareto", "line"]
    assert set(table["split"]) == {"validation", "test"}
    fitted = table[(table["split"] == "validation") & (table["method"] == "pareto")]
    for fold, points in fitted.groupby("fold"):
        assert len(points) == len(learned[0]["folds"][fold]["front"]) > 1
        assert points["selected"].is_monotonic_increasing and points["UA"].is_monotonic_increasing
        nothing = scores[(scores["fold"] == fold) & (scores["split"] == "validation")]
        voice = nothing[tables.SPEECH].to_numpy().argmax(axis=1)
        ua = accuracy.unweighted_accuracy(accuracy.indices(nothing["emotion"]), voice)
        assert points.iloc[0][["selected", "UA"]].tolist() == [0, ua]


def test_without_methods_a_front_has_no_points(scores):
    tables.check(front(scores, [], {}), contracts.FRONT, "front")
