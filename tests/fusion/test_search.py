"""The exact search is exact: never below any other."""

import itertools
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from helpers import make_scores
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import accuracy, parts
from emofuse.fusion import search
from emofuse.fusion.mapping import MAPPINGS
from emofuse.fusion.selection import Confidence, Entropy, EntropyVarentropy, Varentropy
from emofuse.fusion.thresholds import Rule
from emofuse.tables import EMOTIONS

SAMPLERS = get_args(search.Sampler)


@st.composite
def tasks(draw, most):
    """Tasks with many ties."""
    n, k = draw(st.integers(1, most)), draw(st.integers(1, 2))
    integers = st.integers(0, 3)
    values = draw(st.lists(st.lists(integers, min_size=k, max_size=k), min_size=n, max_size=n))
    column = st.lists(integers, min_size=n, max_size=n)
    mapped = draw(st.lists(column, min_size=1, max_size=3))
    predicted, emotion = draw(column), draw(column)
    return search.Task(np.array(values, float), np.array(predicted), np.array(mapped), np.array(emotion))


def every_candidate(task):
    rules = {}
    for index, rows in task.rows.items():
        thresholds = itertools.product(*[np.unique(column) for column in task.measures[rows].T])
        options = [Rule(pair, mapping) for pair in thresholds for mapping in range(len(task.mapped))]
        rules[index] = [None, *options]
    for chosen in itertools.product(*rules.values()):
        yield {index: rule for index, rule in zip(rules, chosen, strict=True) if rule is not None}


@settings(max_examples=150)
@given(tasks(5), st.sampled_from(search.SUMS))
def test_no_candidate_is_better_than_the_optimum(task, objective):
    best = task.value(search.optimum(task, objective), objective)
    assert best == pytest.approx(max(task.value(candidate, objective) for candidate in every_candidate(task)))


@settings(max_examples=80)
@given(tasks(5), st.sampled_from(search.SUMS))
def test_no_candidate_lies_above_the_front(task, objective):
    candidates = search.front(task, objective)
    points = [(task.value(candidate, search.SELECTED), task.value(candidate, objective)) for candidate in candidates]
    assert points == sorted(points)
    for candidate in every_candidate(task):
        share, value = task.value(candidate, search.SELECTED), task.value(candidate, objective)
        assert max(v for s, v in points if s <= share + 1e-12) >= value - 1e-12


def value_of_each_number(task, objective):
    """The largest objective of at most each number of selected utterances, by all corners and all divisions."""
    best = np.array([task.weights(objective)[task.predicted == task.emotion].sum()])
    for index, rows in task.rows.items():
        measures, emotion = task.measures[rows], task.emotion[rows]
        largest = np.append(0.0, np.full(len(rows), -np.inf))
        for pair in itertools.product(*[np.unique(column) for column in measures.T]):
            inside = (measures >= pair).all(axis=1)
            right = (task.mapped[:, rows[inside]] == emotion[inside]) * 1.0 - (emotion[inside] == index)
            number = inside.sum()
            largest[number] = max(largest[number], (right * task.weights(objective)[rows[inside]]).sum(axis=1).max())
        joined = np.full(len(best) + len(rows), -np.inf)
        for number, gain in enumerate(largest):
            part = joined[number : number + len(best)]
            np.maximum(part, best + gain, out=part)
        best = joined
    return np.maximum.accumulate(best)


def value_at(task, objective, candidates, share):
    """The largest objective of candidates that select no more than a share."""
    within = [candidate for candidate in candidates if task.value(candidate, search.SELECTED) <= share]
    return max(task.value(candidate, objective) for candidate in within)


@pytest.mark.parametrize("objective", search.SUMS)
def test_the_joined_front_loses_nothing_at_any_number(objective):
    """With so many utterances that one is worth less than 0.003: a loss of that at each join would not go unnoticed."""
    random = np.random.default_rng(0)
    task = search.Task(
        random.random((400, 2)),
        random.integers(0, 4, 400),
        random.integers(0, 4, (3, 400)),
        random.choice(4, 400, p=[0.1, 0.2, 0.3, 0.4]),
    )
    candidates = search.front(task, objective)
    numbers = [round(400 * task.value(candidate, search.SELECTED)) for candidate in candidates]
    values = [task.value(candidate, objective) for candidate in candidates]
    true = value_of_each_number(task, objective)
    # A point wherever the objective rises, and with the value of brute force.
    assert numbers == [0, *np.flatnonzero(np.diff(true) > 1e-12) + 1]
    assert values == pytest.approx(true[numbers], abs=1e-12)


@settings(max_examples=100)
@given(tasks(40), st.sampled_from(search.SUMS), st.integers(1, 12), st.floats(0, 1))
def test_the_front_of_many_is_exact_at_its_shares_and_within_a_step_between(task, objective, steps, budget):
    whole = search.front(task, objective)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "EVERY", 0)
        patch.setattr(search, "STEPS", steps)
        assert search.step(task) == 1 / steps
        some = search.front(task, objective, budget)
    assert all(candidate in whole for candidate in some)
    assert len(some) <= steps + 2
    for share in [*np.arange(steps + 1) / steps, budget]:
        assert value_at(task, objective, some, share) == value_at(task, objective, whole, share)
    for share in np.arange(len(task.emotion) + 1) / len(task.emotion):
        value = value_at(task, objective, some, share)
        assert value <= value_at(task, objective, whole, share)
        assert value >= value_at(task, objective, whole, max(0, share - 1 / steps))


def test_a_front_of_many_says_its_step(monkeypatch):
    scores = make_scores(200)

    def fitted(**parameters):
        method = EntropyVarentropy(budget=0.123, **parameters)
        return method.fit(scores[method.columns], scores["emotion"])

    every = fitted(search="exact")
    monkeypatch.setattr(search, "EVERY", 199)
    monkeypatch.setattr(search, "STEPS", 10)
    stepped = fitted(search="exact")
    assert "front_step" not in every.parameters_
    assert stepped.parameters_["front_step"] == 0.1
    assert len(stepped.parameters_["front"]) <= 12 < len(every.parameters_["front"])
    assert stepped.value_ == every.value_  # at the budget, which is no step
    assert "front_step" not in fitted(search="optuna", trials=3).parameters_


def test_classes_are_worth_exactly_the_same_in_all():
    """So that utterances of one class weigh out those of another to the last digit."""
    emotion = np.repeat([0, 1, 3], [3, 7, 11])
    worth = search.Task(np.zeros((21, 1)), emotion, emotion[None], emotion).worth("UA")
    assert worth[:3].sum() == worth[3:10].sum() == worth[10:].sum()


def test_the_worth_of_an_utterance_is_its_weight():
    """Also where the least common multiple of the classes' sizes, primes here, exceeds 64 bits."""
    sizes = [65521, 65537, 65539, 65543]
    emotion = np.repeat(np.arange(4), sizes)
    task = search.Task(np.zeros((len(emotion), 1)), emotion, emotion[None], emotion)
    for objective in search.SUMS:
        worth = task.worth(objective)
        assert sum(map(int, worth)) <= 1 << 60
        assert worth.dtype == np.int64
        np.testing.assert_allclose(worth / worth.sum(), task.weights(objective), rtol=1e-12)


@settings(max_examples=50)
@given(tasks(40), st.sampled_from(search.SUMS))
def test_the_front_ends_in_the_optimum(task, objective):
    last = search.front(task, objective)[-1]
    assert task.value(last, objective) == pytest.approx(task.value(search.optimum(task, objective), objective))


@settings(max_examples=50)
@given(tasks(40), st.sampled_from(accuracy.METRICS))
def test_an_objective_is_the_metric_of_that_name(task, objective):
    candidate = search.optimum(task)
    metric = accuracy.from_confusion(accuracy.confusion(task.emotion, task.decide(candidate)[0]), objective)
    assert task.value(candidate, objective) == pytest.approx(metric)


METHODS = [EntropyVarentropy, Entropy, Varentropy, Confidence]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_sampler_exceeds_the_optimum(method, sampler):
    scores = make_scores(300)
    fitted = method(sampler=sampler, trials=25).fit(scores[method.columns], scores["emotion"])
    assert fitted.value_ <= fitted.exact_ + 1e-12
    assert len(fitted.trials_) == 25
    assert fitted.trials_["UA"].max() == pytest.approx(fitted.value_)
    assert fitted.trials_.loc[fitted.trials_["on_front"], "UA"].max() == fitted.trials_["UA"].max()


@pytest.mark.parametrize("method", METHODS)
def test_an_enqueued_optimum_is_reached_in_the_first_trial(method):
    scores = make_scores(300)
    fitted = method(trials=3, enqueue_exact=True).fit(scores[method.columns], scores["emotion"])
    assert fitted.trials_["UA"][0] == pytest.approx(fitted.exact_)
    assert fitted.value_ == pytest.approx(fitted.exact_)


def test_listed_candidates_are_numbered_and_say_what_they_reach():
    scores = make_scores(100)
    fitted = EntropyVarentropy(search="exact", budget=0.5).fit(scores[Entropy.columns], scores["emotion"])
    table = fitted.trials_
    assert list(table.columns[:4]) == ["trial", "UA", "selected", "on_front"]
    assert table["trial"].tolist() == list(range(len(table)))
    assert table["on_front"].all()
    shares = [selected.mean() for _, selected in fitted.along_front(scores[Entropy.columns])]
    assert table["selected"].tolist() == shares


@pytest.mark.parametrize("budget", [None, 0.5])
def test_each_trial_says_what_it_tried_and_what_it_reached(budget):
    scores = make_scores(100)
    fitted = Entropy(trials=12, budget=budget).fit(scores[Entropy.columns], scores["emotion"])
    names = [name for name in ("strategy", "sentiment_score", "flip") if f"sad.{name}" in fitted.trials_]
    assert fitted.trials_["trial"].tolist() == list(range(12)) and names
    for row in fitted.trials_.to_dict("records"):
        tried = {
            emotion: {
                name: row[f"{emotion}.{name}"] for name in ("entropy", *names) if pd.notna(row[f"{emotion}.{name}"])
            }
            for emotion in EMOTIONS
        }
        decided, selected = Entropy.decide(scores[Entropy.columns].to_numpy(), tried)
        right = accuracy.unweighted_accuracy(accuracy.indices(scores["emotion"]), decided)
        assert row["UA"] == pytest.approx(right)
        assert budget is None or row["selected"] == selected.mean()
    best = fitted.trials_["UA"] == fitted.trials_["UA"].max()
    assert fitted.trials_.loc[fitted.trials_["on_front"], "trial"].is_unique
    assert fitted.trials_["on_front"][best.idxmax()]


def test_the_exact_search_maximises_the_objective_that_it_is_given():
    scores = make_scores(300)
    scores = scores[(scores["emotion"] == "sad") | (scores.index % 5 == 0)]  # UA and WA ask for different thresholds
    fitted = {
        objective: Entropy(search="exact", objective=objective).fit(scores[Entropy.columns], scores["emotion"])
        for objective in search.SUMS
    }
    right = {name: method.score(scores[method.columns], scores["emotion"]) for name, method in fitted.items()}
    assert fitted["WA"].value_ == pytest.approx(right["WA"]) and right["WA"] > right["UA"]


def test_an_ablation_never_exceeds_both_measures_together():
    scores = make_scores(300)
    exact = [m(search="exact").fit(scores[m.columns], scores["emotion"]).value_ for m in METHODS[:3]]
    assert exact[0] >= max(exact[1:])


def test_what_was_fitted_is_what_is_predicted():
    scores = make_scores(300)
    fitted = EntropyVarentropy(search="exact").fit(scores[EntropyVarentropy.columns], scores["emotion"])
    recalls = [(fitted.predict(scores[fitted.columns]) == name)[scores["emotion"] == name].mean() for name in EMOTIONS]
    assert np.mean(recalls) == pytest.approx(fitted.value_)


def test_the_search_is_the_same_for_the_same_seed_and_another_for_another():
    scores = make_scores(200)

    def trials(seed):
        method = EntropyVarentropy(trials=15, random_state=seed)
        return method.fit(scores[method.columns], scores["emotion"]).trials_

    assert trials(1).equals(trials(1))
    assert not trials(1).equals(trials(2))


def test_f1_is_searched_and_has_no_known_optimum():
    scores = make_scores(200)
    method = EntropyVarentropy(objective="F1", trials=15).fit(scores[EntropyVarentropy.columns], scores["emotion"])
    assert method.exact_ is None
    assert 0 < method.value_ <= 1


@pytest.mark.parametrize("search_by", ["exact", "optuna"])
def test_a_budget_is_kept_and_gives_a_front(search_by):
    scores = make_scores(300)
    method = EntropyVarentropy(search=search_by, budget=0.1, trials=60, sampler="NSGA-II")
    method.fit(scores[method.columns], scores["emotion"])
    assert method.selected(scores[method.columns]).mean() <= 0.1
    assert method.value_ <= method.exact_ + 1e-12
    shares, values = [], []
    for thresholds in method.parameters_["front"]:
        decided, selected = method.decide(scores[method.columns].to_numpy(), thresholds)
        shares.append(selected.mean())
        values.append(np.mean([(decided == i)[scores["emotion"] == name].mean() for i, name in enumerate(EMOTIONS)]))
    assert len(shares) > 1
    assert shares == sorted(shares) and values == sorted(values)


def test_a_budget_may_be_spent_to_the_last_utterance():
    scores = make_scores(100)
    whole = EntropyVarentropy(search="exact", budget=1.0).fit(scores[Entropy.columns], scores["emotion"])
    for point in whole.trials_.iloc[1::5].to_dict("records"):
        fitted = EntropyVarentropy(search="exact", budget=point["selected"])
        fitted.fit(scores[Entropy.columns], scores["emotion"])
        assert fitted.selected(scores[Entropy.columns]).mean() == point["selected"]
        assert fitted.value_ == point["UA"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"objective": "ua"}, "objective is 'ua'; should be one of UA, WA, F1"),
        ({"search": "grid"}, "search is 'grid'; should be one of optuna, exact"),
        ({"sampler": "tpe"}, "sampler is 'tpe'; should be one of TPE, random, QMC, CMA-ES, NSGA-II"),
        ({"trials": 0}, "trials is 0; should be at least 1"),
        ({"budget": 1.5}, "budget is 1.5; should be at most 1"),
        ({"strategies": ("guess",)}, "is 'guess'; should be one of simple, refer"),
        ({"strategies": ()}, r"strategies is \(\); should have 1 or more"),
        ({"trials": 0, "budget": -1}, "trials is 0; should be at least 1; budget is -1; should be at least 0"),
        (
            {"search": "exact", "objective": "F1"},
            "search is 'exact', which knows the objectives UA and WA; objective is 'F1'",
        ),
        (
            {"enqueue_exact": True, "objective": "F1"},
            "enqueue_exact is true, but the exact optimum is known for UA and WA alone; objective is 'F1'",
        ),
        (
            {"sampler": "CMA-ES", "budget": 0.2},
            "sampler is 'CMA-ES', which knows one objective; with a budget there are two, "
            "for which it should be one of TPE, random, QMC, NSGA-II",
        ),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    scores = make_scores(40)
    with pytest.raises(ValueError, match=message):
        EntropyVarentropy(**parameters).fit(scores[EntropyVarentropy.columns], scores["emotion"])


def defaults(**parameters):
    return parts.parameters(EntropyVarentropy)(**parameters).model_dump()


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("objective", get_args(search.Objective))
@pytest.mark.parametrize("budget", [None, 0.2])
@pytest.mark.parametrize("enqueue_exact", [False, True])
def test_parameters_that_do_not_conflict_work_together(sampler, objective, budget, enqueue_exact):
    """Also where there are fewer trials than points on the exact front."""
    parameters = defaults(sampler=sampler, objective=objective, budget=budget, enqueue_exact=enqueue_exact, trials=5)
    if not list(EntropyVarentropy.conflicts(**parameters)):
        scores = make_scores(60)
        method = EntropyVarentropy(**parameters).fit(scores[EntropyVarentropy.columns], scores["emotion"])
        assert len(method.trials_) == 5
        assert ("front" in method.parameters_) == EntropyVarentropy.has_front(**parameters) == (budget is not None)


def test_what_the_exact_search_ignores_is_no_conflict():
    parameters = defaults(search="exact", sampler="CMA-ES", budget=0.2, enqueue_exact=True)
    assert not list(EntropyVarentropy.conflicts(**parameters))


def test_every_mapping_is_among_the_choices():
    assert len(MAPPINGS) == 31
    scores = make_scores(300)
    only = EntropyVarentropy(search="exact", strategies=("refer",)).fit(scores[Entropy.columns], scores["emotion"])
    both = EntropyVarentropy(search="exact").fit(scores[Entropy.columns], scores["emotion"])
    assert {rule["strategy"] for rule in only.parameters_["thresholds"].values()} == {"refer"}
    assert both.value_ >= only.value_
