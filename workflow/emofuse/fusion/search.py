"""Searching thresholds: what is searched, how, and how well any search could do.

What is searched is a :data:`Candidate`: for each emotion that the speech classifier predicts,
a threshold on each measure of uncertainty and a mapping of the sentiment.
:func:`optimum` and :func:`front` find the exact best one where the objective is a sum over utterances;
:func:`sample` asks an Optuna sampler.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from emofuse import accuracy
from emofuse.accuracy import Floats, Indices
from emofuse.fusion.corners import NOTHING, Changes, Plane
from emofuse.fusion.thresholds import Candidate, Evidence, Rule
from emofuse.tables import EMOTIONS

if TYPE_CHECKING:  # optuna takes a while to import: only those who search pay for it
    import optuna

Sum = Literal["UA", "WA"]
Objective = Literal[Sum, "F1"]
"""What a search can maximise: unweighted accuracy (mean recall), weighted accuracy, macro-F1."""

SUMS = get_args(Sum)
"""Objectives that are sums over utterances, for which the exact optimum is known."""

SELECTED = "selected"
"""The second objective of a search with two: the share of utterances that are selected, which is to be small."""

EVERY = 10_000
"""The most utterances of which a front is known at every share."""

STEPS = 1_000
"""Of more utterances, a front is known at the shares 0, 1 / STEPS, … 1."""

Sampler = Literal["TPE", "random", "QMC", "CMA-ES", "NSGA-II"]
"""Samplers of Optuna, by their usual names."""

SAMPLERS_OF_ONE_OBJECTIVE = ("CMA-ES",)
"""Those that cannot search with a second objective."""


@dataclass(frozen=True)
class Task(Evidence):
    """Labelled utterances on which thresholds are searched.

    Args:
        emotion: (utterances,) what is true, as an index
    """

    emotion: Indices
    rows: dict[int, Indices] = field(init=False)
    """The utterances of each predicted emotion that occurs."""

    def __post_init__(self) -> None:
        rows = {int(index): np.flatnonzero(self.predicted == index) for index in np.unique(self.predicted)}
        object.__setattr__(self, "rows", rows)

    def weights(self, objective: str) -> Floats:
        """What each utterance adds to the objective when it is right, (utterances,).

        For UA, 1 / (classes · utterances of its class); for WA, 1 / utterances.
        """
        if objective == "WA":
            return np.full(len(self.emotion), 1 / len(self.emotion))
        counts = np.bincount(self.emotion, minlength=len(EMOTIONS))
        return 1 / (np.count_nonzero(counts) * counts[self.emotion])

    def worth(self, objective: str) -> Indices:
        """The weights as whole numbers in the same proportion, (utterances,): sums are exact and so are ties.

        Where classes are so large that their least common multiple exceeds 2⁵⁸, they are rounded, which changes a sum
        by less than utterances · 2⁻⁵⁸ of it.
        """
        if objective == "WA":
            return np.ones(len(self.emotion), dtype=np.int64)
        counts = np.bincount(self.emotion)
        common = min(math.lcm(*counts[counts > 0].tolist()), 1 << 58)
        return (common // np.maximum(counts, 1))[self.emotion]

    def value(self, candidate: Candidate, objective: str) -> float:
        """An objective of a candidate, between 0 and 1: one of :data:`Objective`, or :data:`SELECTED`."""
        decided, selected = self.decide(candidate)
        if objective == SELECTED:
            return float(selected.mean())
        if objective in SUMS:  # in the order in which the exact search adds, so that both agree to the last digit
            return float(self.weights(objective)[decided == self.emotion].sum())
        return float(accuracy.from_confusion(accuracy.confusion(self.emotion, decided), objective))


def optimum(task: Task, objective: str = "UA") -> Candidate:
    """The exact best candidate for an objective that is a sum over utterances.

    Such an objective is separate for each predicted emotion. Within one, an utterance adds
    w · (1[mapped right] − 1[speech right]) when it is selected, and a pair of thresholds selects a corner of the
    plane of the two measures: :meth:`emofuse.fusion.corners.Plane.best`.
    Of equally good candidates, the first mapping and the smallest region by the first measure win.

    Args:
        task: the labelled utterances
        objective: one of :data:`SUMS`

    Returns:
        the candidate; an emotion where no selection gains anything has no rule
    """
    worth = task.worth(objective)
    best: Candidate = {}
    for index, rows in task.rows.items():
        mappings, changes = _changes(task, index, rows)
        # Utterances that gain and lose nothing under any mapping need no place in the plane.
        active = changes.any(axis=0)
        if active.any():
            plane = Plane(task.measures[rows[active]])
            gain, number, corner = plane.best(changes[:, active], worth[rows[active]])
            if gain:
                best[index] = Rule(plane.thresholds(*corner), int(mappings[number]))
    return best


def front(task: Task, objective: str = "UA", budget: float | None = None) -> list[Candidate]:
    """The exact Pareto front of an objective against the share of utterances that are selected.

    For each predicted emotion, the best gain for each number of selected utterances
    (:meth:`emofuse.fusion.corners.Plane.front`); these are then joined, emotion by emotion, by the best way to divide
    each number between them. That takes O(n²) time and O(n) memory.
    Up to :data:`EVERY` utterances the front is known at every share. Of more it has the exact best candidate of
    each share that is a multiple of :func:`step`, and of the budget.

    Args:
        task: the labelled utterances
        objective: one of :data:`SUMS`
        budget: a share at which the front is known too

    Returns:
        candidates with rising share and rising objective, the first selects nothing
    """
    worth = task.worth(objective)
    best = np.zeros(1, dtype=np.int64)  # the largest gain for each number selected, so far for no emotion
    choices: list[tuple[int, Indices, dict[int, Rule]]] = []
    for index, rows in task.rows.items():
        mappings, changes = _changes(task, index, rows)
        plane = Plane(task.measures[rows])
        numbers, gains, corners = plane.front(changes, worth[rows])
        joined = np.full(len(best) + numbers[-1], NOTHING)
        portions = np.zeros(len(joined), dtype=np.int32)
        for number, gain in zip(numbers, gains, strict=True):
            part = slice(number, number + len(best))
            total = best + gain
            better = total > joined[part]
            np.copyto(joined[part], total, where=better)
            np.copyto(portions[part], number, where=better)
        best = joined
        rules = {
            int(number): Rule(plane.thresholds(*corner), int(mappings[mapping]))
            for number, (mapping, *corner) in zip(numbers[1:], corners[1:], strict=True)
        }
        choices.append((index, portions, rules))

    rising = np.flatnonzero(np.diff(np.maximum.accumulate(best), prepend=-1))
    if step(task) is not None:
        shares = np.append(np.arange(STEPS + 1) / STEPS, [] if budget is None else budget)
        rising = np.unique(rising[np.searchsorted(rising / len(task.emotion), shares, side="right") - 1])
    return [_divided(int(number), choices) for number in rising]


def step(task: Task) -> float | None:
    """The step between the shares at which a front is known; ``None`` if it is known at every share."""
    return 1 / STEPS if len(task.emotion) > EVERY else None


def _divided(number: int, choices: Sequence[tuple[int, Indices, dict[int, Rule]]]) -> Candidate:
    """The candidate that selects this many utterances, divided in the best way."""
    candidate: Candidate = {}
    for index, portions, rules in reversed(choices):
        if portions[number]:
            candidate[index] = rules[int(portions[number])]
        number -= int(portions[number])
    return candidate


def _changes(task: Task, index: int, rows: Indices) -> tuple[Indices, Changes]:
    """The first mapping of each group that changes all these utterances alike, and what it changes."""
    emotion = task.emotion[rows]
    changes = (task.mapped[:, rows] == emotion).astype(np.int8) - (emotion == index).astype(np.int8)
    firsts: dict[bytes, int] = {}
    for mapping, change in enumerate(changes):
        firsts.setdefault(change.tobytes(), mapping)
    mappings = np.array(list(firsts.values()))
    return mappings, changes[mappings]


def listed(task: Task, candidates: Sequence[Candidate], objective: str) -> pd.DataFrame:
    """The candidates of an exact search as a table of trials."""
    return pd.DataFrame(
        {
            "trial": range(len(candidates)),
            objective: [task.value(candidate, objective) for candidate in candidates],
            SELECTED: [task.value(candidate, SELECTED) for candidate in candidates],
            "on_front": True,
        }
    )


@dataclass(frozen=True)
class Space:
    """What a sampler may try: a threshold per measure, and a mapping, for each emotion that is predicted.

    A threshold lies anywhere between the least value of its measure and just above the largest,
    where nothing is selected.

    Args:
        ranges: by emotion, the lowest and the highest threshold of each measure
        names: (measures,) their names
        mappings: the number of mappings
    """

    ranges: dict[int, list[tuple[float, float]]]
    names: Sequence[str]
    mappings: int

    @classmethod
    def of(cls, task: Task, names: Sequence[str]) -> Space:
        """All that makes a difference on labelled utterances."""
        ranges = {
            index: [
                (float(column.min()), float(np.nextafter(column.max(), np.inf))) for column in task.measures[rows].T
            ]
            for index, rows in task.rows.items()
        }
        return cls(ranges, names, len(task.mapped))

    def suggest(self, trial: optuna.trial.BaseTrial) -> Candidate:
        """The candidate that a trial stands for, in parameters ``<emotion>.<measure>`` and ``<emotion>.mapping``."""
        labels = [str(number) for number in range(self.mappings)]
        return {
            index: Rule(
                tuple(
                    trial.suggest_float(f"{EMOTIONS[index]}.{name}", low, high)
                    for name, (low, high) in zip(self.names, extent, strict=True)
                ),
                int(trial.suggest_categorical(f"{EMOTIONS[index]}.mapping", labels)),
            )
            for index, extent in self.ranges.items()
        }

    def parameters(self, candidate: Candidate) -> dict[str, float | str]:
        """The parameters of a candidate: what :meth:`suggest` reads."""
        parameters: dict[str, float | str] = {}
        for index, extent in self.ranges.items():
            rule = candidate.get(index, Rule(tuple(high for _, high in extent), 0))
            for name, threshold in zip(self.names, rule.thresholds, strict=True):
                parameters[f"{EMOTIONS[index]}.{name}"] = threshold
            parameters[f"{EMOTIONS[index]}.mapping"] = str(rule.mapping)
        return parameters


def sample(
    task: Task,
    space: Space,
    objectives: Sequence[str],
    sampler: Sampler,
    trials: int,
    seed: int,
    first: Sequence[Candidate] = (),
) -> tuple[list[optuna.trial.FrozenTrial], list[optuna.trial.FrozenTrial]]:
    """Ask an Optuna sampler for good candidates.

    Args:
        task: the labelled utterances
        space: what may be tried
        objectives: one of :data:`Objective`, or that and :data:`SELECTED`
        sampler: the sampler
        trials: how many candidates to try
        seed: the sampler's seed
        first: candidates that are tried before any other (warm start), as many as there are trials

    Returns:
        all trials, and the best of them: one, or those of the Pareto front by rising share
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["minimize" if name == SELECTED else "maximize" for name in objectives],
        sampler=_sampler(sampler, seed),
    )
    for candidate in first[:trials]:
        study.enqueue_trial(space.parameters(candidate))

    def evaluate(trial: optuna.Trial) -> tuple[float, ...]:
        candidate = space.suggest(trial)
        return tuple(task.value(candidate, name) for name in objectives)

    study.optimize(evaluate, n_trials=trials)
    if len(objectives) == 1:
        return study.trials, [study.best_trial]
    # The first of the trials that reach the same point of the front.
    points = {tuple(trial.values): trial for trial in reversed(study.best_trials)}
    return study.trials, sorted(points.values(), key=lambda trial: trial.values[1])


def tabulate(
    trials: Sequence[optuna.trial.FrozenTrial],
    best: Sequence[optuna.trial.FrozenTrial],
    objectives: Sequence[str],
    mappings: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """Trials as a table: objectives, thresholds, whether a trial is among the best, and the mapping of each emotion.

    Args:
        trials: all
        best: those on the front
        objectives: what their values are
        mappings: the parameters of each mapping
    """
    numbers, chosen = [], []
    for trial in trials:
        labels = {name: label for name, label in trial.params.items() if name.endswith(".mapping")}
        thresholds = {name: value for name, value in trial.params.items() if name not in labels}
        numbers.append(dict(zip(objectives, trial.values, strict=True)) | thresholds)
        chosen.append(
            {
                f"{name.removesuffix('mapping')}{key}": value
                for name, label in labels.items()
                for key, value in mappings[int(label)].items()
            }
        )
    table = pd.DataFrame(numbers).rename_axis("trial").reset_index()
    table["on_front"] = table["trial"].isin([trial.number for trial in best])
    return table.join(pd.DataFrame(chosen))


def _sampler(name: Sampler, seed: int) -> optuna.samplers.BaseSampler:
    from optuna import samplers

    return {
        "TPE": samplers.TPESampler,
        "random": samplers.RandomSampler,
        "QMC": samplers.QMCSampler,
        "CMA-ES": samplers.CmaEsSampler,
        "NSGA-II": samplers.NSGAIISampler,
    }[name](seed=seed)
