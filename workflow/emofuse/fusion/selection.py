"""Selection: where the voice is uncertain, the words decide.

The thresholds of the paper's rule, for each emotion that the voice predicts, searched for an objective
rather than for a high share of errors; and its ablations, each with one measure of uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse.fusion import search
from emofuse.fusion.base import Floats, FusionMethod, normalised, sentiment, speech, swap
from emofuse.fusion.mapping import MAPPINGS, Mapping
from emofuse.fusion.uncertainty import confidence, entropy, varentropy
from emofuse.tables import EMOTIONS

SEARCHES = ("optuna", "exact")

MEASURES: dict[str, tuple[Callable[..., Floats], int]] = {
    "entropy": (entropy, 1),
    "varentropy": (varentropy, -1),
    "confidence": (confidence, -1),
}
"""Each measure of uncertainty with its sign: +1 where high means uncertain, −1 where low does."""

Thresholds = dict[str, dict[str, Any]]
"""For each emotion that the voice predicts, the bound of each measure (``None``: select nothing) and the mapping."""


class Selection(FusionMethod):
    """Thresholds on measures of uncertainty, a mapping of the sentiment, both a predicted emotion.

    Args:
        objective: what is maximised on the rows of ``fit``: ``UA``, ``WA`` or ``F1``
        search: ``optuna``, or ``exact`` for the optimum itself (``UA`` and ``WA``, which are sums)
        sampler: the Optuna sampler: ``TPE``, ``random``, ``QMC``, ``CMA-ES`` or ``NSGA-II``
        trials: how many candidates Optuna tries, at least 1
        enqueue_exact: whether the exact optimum (or the exact front) is among the candidates that Optuna tries first
        strategies: which mappings of the negative sentiment may be chosen: ``simple``, ``refer``
        budget: the largest share of utterances that may be selected, between 0 and 1; with a budget the search has
            two objectives, the second being the share selected, and the best point of its Pareto front
            within the budget is taken. Without (``None``), only the objective counts.
        random_state: the sampler's seed

    Attributes:
        thresholds_: for each emotion the bound of each measure (``None`` where nothing is selected) and the mapping
        front_: with a budget, the thresholds of each point of the Pareto front, by rising share
        value_: the objective on the rows of ``fit``
        exact_: the largest value that any thresholds reach there (with a budget, within the budget),
            or ``None`` where that is not known
    """

    measures: ClassVar[tuple[str, ...]] = ()
    """The measures of uncertainty, names of :data:`MEASURES`."""

    def __init__(
        self,
        objective: str = "UA",
        search: str = "optuna",
        sampler: str = "TPE",
        trials: int = 200,
        enqueue_exact: bool = False,
        strategies: tuple[str, ...] = ("simple", "refer"),
        budget: float | None = None,
        random_state: int = 0,
    ) -> None:
        self.objective = objective
        self.search = search
        self.sampler = sampler
        self.trials = trials
        self.enqueue_exact = enqueue_exact
        self.strategies = strategies
        self.budget = budget
        self.random_state = random_state

    def _fit(self, scores: Floats, emotion: npt.NDArray[np.intp]) -> None:
        self._check_parameters()
        voice, words = speech(scores), sentiment(scores)
        mappings = [mapping for mapping in MAPPINGS if mapping.strategy in self.strategies]
        task = search.Task(
            measures=measure(voice, self.measures),
            predicted=voice.argmax(axis=1),
            emotion=emotion,
            mapped=np.stack([mapping(voice, words) for mapping in mappings]),
        )
        is_sum = self.objective in search.SUMS
        exact: list[search.Candidate] = []
        if is_sum:
            whole_front = self.budget is not None
            exact = search.front(task, self.objective) if whole_front else [search.optimum(task, self.objective)]

        if self.search == "exact":
            found = exact
            self.trials_ = pd.DataFrame(
                {
                    "trial": range(len(found)),
                    self.objective: [task.value(candidate, self.objective) for candidate in found],
                    "selected": [task.share(candidate) for candidate in found],
                    "on_front": True,
                }
            )
        else:
            found, self.trials_ = search.optuna_search(
                task,
                names=self.measures,
                mappings=mappings,
                objectives=[self.objective] if self.budget is None else [self.objective, "selected"],
                sampler=self.sampler,
                trials=self.trials,
                seed=self.random_state,
                first=exact if self.enqueue_exact else [],
            )
            for column in [name for name in self.trials_ if name.endswith(".mapping")]:
                options = self.trials_.pop(column)
                for key in ("strategy", "flip", "sentiment_score"):
                    values = [None if pd.isna(o) else mappings[int(o)].parameters()[key] for o in options]
                    self.trials_[column.replace("mapping", key)] = values

        best = self._within_budget(task, found)
        self.front_ = [self._described(candidate, mappings) for candidate in found] if self.budget is not None else []
        self.thresholds_ = self._described(best, mappings)
        self.value_ = task.value(best, self.objective)
        self.exact_ = task.value(self._within_budget(task, exact), self.objective) if exact else None
        self.parameters_ = {
            "thresholds": self.thresholds_,
            "objective": self.objective,
            "search": self.search,
            "value": self.value_,
            "exact": self.exact_,
        } | ({} if self.budget is None else {"front": self.front_})

    def _within_budget(self, task: search.Task, candidates: list[search.Candidate]) -> search.Candidate:
        if self.budget is None:
            return candidates[0]
        allowed = [candidate for candidate in candidates if task.share(candidate) <= self.budget]
        return max(allowed, key=lambda candidate: task.value(candidate, self.objective), default={})

    def _described(self, candidate: search.Candidate, mappings: list[Mapping]) -> Thresholds:
        """The thresholds in the measures' own units, by emotion."""
        described = {}
        for index, emotion in enumerate(EMOTIONS):
            rule = candidate.get(index)
            bounds = {
                name: None if rule is None else MEASURES[name][1] * rule.thresholds[place]
                for place, name in enumerate(self.measures)
            }
            described[emotion] = bounds | mappings[0 if rule is None else rule.mapping].parameters()
        return described

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return decide(scores, self.thresholds_, self.measures)[1]

    def _predict_proba(self, scores: Floats) -> Floats:
        return swap(normalised(speech(scores)), decide(scores, self.thresholds_, self.measures)[0])

    def _check_parameters(self) -> None:
        one_of = {"objective": search.OBJECTIVES, "search": SEARCHES, "sampler": search.SAMPLERS}
        for name, allowed in one_of.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} should be one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        if self.search == "exact" and self.objective not in search.SUMS:
            raise ValueError(f"search: exact knows the objectives {', '.join(search.SUMS)}, not {self.objective}")
        if self.trials < 1:
            raise ValueError(f"trials should be at least 1, not {self.trials}")
        if self.budget is not None and not 0 <= self.budget <= 1:
            raise ValueError(f"budget should be a share between 0 and 1, not {self.budget}")
        unknown = sorted(set(self.strategies) - {"simple", "refer"})
        if unknown or not self.strategies:
            raise ValueError(f"strategies should be of simple, refer, not {list(self.strategies)}")


class EntropyVarentropy(Selection):
    """Selected where entropy is at least, and varentropy at most, a threshold: uncertain and evenly torn."""

    measures = ("entropy", "varentropy")


class Entropy(Selection):
    """Selected where entropy is at least a threshold, whatever the varentropy."""

    measures = ("entropy",)


class Varentropy(Selection):
    """Selected where varentropy is at most a threshold, whatever the entropy."""

    measures = ("varentropy",)


class Confidence(Selection):
    """Selected where the largest probability is at most a threshold."""

    measures = ("confidence",)


def measure(voice: Floats, names: tuple[str, ...]) -> Floats:
    """Measures of uncertainty of distributions, with their signs, so that higher is more uncertain.

    Args:
        voice: (utterances, 4) probabilities of the speech classifier
        names: of :data:`MEASURES`

    Returns:
        (utterances, measures)
    """
    return np.column_stack([MEASURES[name][1] * MEASURES[name][0](voice) for name in names])


def decide(
    scores: Floats, thresholds: Thresholds, names: tuple[str, ...]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Apply thresholds.

    Args:
        scores: (utterances, 7) probabilities of the speech classifier and of the sentiments
        thresholds: the rule of each emotion
        names: the measures that the thresholds bound

    Returns:
        the emotions decided for, as indices, and which utterances are selected, each (utterances,)
    """
    voice, words = speech(scores), sentiment(scores)
    predicted = voice.argmax(axis=1)
    decided, selected = predicted.copy(), np.zeros(len(scores), dtype=bool)
    measured = measure(voice, names)
    signs = [MEASURES[name][1] for name in names]
    for index, emotion in enumerate(EMOTIONS):
        rule = thresholds[emotion]
        bounds = [rule[name] for name in names]
        if None in bounds:
            continue
        inside = (predicted == index) & (measured >= np.multiply(signs, bounds)).all(axis=1)
        mapping = Mapping(rule["strategy"], rule["flip"], rule["sentiment_score"])
        decided[inside] = mapping(voice[inside], words[inside])
        selected |= inside
    return decided, selected
