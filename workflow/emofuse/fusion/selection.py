"""Selection: where the voice is uncertain, the words decide.

The thresholds of the paper's rule, for each emotion that the voice predicts, searched for an objective
rather than for a high share of errors; and its ablations, each with one measure of uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from emofuse.accuracy import Floats, Indices
from emofuse.fusion import search, thresholds
from emofuse.fusion.base import FusionMethod, normalised, speech, swap
from emofuse.fusion.mapping import MAPPINGS, Mapping, Strategy
from emofuse.fusion.search import SAMPLERS_OF_ONE_OBJECTIVE, SELECTED, SUMS, Objective, Sampler, Task
from emofuse.fusion.thresholds import Candidate, Thresholds
from emofuse.tables import Problem


class Selection(FusionMethod, abstract=True):
    """Thresholds on measures of uncertainty and a mapping of the sentiment, for each predicted emotion.

    With a budget, ``parameters_["front"]`` holds the thresholds of each point of the Pareto front, by rising share.
    The exact front of more than :data:`emofuse.fusion.search.EVERY` utterances is exact at the budget and at shares
    that are ``parameters_["front_step"]`` apart.

    Attributes:
        value_: the objective on the rows of ``fit``
        exact_: the largest value that any thresholds reach on them (with a budget, within the budget),
            or ``None`` where that is not known
    """

    def __init__(
        self,
        objective: Annotated[Objective, Field(description="What is maximised on the rows that are fitted on.")] = "UA",
        search: Annotated[
            Literal["optuna", "exact"], Field(description="optuna, or the exact optimum of UA or WA.")
        ] = "optuna",
        sampler: Annotated[Sampler, Field(description="The Optuna sampler.")] = "TPE",
        trials: Annotated[int, Field(ge=1, le=1_000_000, description="How many candidates Optuna tries.")] = 200,
        enqueue_exact: Annotated[
            bool, Field(description="Whether Optuna tries the exact optimum (with a budget, the exact front) first.")
        ] = False,
        strategies: Annotated[
            Sequence[Strategy],
            Field(min_length=1, description="Which mappings of the negative sentiment may be chosen."),
        ] = ("simple", "refer"),
        budget: Annotated[
            float | None,
            Field(
                ge=0,
                le=1,
                description="The largest share of utterances that may be selected. With a budget the search has two "
                "objectives, the other being the share selected, and gives their Pareto front, "
                "of which the best point within the budget is used.",
            ),
        ] = None,
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

    @classmethod
    def conflicts(cls, **parameters: Any) -> Iterator[Problem]:
        """An exact search of what is no sum, and a sampler of one objective for two."""
        objective, sampler = parameters["objective"], parameters["sampler"]
        is_sum = objective in SUMS
        if parameters["search"] == "exact" and not is_sum:
            yield f"search is 'exact', which knows the objectives {' and '.join(SUMS)}; objective is {objective!r}"
        if parameters["search"] == "optuna" and parameters["enqueue_exact"] and not is_sum:
            yield (
                f"enqueue_exact is true, but the exact optimum is known for {' and '.join(SUMS)} alone; "
                f"objective is {objective!r}"
            )
        if (
            parameters["search"] == "optuna"
            and sampler in SAMPLERS_OF_ONE_OBJECTIVE
            and parameters["budget"] is not None
        ):
            several = [name for name in get_args(Sampler) if name not in SAMPLERS_OF_ONE_OBJECTIVE]
            yield (
                f"sampler is {sampler!r}, which knows one objective; with a budget there are two, "
                f"for which it should be one of {', '.join(several)}"
            )

    @classmethod
    def has_front(cls, **parameters: Any) -> bool:
        """Whether there is a budget, whose points are :data:`emofuse.fusion.thresholds.Thresholds`."""
        return parameters["budget"] is not None

    def along_front(
        self, X: Any, dialogs: pd.DataFrame | None = None
    ) -> Iterator[tuple[Indices, npt.NDArray[np.bool_]]]:
        """As :meth:`decide`, for each point of the front."""
        scores = self._check(X)
        for point in self.parameters_["front"]:
            yield self.decide(scores, point)

    def at_point(self, number: int) -> Self:
        """The same fitted method with the thresholds of a point of the front."""
        return self._having(thresholds=self.parameters_["front"][number])

    def without_words(self) -> Self:
        """The voice alone."""
        return self._having(thresholds=thresholds.describe({}, self.measures, MAPPINGS))

    @classmethod
    def decide(cls, scores: Floats, point: Thresholds) -> tuple[Indices, npt.NDArray[np.bool_]]:
        """The emotions that thresholds decide for, as indices, and which utterances they select, (utterances,) each."""
        return thresholds.apply(scores, point, cls.measures)

    @classmethod
    def decide_by(cls, scores: Floats, learned: dict[str, Any]) -> tuple[Indices, npt.NDArray[np.bool_]]:
        """As :meth:`decide`, by all that was learned."""
        return cls.decide(scores, learned["thresholds"])

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        mappings = [mapping for mapping in MAPPINGS if mapping.strategy in self.strategies]
        evidence = thresholds.weigh(scores, self.measures, mappings)
        task = Task(evidence.measures, evidence.predicted, evidence.mapped, emotion)

        exact = self._exact(task)
        if self.search == "exact":
            candidates, self.trials_ = exact, search.listed(task, exact, self.objective)
        else:
            candidates, self.trials_ = self._sampled(task, mappings, first=exact if self.enqueue_exact else [])

        best = self._best(task, candidates)
        self.value_ = task.value(best, self.objective)
        self.exact_ = task.value(self._best(task, exact), self.objective) if exact else None
        self.parameters_ = {
            "thresholds": thresholds.describe(best, self.measures, mappings),
            "objective": self.objective,
            "search": self.search,
            "value": self.value_,
            "exact": self.exact_,
        }
        if self.budget is not None:
            front = [thresholds.describe(candidate, self.measures, mappings) for candidate in candidates]
            self.parameters_["front"] = front
            if self.search == "exact" and (step := search.step(task)) is not None:
                self.parameters_["front_step"] = step

    def _exact(self, task: Task) -> list[Candidate]:
        """The optimum; with a budget, the whole front; nothing if the objective is no sum."""
        if self.objective not in SUMS:
            return []
        if self.budget is None:
            return [search.optimum(task, self.objective)]
        return search.front(task, self.objective, self.budget)

    def _sampled(
        self, task: Task, mappings: Sequence[Mapping], first: Sequence[Candidate]
    ) -> tuple[list[Candidate], pd.DataFrame]:
        """The best of Optuna's candidates (with a budget, the front of them), and all as a table."""
        space = search.Space.of(task, self.measures)
        objectives = [self.objective] if self.budget is None else [self.objective, SELECTED]
        trials, best = search.sample(task, space, objectives, self.sampler, self.trials, self.random_state, first)
        table = search.tabulate(trials, best, objectives, [mapping.parameters() for mapping in mappings])
        return [space.suggest(trial) for trial in best], table

    def _best(self, task: Task, candidates: Sequence[Candidate]) -> Candidate:
        """The only candidate; with a budget, the best within it."""
        if self.budget is None:
            return candidates[0]
        allowed = [candidate for candidate in candidates if task.value(candidate, SELECTED) <= self.budget]
        return max(allowed, key=lambda candidate: task.value(candidate, self.objective), default={})

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return self.decide_by(scores, self.parameters_)[1]

    def _predict_proba(self, scores: Floats) -> Floats:
        return swap(normalised(speech(scores)), self.decide_by(scores, self.parameters_)[0])


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
