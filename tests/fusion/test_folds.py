"""A method is fitted fold by fold, and never sees a test label, unless it says so."""

import numpy as np
import pandas as pd
import pytest
from helpers import fuse, make_scores
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import accuracy, contracts, parts, tables
from emofuse.fusion.folds import _again, around, divide
from emofuse.tables import TEXT, InputError

PATHS = parts.known(parts.METHOD)
METHODS = {name: parts.load(path) for name, path in PATHS.items()}
FUSED = METHODS["stacking"].columns
HONEST = [name for name, method in METHODS.items() if not method.sees_test_labels]


@pytest.fixture(scope="module")
def scores():
    tables_of_splits = []
    for fold in ("a", "b"):
        for number, split in enumerate(tables.SPLITS):
            part = make_scores(80, seed=number + 10 * (fold == "b"))
            ids = [f"{split}{row}" for row in range(len(part))]
            text = make_scores(80, seed=number + 100)[tables.SPEECH].to_numpy()
            talks = [f"{split}{row % 8}" for row in range(len(part))]
            turns = [f"{split[0]}{row // 8 % 2}" for row in range(len(part))]  # two speakers in each dialog
            names = {"fold": fold, "split": split, "utterance": ids, "speaker": turns, "dialog": talks}
            names["turn_start"] = np.arange(len(part))
            part["condition"] = "improvised"
            tables_of_splits.append(part.assign(**names, **dict(zip(TEXT, text.T, strict=True))))
    return pd.concat(tables_of_splits, ignore_index=True)


def entry(name, **parameters):
    """A completed config entry, with few trials for a search."""
    described = parts.parameters(METHODS[name])
    few = {"trials": 10} if "trials" in described.model_fields else {}
    values = described(**few | parameters).model_dump(mode="json")
    return {"estimator": name, "fit_on": list(METHODS[name].fit_on), "parameters": values}


def run_entry(scores, method, name=None):
    return fuse(scores, method, PATHS[method["estimator"]], [0], name or method["estimator"], 3)


@pytest.mark.parametrize("name", METHODS)
def test_predictions_parameters_and_trials_keep_their_contracts(scores, name):
    predictions, parameters, trials, inner, front = run_entry(scores, entry(name))
    predictions = tables.check(predictions, contracts.PREDICTIONS, name)
    tables.check(trials, contracts.TRIALS, name)
    tables.check(front, contracts.FRONT, name)
    assert len(tables.check(inner, contracts.INNER, name)) == (2 * 80 if name in HONEST else 0)
    assert len(predictions) == 2 * 80
    assert set(parameters["folds"]) == {"a", "b"}
    assert {key: parameters[key] for key in ("method", *entry(name))} == {"method": name, **entry(name)}


def test_predictions_carry_what_the_voice_says_and_who_speaks(scores):
    predictions = run_entry(scores, entry("stacking")).predictions
    speech = run_entry(scores, entry("speech")).predictions
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
    predictions, parameters, trials, inner, _ = run_entry(scores, entry(name))
    again, same_parameters, same_trials, same_inner, _ = run_entry(shuffled, entry(name))
    assert parameters == same_parameters
    pd.testing.assert_frame_equal(trials, same_trials)
    pd.testing.assert_frame_equal(inner, same_inner)
    if name in HONEST:  # a ceiling is what the labels make it
        assert (predictions["predicted"] == again["predicted"]).all()


@pytest.mark.parametrize("name", [name for name in HONEST if not METHODS[name].reads_dialogs])
def test_rows_that_are_not_fitted_on_change_nothing(scores, name):
    """But to methods that read dialogs, which learn from the labels of training how emotions follow each other."""
    shuffled = scores.copy()
    train = shuffled["split"] == "train"
    shuffled.loc[train, "emotion"] = "sad"
    first, again = run_entry(scores, entry(name)), run_entry(shuffled, entry(name))
    assert first.parameters == again.parameters
    pd.testing.assert_frame_equal(first.inner, again.inner)


@pytest.mark.parametrize("fit_on", [["validation"], ["train", "validation"], ["train"]])
def test_each_part_of_validation_is_predicted_by_the_method_fitted_without_it(scores, fit_on):
    method = entry("stacking") | {"fit_on": fit_on}
    inner = run_entry(scores, method).inner
    assert not run_entry(scores, method).predictions["utterance"].isin(inner["utterance"]).any()
    for (fold, _), part in inner.groupby(["fold", "part"]):
        of_fold = scores[scores["fold"] == fold]
        rows = of_fold[of_fold["split"].isin(fit_on) & ~of_fold["utterance"].isin(part["utterance"])]
        fitted = METHODS["stacking"](**method["parameters"]).fit(rows[FUSED], rows["emotion"])
        held_out = of_fold.set_index("utterance").loc[part["utterance"]]
        assert (part["predicted"].to_numpy() == fitted.predict(held_out[FUSED])).all()


def test_what_reads_dialogs_is_handed_those_of_its_fold_wherever_it_is_asked(scores):
    method = entry("cascade", budget=0.3)
    result = run_entry(scores, method)
    for fold, of_fold in scores.groupby("fold"):
        dialogs, by_name = around(of_fold), of_fold.reset_index().set_index("utterance")
        of_parts = [part for _, part in result.inner[result.inner["fold"] == fold].groupby("part")]
        for told in (result.predictions[result.predictions["fold"] == fold], *of_parts):
            fit_on = of_fold[(of_fold["split"] == "validation") & ~of_fold["utterance"].isin(told["utterance"])]
            fitted = METHODS["cascade"](**method["parameters"])
            fitted.fit(fit_on[fitted.columns], fit_on["emotion"], dialogs)
            X = of_fold.loc[by_name.loc[told["utterance"], "index"], fitted.columns]
            assert (told["predicted"].to_numpy() == fitted.predict(X, dialogs)).all()
            assert (told["selected"].to_numpy() == fitted.selected(X, dialogs)).all()


def test_a_dialog_is_never_divided_even_where_it_reaches_into_training(scores):
    shared = scores.assign(dialog=scores["dialog"].str[-1])
    method = entry("stacking") | {"fit_on": ["train", "validation"]}
    inner = run_entry(shared, method).inner
    for (fold, part), rows in inner.groupby(["fold", "part"]):
        held_out = shared[(shared["fold"] == fold) & shared["utterance"].isin(rows["utterance"])]
        left = shared[(shared["fold"] == fold) & ~shared["dialog"].isin(held_out["dialog"])]
        fit = left[left["split"].isin(method["fit_on"])]
        fitted = METHODS["stacking"](**method["parameters"]).fit(fit[FUSED], fit["emotion"])
        in_order = held_out.set_index("utterance").loc[rows["utterance"]]
        assert (rows["predicted"].to_numpy() == fitted.predict(in_order[FUSED])).all(), part


def test_all_methods_meet_the_same_parts(scores):
    parts_of = [run_entry(scores, entry(name)).inner[["fold", "utterance", "part"]] for name in ("mean", "entropy")]
    first, second = (table.sort_values(["fold", "utterance"], ignore_index=True) for table in parts_of)
    pd.testing.assert_frame_equal(first, second)


@given(st.integers(2, 12), st.integers(2, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_parts_keep_dialogs_whole_and_are_alike(dialogs, count, seed):
    random = np.random.default_rng(seed)
    rows = make_scores(120, seed=seed % 1000).assign(fold="a", utterance=[f"u{row}" for row in range(120)])
    whole = rows.assign(dialog=random.integers(0, dialogs, 120).astype(str))
    number = divide(whole, count, seed)
    assert pd.Series(number).groupby(whole["dialog"]).nunique().max() == 1
    assert set(number) <= set(range(min(count, whole["dialog"].nunique())))
    alone = divide(rows.assign(dialog=None), count, seed)
    shares = pd.crosstab(alone, rows["emotion"])
    assert shares.shape == (count, 4) and np.ptp(shares.to_numpy(), axis=0).max() <= 1


def test_one_dialog_is_divided_with_a_warning_and_too_few_utterances_are_named(caplog):
    rows = make_scores(12).assign(fold="a", dialog="talk", utterance=[f"u{row}" for row in range(12)])
    assert np.bincount(divide(rows, 3, 0)).tolist() == [4, 4, 4]
    said = "fold a: all validation utterances are of one dialog, which is divided to choose a method"
    assert caplog.messages == [said]
    assert (divide(rows, 3, 0) != divide(rows, 3, 1)).any()
    with pytest.raises(InputError) as caught:
        divide(rows.drop_duplicates("emotion").head(2), 3, 0)
    said = "fold a: validation has 2 utterances; should have two of an emotion at least, to choose a method"
    assert caught.value.problems == [said]


def test_all_parts_together_have_at_least_as_many_trials_as_the_fit_and_else_the_same_parameters():
    method = METHODS["entropy"](trials=10, budget=0.3)
    assert [_again(method, parts).get_params()["trials"] for parts in (2, 3, 10)] == [5, 4, 1]
    assert _again(method, 3).get_params() == method.get_params() | {"trials": 4}
    assert _again(METHODS["mean"](weight=0.1), 3).get_params() == {"weight": 0.1}


def test_folds_differ_in_their_seeds_and_names_decide_them(scores):
    first = run_entry(scores, entry("entropy")).trials
    other = run_entry(scores, entry("entropy"), "another name").trials
    assert not first.equals(other)
    assert first.equals(run_entry(scores, entry("entropy")).trials)


def test_a_fold_without_rows_to_fit_on_or_to_test_is_named(scores):
    broken = scores[~((scores["fold"] == "a") & (scores["split"] == "validation"))]
    broken = broken[~((broken["fold"] == "b") & (broken["split"] == "test"))]
    with pytest.raises(InputError) as caught:
        run_entry(broken, entry("mean"))
    assert caught.value.problems == [
        "fold a: has no utterance in validation; method mean needs some",
        "fold b: has no utterance in test; method mean needs some",
    ]
    with pytest.raises(InputError, match="fold a: has no utterance in train, validation; method mean needs some"):
        run_entry(scores[scores["split"] == "test"], entry("mean") | {"fit_on": ["train", "validation"]})


def test_a_method_from_a_file_works_alike(scores, tmp_path):
    file = tmp_path / "loud.py"
    file.write_text('from emofuse.fusion.single import Speech\n\n\nclass Loud(Speech):\n    """Speech, elsewhere."""\n')
    method = entry("speech") | {"estimator": "loud.py:Loud"}
    predictions, parameters, *_ = fuse(scores, method, f"{file}:Loud", [0], "loud", 3)
    pd.testing.assert_frame_equal(predictions, run_entry(scores, entry("speech")).predictions)
    assert (parameters["method"], parameters["estimator"]) == ("loud", "loud.py:Loud")


def test_a_front_is_what_its_points_come_to_on_the_test_rows_of_each_condition(scores):
    scores = scores.assign(condition=np.where(scores.index % 2, "improvised", "scripted"))
    result = run_entry(scores, entry("entropy_varentropy", search="exact", budget=0.3), "pareto")
    table = tables.check(result.front, contracts.FRONT, "front")
    assert table["method"].unique().tolist() == ["pareto"]
    assert set(table["condition"]) == {"all", *scores["condition"]}
    for (fold, condition), points in table.groupby(["fold", "condition"]):
        assert len(points) == len(result.parameters["folds"][fold]["front"]) > 1
        test = scores[(scores["fold"] == fold) & (scores["split"] == "test")]
        test = test[(test["condition"] == condition) | (condition == "all")]
        voice = test[tables.SPEECH].to_numpy().argmax(axis=1)
        ua = accuracy.unweighted_accuracy(accuracy.indices(test["emotion"]), voice)
        assert points.iloc[0][["selected", "UA"]].tolist() == [0, ua]


def test_a_condition_that_only_one_fold_tests_has_its_front_there(scores):
    scores = scores.assign(condition=np.where((scores["fold"] == "a") & (scores.index % 2), "scripted", "improvised"))
    front = run_entry(scores, entry("entropy_varentropy", search="exact", budget=0.1), "pareto").front
    assert front.groupby("fold")["condition"].agg(set).to_dict() == {
        "a": {"all", "improvised", "scripted"},
        "b": {"all", "improvised"},
    }


def test_a_front_of_what_reads_dialogs_goes_through_what_is_predicted(scores):
    """A cascade that selects its whole budget is one point of its front."""
    result = run_entry(scores, entry("cascade", budget=0.3))
    points = result.front[(result.front["point"] == 30) & (result.front["condition"] == "all")].set_index("fold")
    for fold, rows in result.predictions.groupby("fold"):
        ua = accuracy.unweighted_accuracy(*(accuracy.indices(rows[name]) for name in ("emotion", "predicted")))
        assert points.loc[fold, ["UA", "selected"]].tolist() == [ua, rows["selected"].mean()]


def test_fitted_on_its_test_rows_a_front_rises(scores):
    method = entry("entropy_varentropy", search="exact", budget=0.3) | {"fit_on": ["test"]}
    front = run_entry(scores, method, "pareto").front
    for _, points in front[front["condition"] == "all"].groupby("fold"):
        assert points["selected"].is_monotonic_increasing and points["UA"].is_monotonic_increasing


def test_methods_are_told_of_labels_in_dialogs_those_of_training_alone(scores):
    told = around(scores)
    assert (told["emotion"].notna() == (scores["split"] == "train")).all()
    pd.testing.assert_frame_equal(told.drop(columns="emotion"), scores.drop(columns="emotion"))
