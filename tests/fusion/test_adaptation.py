"""An adaptation sees of the target what it says and no more, and does what its formula says."""

import functools
import json

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold, fuse, make_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emofuse import contracts, parts, tables
from emofuse.fusion import thresholds
from emofuse.fusion.adaptation.base import Task
from emofuse.fusion.adaptation.run import Method, run
from emofuse.fusion.adaptation.speakers import Speakers
from emofuse.fusion.adaptation.unlabelled import Share, carried, corrected, expected_prior
from emofuse.fusion.base import normalised
from emofuse.fusion.mapping import MAPPINGS
from emofuse.tables import EMOTIONS, SPEECH, InputError

PATHS = parts.known(parts.METHOD)
ADAPTATIONS = parts.known(parts.ADAPTATION)
PARAMETERS = {"entropy": {"search": "exact"}, "paper": {"steps": 10}}
SEED = [0, "target"]


def method(name):
    path = PATHS[name]
    values = parts.parameters(parts.load(path))(**PARAMETERS.get(name, {})).model_dump(mode="json")
    return Method(name, {"estimator": name, "fit_on": list(parts.load(path).fit_on), "parameters": values}, path)


METHODS = [method(name) for name in ("speech", "entropy", "paper", "bayes", "stacking")]


def adapt(scores, name, methods=METHODS, class_weights=False, **parameters):
    adaptation = parts.load(ADAPTATIONS[name])
    values = parts.parameters(adaptation)(**parameters).model_dump(mode="json")
    served = [each for each in methods if adaptation.serves(parts.load(each.path))]
    entry = {"adaptation": name, "parameters": values}
    return run_all(scores, entry, ADAPTATIONS[name], served, class_weights)


def run_all(scores, entry, path, methods, class_weights=False):
    """The adapted table of all folds, and what was learned."""
    adapted = []
    learned = run(by_fold(scores), entry, path, methods, SEED, adapted.append, class_weights=class_weights)
    return pd.concat(adapted, ignore_index=True), learned


CASES = {
    "standardise": ("standardise", {}),
    "prior": ("prior", {}),
    "share": ("share", {}),
    "speakers": ("speakers", {"k": [1, 2], "draws": 1}),
    "speakers alone": ("speakers", {"k": [3], "draws": 2, "refit": ["prior", "method"], "rows": "target"}),
    "the voice of speakers": ("speakers", {"k": [2], "draws": 1, "refit": ["temperature", "prior"]}),
}


@pytest.fixture(scope="module")
def scores():
    """Two source folds and six target speakers, whose voices are heard less clearly."""
    everything = []
    target = [make_scores(40, seed=100 + number, sharpness=0.8) for number in range(6)]
    for place, fold in enumerate(("Ses01", "Ses02")):
        for number, split in enumerate(("train", "validation")):
            part = make_scores(120, seed=10 * place + number)
            speakers = [f"{split}{row % 2}" for row in range(len(part))]
            everything.append(part.assign(fold=fold, split=split, speaker=speakers, utterance=range(len(part))))
        for number, part in enumerate(target):
            heard = part.assign(**dict(zip(SPEECH, normalised(part[SPEECH].to_numpy() ** (1 + place)).T, strict=True)))
            everything.append(heard.assign(fold=fold, split="test", speaker=f"T{number}", utterance=range(len(part))))
    table = pd.concat(everything, ignore_index=True)
    table["utterance"] = table["split"] + table["speaker"] + "_" + table["utterance"].astype(str)
    return table.assign(condition="improvised", transcript=None, dialog=None)


@pytest.fixture(scope="module")
def results(scores):
    """What comes of each case, computed once."""
    return functools.cache(lambda case: adapt(scores, CASES[case][0], **CASES[case][1]))


def test_every_adaptation_is_covered_and_says_what_it_sees():
    assert {name for name, _ in CASES.values()} == set(ADAPTATIONS)
    seen = {name: parts.load(path).sees for name, path in ADAPTATIONS.items()}
    assert seen.pop("speakers") == "labels of k target speakers"
    assert set(seen.values()) == {"target audio without labels"}


@pytest.mark.parametrize("path", ADAPTATIONS.values(), ids=list(ADAPTATIONS))
def test_an_adaptation_keeps_its_parameters_under_their_names(path):
    values = parts.parameters(parts.load(path))().model_dump()
    assert vars(parts.load(path)(**values)) == values


@pytest.mark.parametrize("case", CASES)
def test_every_other_target_utterance_is_predicted_once_per_fold_and_draw(scores, results, case):
    adapted, learned = results(case)
    tables.check(adapted, contracts.ADAPTED, case)
    json.dumps(learned, allow_nan=False)
    for method_name, of_folds in learned["methods"].items():
        for fold, draws in of_folds.items():
            for draw in draws:
                of_draw = (adapted["k"] == draw["k"]) & (adapted["draw"] == draw["draw"])
                rows = adapted[of_draw & (adapted["method"] == method_name) & (adapted["fold"] == fold)]
                test = scores[(scores["fold"] == fold) & (scores["split"] == "test")]
                test = test[~test["speaker"].isin(draw["speakers"])]
                assert rows["utterance"].tolist() == test["utterance"].tolist()
                assert rows["emotion"].tolist() == test["emotion"].tolist()
                assert len(draw["speakers"]) == draw["k"]


@pytest.mark.parametrize("case", CASES)
def test_labels_of_tested_speakers_change_neither_what_is_learned_nor_what_is_predicted(scores, results, case):
    name, parameters = CASES[case]
    adapted, learned = results(case)
    for number, draw in enumerate(learned["methods"]["entropy"]["Ses01"]):
        shuffled = scores.copy()
        tested = (scores["split"] == "test") & ~scores["speaker"].isin(draw["speakers"])
        shuffled.loc[tested, "emotion"] = np.random.default_rng(0).permutation(scores.loc[tested, "emotion"])
        assert (shuffled["emotion"] != scores["emotion"]).any()
        again, learned_again = adapt(shuffled, name, **parameters)
        for of_method, of_folds in learned["methods"].items():
            for fold, draws in of_folds.items():
                assert draws[number] == learned_again["methods"][of_method][fold][number]
        same = (adapted["k"] == draw["k"]) & (adapted["draw"] == draw["draw"])
        assert same.any()
        pd.testing.assert_frame_equal(adapted[same].drop(columns="emotion"), again[same].drop(columns="emotion"))


def test_labels_of_the_drawn_speakers_count(scores):
    stacking = METHODS[-1:]
    _, learned = adapt(scores, "speakers", stacking, k=[1], draws=1)
    (speaker,) = learned["methods"]["stacking"]["Ses01"][0]["speakers"]
    changed = scores.assign(emotion=scores["emotion"].mask(scores["speaker"] == speaker, "sad"))
    assert adapt(changed, "speakers", stacking, k=[1], draws=1)[1]["methods"] != learned["methods"]


CURIOUS = '''
from emofuse.fusion.adaptation.base import Adaptation, Adapted


class Curious(Adaptation):
    """Says what it is given."""

    def adapt(self, task):
        return Adapted(task.fitted, task.target, {"columns": [*task.target], "labelled": len(task.labelled)})
'''


def test_an_adaptation_from_a_file_is_given_no_emotion_of_the_target(scores, tmp_path):
    file = tmp_path / "curious.py"
    file.write_text(CURIOUS)
    entry = {"adaptation": "curious.py:Curious", "parameters": {}}
    _, learned = run_all(scores, entry, f"{file}:Curious", METHODS[:1])
    said = learned["methods"]["speech"]["Ses01"][0]["learned"]
    assert set(said["columns"]) == {*scores} - {"emotion"} and said["labelled"] == 0


def test_what_is_adapted_is_the_method_as_it_is_fitted_without_adaptation(scores, results):
    """Also one that reads dialogs, and learns from the labels of those that train."""
    place = np.arange(len(scores))
    talks = scores.assign(dialog=scores["split"] + pd.Series(place // 10, scores.index).astype(str), turn_start=place)
    context = method("context")
    for rows, methods, (_, learned) in (
        (scores, METHODS, results("standardise")),
        (talks, [context], adapt(talks, "standardise", [context])),
    ):
        for each in methods:
            parameters = fuse(rows, each.entry, each.path, SEED, each.name, 2).parameters
            for fold, (draw,) in learned["methods"][each.name].items():
                assert draw["learned"] == parameters["folds"][fold]


# --- The class prior -------------------------------------------------------------------------------------------------

weights = hnp.arrays(float, (4,), elements=st.floats(0.1, 1))


@given(weights, weights, st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_a_known_shift_of_the_prior_is_recovered(source, target, seed):
    source, target = source / source.sum(), target / target.sum()
    random = np.random.default_rng(seed)
    emotion = random.choice(4, size=6000, p=target)
    heard = random.normal(size=(6000, 4)) + 2 * np.eye(4)[emotion]
    posterior = normalised(source * np.exp(2 * heard))  # of Gaussians of variance 1 around 2 e_c
    np.testing.assert_allclose(expected_prior(posterior, source), target, atol=0.04)


@given(hnp.arrays(float, st.tuples(st.integers(1, 12), st.just(4)), elements=st.floats(0.01, 1)), weights)
@settings(max_examples=50)
def test_no_step_lowers_the_likelihood_and_the_last_prior_stays(probability, source):
    probability, source = normalised(probability), source / source.sum()

    def likelihood(prior):
        return np.log((probability * prior / source).sum(axis=1)).sum()

    prior = source
    for _ in range(20):
        former, prior = prior, corrected(probability, source, prior).mean(axis=0)
        assert likelihood(prior) >= likelihood(former) - 1e-9
    last = expected_prior(probability, source)
    assert likelihood(last) >= likelihood(prior) - 1e-6
    assert last.sum() == pytest.approx(1)


def test_a_target_that_is_like_the_source_keeps_its_prior(scores):
    voice = normalised(scores[SPEECH].to_numpy())
    np.testing.assert_allclose(expected_prior(voice, voice.mean(axis=0)), voice.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(corrected(voice, voice.mean(axis=0), voice.mean(axis=0)), voice)


def test_what_the_source_never_met_stays_impossible_and_no_utterance_is_lost():
    before, after = np.array([0.5, 0.5, 0, 0]), np.array([1.0, 0, 0, 0])
    voice = np.array([[0.5, 0.4, 0.1, 0], [0, 1.0, 0, 0]])
    np.testing.assert_array_equal(corrected(voice, before, after), [[1, 0, 0, 0], [0, 1, 0, 0]])


def test_the_source_prior_is_that_of_the_training_rows_and_even_where_emotions_weighed_the_same(scores):
    rare = scores[~((scores["split"] == "train") & (scores["emotion"] == "sad"))]
    (draw,) = adapt(rare, "prior", METHODS[:1])[1]["methods"]["speech"]["Ses01"]
    train = rare[(rare["split"] == "train") & (rare["fold"] == "Ses01")]
    shares = train["emotion"].value_counts(normalize=True).reindex(EMOTIONS, fill_value=0).to_dict()
    assert draw["learned"]["source_prior"] == pytest.approx(shares)
    (draw,) = adapt(rare, "prior", METHODS[:1], class_weights=True)[1]["methods"]["speech"]["Ses01"]
    assert list(draw["learned"]["source_prior"].values()) == [1 / 3, 1 / 3, 1 / 3, 0]
    assert draw["learned"]["target_prior"]["sad"] == 0


# --- Thresholds by share ---------------------------------------------------------------------------------------------


def fit(name, rows):
    fitted = parts.load(PATHS[name])(**PARAMETERS.get(name, {"search": "exact"}))
    return fitted.fit(rows[fitted.columns], rows["emotion"])


def weigh(fitted, rows):
    return thresholds.weigh(rows[fitted.columns].to_numpy(), fitted.measures, MAPPINGS[:1])


def selected_share(rules, names, evidence, index):
    """The share of the rows with a prediction that the bound of each measure selects."""
    rows = evidence.predicted == index
    bounds = [rules[EMOTIONS[index]][name] for name in names]
    if None in bounds:
        return np.zeros(len(names))
    signs = [thresholds.MEASURES[name][1] for name in names]
    return (evidence.measures[rows] >= np.array(signs) * bounds).mean(axis=0)


@pytest.mark.parametrize("name", ["entropy", "varentropy", "confidence", "entropy_varentropy", "paper"])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_share_is_selected_of_the_target_as_of_the_source(name, seed):
    source, target = make_scores(200, seed=seed), make_scores(311, seed=seed + 50, sharpness=3)
    fitted = fit(name, source)
    sides = [weigh(fitted, rows) for rows in (source, target)]
    rules = carried(fitted.parameters_["thresholds"], fitted.measures, *sides)
    for index in range(len(EMOTIONS)):
        before = selected_share(fitted.parameters_["thresholds"], fitted.measures, sides[0], index)
        after = selected_share(rules, fitted.measures, sides[1], index)
        if (after > 0).all():
            np.testing.assert_allclose(after, before, atol=0.5 / (sides[1].predicted == index).sum() + 1e-9)
    itself = carried(fitted.parameters_["thresholds"], fitted.measures, sides[0], sides[0])
    now, then = (
        thresholds.apply(source[fitted.columns].to_numpy(), each, fitted.measures)
        for each in (itself, fitted.parameters_["thresholds"])
    )
    np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("name", ["paper", "entropy_varentropy"])
def test_a_method_predicts_by_the_thresholds_that_are_carried_over(name):
    source, target = make_scores(200, seed=1), make_scores(311, seed=51, sharpness=3)
    fitted = fit(name, source)
    adapted = Share().adapt(Task(fitted, fit, source, np.full(4, 0.25), target[:0], target)).method
    rows = target[fitted.columns]
    assert adapted.parameters_["thresholds"] != fitted.parameters_["thresholds"]
    expected = thresholds.apply(rows.to_numpy(), adapted.parameters_["thresholds"], adapted.measures)[1]
    np.testing.assert_array_equal(adapted.selected(rows), expected)
    assert (adapted.selected(rows) != fitted.selected(rows)).any()


def test_an_emotion_that_the_voice_never_predicts_of_the_target_keeps_its_rule():
    source, target = make_scores(200, seed=1), make_scores(60, seed=2)
    fitted = fit("entropy", source)
    target = target[target[SPEECH].to_numpy().argmax(axis=1) != EMOTIONS.index("angry")]
    before = fitted.parameters_["thresholds"]
    rules = carried(before, fitted.measures, *(weigh(fitted, rows) for rows in (source, target)))
    assert rules["angry"] == before["angry"] and rules["sad"] != before["sad"]


# --- Labelled speakers -----------------------------------------------------------------------------------------------


@given(st.integers(2, 12), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=50)
def test_draws_are_nested_seeded_and_begin_with_different_speakers(count, draws, seed):
    names = [f"s{number}" for number in range(count)]
    drawn = list(Speakers(k=(4, 1, 2), draws=draws).draw_speakers(names, [seed]))
    assert drawn == list(Speakers(k=(4, 1, 2), draws=draws).draw_speakers(names, [seed]))
    by_draw = {}
    for draw in drawn:
        assert len(set(draw.speakers)) == draw.k < count
        assert draw.speakers[: len(by_draw.get(draw.draw, []))] == by_draw.get(draw.draw, [])
        by_draw[draw.draw] = draw.speakers
    assert len(by_draw) == draws
    firsts = [speakers[0] for speakers in by_draw.values()]
    assert len(set(firsts)) == min(draws, count)


def test_other_names_draw_other_speakers():
    names = [f"s{number}" for number in range(12)]
    drawn = [list(Speakers().draw_speakers(names, [seed])) for seed in range(2)]
    assert drawn[0] != drawn[1]


def test_a_k_that_leaves_nobody_to_test_is_left_out_and_said(scores, caplog):
    adapted, learned = adapt(scores, "speakers", METHODS[:1], k=[1, 6], draws=1)
    said = "k is 6, but the target has 6 speakers; should be less, so that some are left to test"
    assert learned["left_out"] == [said] and f"left out: {said}" in caplog.messages
    assert set(adapted["k"]) == {1}
    with pytest.raises(InputError, match="k is 6, but the target has 6 speakers"):
        adapt(scores, "speakers", METHODS[:1], k=[6], draws=1)


def test_speakers_of_all_folds_are_drawn_from_also_where_the_last_fold_lacks_one(scores):
    fewer = scores[(scores["fold"] == "Ses01") | (scores["speaker"] != "T0")]
    _, learned = adapt(fewer, "speakers", METHODS[:1], k=[5], draws=1, refit=["prior"])
    assert learned["left_out"] == [] and len(learned["methods"]["speech"]["Ses01"]) == 1


def test_the_same_k_twice_is_refused():
    values = {"k": [1, 2, 1], "refit": ["method"]}
    assert list(Speakers.conflicts(**values)) == ["k is [1, 2, 1]; should hold each value once"]
    values = {"k": [1], "refit": ["prior", "prior"]}
    assert list(Speakers.conflicts(**values)) == ["refit is ['prior', 'prior']; should hold each value once"]


def test_labelled_speakers_calibrate_the_voice(scores):
    """The target's voices are sharpened by 3 in the second fold: its temperature is higher."""
    sharp = scores.copy()
    rows = (sharp["fold"] == "Ses02") & (sharp["split"] == "test")
    sharp.loc[rows, SPEECH] = normalised(sharp.loc[rows, SPEECH].to_numpy() ** 3)
    _, learned = adapt(sharp, "speakers", METHODS[:1], k=[4], draws=1, refit=["temperature"])
    first, second = (learned["methods"]["speech"][fold][0]["learned"]["temperature"] for fold in ("Ses01", "Ses02"))
    assert second == pytest.approx(first * 6, rel=1e-3)  # squared by the fixture, then cubed


@pytest.mark.parametrize(("rows", "expected"), [({}, 100), ({"rows": "both"}, 100), ({"rows": "target"}, 40)])
def test_the_method_is_fitted_again_on_both_corpora_or_on_the_target_alone(rows, expected):
    source, labelled, target = (make_scores(count, seed=count) for count in (60, 40, 20))
    fitted, again = fit("entropy", source), []

    def refit(given):
        again.append(given)
        return fit("entropy", given)

    task = Task(fitted, refit, source, np.full(4, 0.25), labelled, target)
    adapted = Speakers(refit=["method"], **rows).adapt(task)
    assert [len(given) for given in again] == [expected]
    assert again[0].tail(40).equals(labelled)
    assert adapted.target.equals(target)
    assert adapted.learned == {"method": adapted.method.parameters_}
    assert task.fitted is fitted and adapted.method is not fitted


def test_labelled_speakers_tell_the_prior_by_the_shares_of_their_emotions():
    """One is added to every count: an emotion that they lack stays possible."""
    source, target = make_scores(60), make_scores(20, seed=1)
    labelled = make_scores(40, seed=2)
    labelled = labelled[labelled["emotion"].isin(["angry", "sad"])]
    task = Task(fit("entropy", source), None, source, np.array([0.1, 0.2, 0.3, 0.4]), labelled, target)
    adapted = Speakers(refit=["prior"]).adapt(task)
    expected = np.array([11, 1, 1, 11]) / 24
    assert adapted.learned == {"prior": pytest.approx(dict(zip(EMOTIONS, expected, strict=True)))}
    voice = corrected(normalised(target[SPEECH].to_numpy()), task.prior, expected)
    np.testing.assert_allclose(adapted.target[SPEECH], voice)
    assert adapted.method is task.fitted


def test_what_folds_lack_is_all_named_with_what_needs_it(scores):
    broken = scores[~((scores["fold"] == "Ses01") & (scores["split"] == "train"))]
    broken = broken[~((broken["fold"] == "Ses02") & (broken["split"] == "validation"))]
    with pytest.raises(InputError) as caught:
        adapt(broken, "prior", METHODS[:2])
    assert caught.value.problems == [
        "fold Ses01: has no utterance in train; the adaptation needs some",
        "fold Ses02: has no utterance in validation; method speech needs some",
        "fold Ses02: has no utterance in validation; method entropy needs some",
    ]


def test_what_is_learned_says_of_which_adaptation_and_what_that_sees(results):
    _, learned = results("speakers")
    assert (learned["adaptation"], learned["sees"]) == ("speakers", "labels of k target speakers")
    assert learned["parameters"]["k"] == [1, 2] and learned["left_out"] == []
    draws = learned["methods"]["entropy"]["Ses01"]
    assert [(draw["k"], draw["draw"]) for draw in draws] == [(1, 0), (2, 0)]
