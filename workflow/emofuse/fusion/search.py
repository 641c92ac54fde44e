"""Searching thresholds: what is searched, how, and how well any search could do.

What is searched is a :class:`Selection`: for each emotion that the speech classifier predicts,
a threshold on each measure of uncertainty and a mapping of the sentiment.
:func:`optimum` and :func:`front` find the exact best one where the objective is a sum over utterances;
:func:`optuna_search` asks an Optuna sampler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse.fusion.base import Floats
from emofuse.fusion.mapping import Mapping
from emofuse.tables import EMOTIONS

Indices = npt.NDArray[np.intp]

SUMS = ("UA", "WA")
"""Objectives that are sums over utterances, for which the exact optimum is known."""

OBJECTIVES = (*SUMS, "F1")
"""What a search can maximise: unweighted accuracy (mean recall), weighted accuracy, macro-F1."""

ROUNDING = 1e-12
"""Gains that differ by less are equal: sums of weights in another order."""

SAMPLERS = ("TPE", "random", "QMC", "CMA-ES", "NSGA-II")
"""Samplers of Optuna, by their usual names."""


@dataclass(frozen=True)
class Rule:
    """What happens to the utterances that the speech classifier gives one emotion.

    Args:
        thresholds: (measures,) an utterance is selected where each measure reaches its threshold
        mapping: index of the mapping that is used for the selected
    """

    thresholds: tuple[float, ...]
    mapping: int


Candidate = dict[int, Rule]
"""A rule for each emotion that the speech classifier predicts; none means that nothing is selected there."""


@dataclass(frozen=True)
class Task:
    """Labelled utterances on which thresholds are searched.

    Args:
        measures: (utterances, measures) how uncertain the voice is, higher for more
        predicted: (utterances,) what the speech classifier says, as an index
        emotion: (utterances,) what is true, as an index
        mapped: (mappings, utterances) what each mapping of the sentiment says, as an index
    """

    measures: Floats
    predicted: Indices
    emotion: Indices
    mapped: Indices
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

    def decide(self, candidate: Candidate) -> tuple[Indices, npt.NDArray[np.bool_]]:
        """The emotions that a candidate decides for, and which utterances it selects, each (utterances,)."""
        decided, selected = self.predicted.copy(), np.zeros(len(self.predicted), dtype=bool)
        for index, rule in candidate.items():
            rows = self.rows[index]
            inside = rows[(self.measures[rows] >= rule.thresholds).all(axis=1)]
            selected[inside] = True
            decided[inside] = self.mapped[rule.mapping, inside]
        return decided, selected

    def value(self, candidate: Candidate, objective: str) -> float:
        """The objective of a candidate, between 0 and 1."""
        decided, _ = self.decide(candidate)
        if objective in SUMS:
            return float(self.weights(objective)[decided == self.emotion].sum())
        confusion = np.bincount(self.emotion * len(EMOTIONS) + decided, minlength=len(EMOTIONS) ** 2)
        confusion = confusion.reshape(len(EMOTIONS), len(EMOTIONS))
        true, said = confusion.sum(axis=1), confusion.sum(axis=0)
        occurs = true + said > 0
        return float((2 * confusion.diagonal()[occurs] / (true + said)[occurs]).mean())

    def share(self, candidate: Candidate) -> float:
        """The share of utterances that a candidate selects, between 0 and 1."""
        return float(self.decide(candidate)[1].mean())


def optimum(task: Task, objective: str = "UA") -> Candidate:
    """The exact best candidate for an objective that is a sum over utterances.

    Such an objective is separate for each predicted emotion. There, an utterance adds
    w · (1[mapped right] − 1[speech right]) when it is selected, and a pair of thresholds selects a corner of the
    plane of the two measures: on the grid of ranks, the sums of all corners are the cumulated sums over both axes.
    Of equally good candidates, the first mapping and the smallest region by the first measure is taken.

    Args:
        task: the labelled utterances
        objective: one of :data:`SUMS`

    Returns:
        the candidate; an emotion where no selection gains anything has no rule
    """
    weights = task.weights(objective)
    best: Candidate = {}
    for index, rows in task.rows.items():
        gains = _gains(task, weights, index, rows)
        # Utterances that gain and lose nothing under any mapping need no place on the grid.
        active = (gains != 0).any(axis=0)
        corners = _Corners(task.measures[rows[active]])
        largest = 0.0
        for mapping, gain in _distinct(gains[:, active]):
            sums = corners.sums(gain)
            corner = int(sums.argmax())
            if sums.flat[corner] > largest + ROUNDING:
                largest = float(sums.flat[corner])
                best[index] = Rule(corners.thresholds(corner), mapping)
    return best


def front(task: Task, objective: str = "UA") -> list[Candidate]:
    """The exact Pareto front of an objective against the share of utterances that are selected.

    For each predicted emotion, the best gain for each number of selected utterances;
    these are then joined, emotion by emotion, by the best way to divide each number between them.

    Args:
        task: the labelled utterances
        objective: one of :data:`SUMS`

    Returns:
        candidates with rising share and rising objective, the first selects nothing
    """
    weights = task.weights(objective)
    best = np.zeros(1)  # the largest gain for each number selected, so far for no emotion
    choices: list[tuple[int, Indices, dict[int, Rule]]] = []
    for index, rows in task.rows.items():
        corners = _Corners(task.measures[rows])
        counts = corners.sums(np.ones(len(rows))).ravel().round().astype(np.intp)
        gain_of = np.full(len(rows) + 1, -np.inf)
        gain_of[0] = 0.0
        rules: dict[int, Rule] = {}
        for mapping, gain in _distinct(_gains(task, weights, index, rows)):
            sums = corners.sums(gain).ravel()
            order = np.lexsort((-sums, counts))
            firsts = order[np.unique(counts[order], return_index=True)[1]]
            for corner in firsts[sums[firsts] > gain_of[counts[firsts]] + ROUNDING]:
                gain_of[counts[corner]] = sums[corner]
                rules[int(counts[corner])] = Rule(corners.thresholds(int(corner)), mapping)
        joined = np.full(len(best) + len(rows), -np.inf)
        taken = np.zeros(len(joined), dtype=np.intp)
        for number in np.flatnonzero(np.isfinite(gain_of)):
            part = joined[number : number + len(best)]
            total = best + gain_of[number]
            better = total > part + ROUNDING
            part[better] = total[better]
            taken[number : number + len(best)][better] = number
        best = joined
        choices.append((index, taken, rules))

    candidates = []
    highest = -np.inf
    for number in range(len(best)):
        if best[number] > highest + ROUNDING:
            highest = best[number]
            candidates.append(_divided(number, choices))
    return candidates


def _divided(number: int, choices: Sequence[tuple[int, Indices, dict[int, Rule]]]) -> Candidate:
    """The candidate that selects this many utterances, divided as the join found best."""
    candidate: Candidate = {}
    for index, taken, rules in reversed(choices):
        if taken[number]:
            candidate[index] = rules[int(taken[number])]
        number -= int(taken[number])
    return candidate


class _Corners:
    """The corners of the grid of ranks of one or two measures: all sets that thresholds can select.

    Args:
        measures: (utterances, 1 or 2)
    """

    def __init__(self, measures: Floats) -> None:
        self.values, places = [], []
        for measure in measures.T:
            values, place = np.unique(-measure, return_inverse=True)
            self.values.append(-values)
            places.append(place)
        self.shape = tuple(len(values) for values in self.values)
        self.cells = np.ravel_multi_index(places, self.shape) if len(measures) else np.empty(0, dtype=np.intp)

    def sums(self, gain: Floats) -> Floats:
        """The sum over each corner, cells from the most uncertain outwards, (ranks, …)."""
        grid = np.bincount(self.cells, gain, minlength=int(np.prod(self.shape))).reshape(self.shape)
        for axis in range(len(self.shape)):
            np.cumsum(grid, axis=axis, out=grid)
        return grid if grid.size else np.zeros(1)

    def thresholds(self, corner: int) -> tuple[float, ...]:
        places = np.unravel_index(corner, self.shape)
        return tuple(float(values[place]) for values, place in zip(self.values, places, strict=True))


def _gains(task: Task, weights: Floats, index: int, rows: Indices) -> Floats:
    """What each utterance adds when it is selected, for each mapping, (mappings, utterances)."""
    emotion = task.emotion[rows]
    right_after = (task.mapped[:, rows] == emotion).astype(np.float64)
    return weights[rows] * (right_after - (emotion == index))


def _distinct(gains: Floats) -> Iterator[tuple[int, Floats]]:
    """The first mapping of each group that changes all utterances alike, and its gains."""
    _, firsts = np.unique(gains, axis=0, return_index=True)
    for mapping in np.sort(firsts):
        yield int(mapping), gains[mapping]


def optuna_search(
    task: Task,
    names: Sequence[str],
    mappings: Sequence[Mapping],
    objectives: Sequence[str],
    sampler: str,
    trials: int,
    seed: int,
    first: Sequence[Candidate] = (),
) -> tuple[list[Candidate], pd.DataFrame]:
    """Ask an Optuna sampler for good candidates.

    Each emotion that the speech classifier predicts has a threshold per measure, anywhere between its least
    and its largest value (just above which nothing is selected), and a mapping.

    Args:
        task: the labelled utterances
        names: (measures,) their names, for the table of trials
        mappings: what ``task.mapped`` holds
        objectives: one of :data:`OBJECTIVES`, or that and ``selected``, the share to be kept small
        sampler: one of :data:`SAMPLERS`
        trials: how many candidates to try
        seed: the sampler's seed
        first: candidates that are tried before any other (warm start)

    Returns:
        the best candidate, or the candidates of the Pareto front by rising share,
        and the trials: objectives, and the parameters as ``<emotion>.<measure>`` and ``<emotion>.mapping``
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    labels = [str(number) for number in range(len(mappings))]
    ranges = {
        index: [(low, float(np.nextafter(high, np.inf))) for low, high in _extent(task.measures[rows])]
        for index, rows in task.rows.items()
    }

    def suggest(trial: optuna.Trial) -> Candidate:
        return {
            index: Rule(
                tuple(
                    trial.suggest_float(f"{EMOTIONS[index]}.{name}", low, high)
                    for name, (low, high) in zip(names, extent, strict=True)
                ),
                int(trial.suggest_categorical(f"{EMOTIONS[index]}.mapping", labels)),
            )
            for index, extent in ranges.items()
        }

    def evaluate(trial: optuna.Trial) -> tuple[float, ...]:
        candidate = suggest(trial)
        return tuple(
            task.share(candidate) if name == "selected" else task.value(candidate, name) for name in objectives
        )

    study = optuna.create_study(
        directions=["minimize" if name == "selected" else "maximize" for name in objectives],
        sampler=_sampler(sampler, seed),
    )
    for candidate in first:
        parameters: dict[str, float | str] = {}
        for index, extent in ranges.items():
            rule = candidate.get(index, Rule(tuple(high for _, high in extent), 0))
            parameters |= {f"{EMOTIONS[index]}.{name}": t for name, t in zip(names, rule.thresholds, strict=True)}
            parameters[f"{EMOTIONS[index]}.mapping"] = labels[rule.mapping]
        study.enqueue_trial(parameters)
    study.optimize(evaluate, n_trials=trials)

    table = pd.DataFrame(
        [dict(zip(objectives, trial.values, strict=True)) | trial.params for trial in study.trials]
    ).rename_axis("trial")
    if len(objectives) == 1:
        chosen = [study.best_trial]
    else:
        # The first of the trials that reach the same point of the front.
        points = {tuple(trial.values): trial for trial in reversed(study.best_trials)}
        chosen = sorted(points.values(), key=lambda trial: trial.values[1])
    table["on_front"] = table.index.isin([trial.number for trial in chosen])
    return [suggest(optuna.trial.FixedTrial(trial.params)) for trial in chosen], table.reset_index()


def _extent(measures: Floats) -> list[tuple[float, float]]:
    return [(float(column.min()), float(column.max())) for column in measures.T]


def _sampler(name: str, seed: int) -> object:
    from optuna import samplers

    return {
        "TPE": samplers.TPESampler,
        "random": samplers.RandomSampler,
        "QMC": samplers.QMCSampler,
        "CMA-ES": samplers.CmaEsSampler,
        "NSGA-II": samplers.NSGAIISampler,
    }[name](seed=seed)
