"""Adaptations that hear the target but read none of its labels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from emofuse.accuracy import Floats
from emofuse.fusion import thresholds
from emofuse.fusion.adaptation.base import Adaptation, Adapted, Scaling, Task, with_speech
from emofuse.fusion.base import FusionMethod, named, normalised
from emofuse.fusion.mapping import MAPPINGS
from emofuse.fusion.thresholds import MEASURES, Evidence, Thresholds
from emofuse.tables import EMOTIONS, SPEECH


class Standardise(Adaptation):
    """Embeddings standardised by the mean and deviation of each corpus, or of each speaker, and all fitted anew.

    By default the source's training utterances give both for all corpora.
    Source and target are standardised alike, so the speech classifier is another one, and so are its scores.
    """

    def __init__(
        self,
        per: Annotated[Scaling, Field(description="Whose mean and deviation count.")] = "corpus",
    ) -> None:
        self.per = per

    @classmethod
    def scaling(cls, **parameters: Any) -> Scaling:
        """Whose mean and deviation count."""
        return parameters["per"]

    def adapt(self, task: Task) -> Adapted:
        """The method as it is, since all that it was fitted on is standardised already."""
        return Adapted(task.fitted, task.target, task.fitted.parameters_)


class Prior(Adaptation):
    """The class prior of the target, found by expectation–maximisation, corrects what the voice says.

    Saerens, Latinne and Decaestecker, *Adjusting the outputs of a classifier to new a priori probabilities*
    (Neural Computation 14, 2002). The method then predicts from the corrected probabilities as it was fitted.
    The speech classifier was trained with the proportions of its training rows, or,
    if rare emotions weighed more in training, with all emotions alike.

    It makes the frequent emotions of the target more frequent in the predictions, which serves WA;
    UA counts all emotions alike and may fall.
    """

    def adapt(self, task: Task) -> Adapted:
        """The method as it is, on corrected probabilities."""
        voice = normalised(task.target[SPEECH].to_numpy())
        prior = expected_prior(voice, task.prior)
        learned = {"source_prior": named(task.prior), "target_prior": named(prior)}
        return Adapted(task.fitted, with_speech(task.target, corrected(voice, task.prior, prior)), learned)


TOLERANCE = 1e-9
"""Expectation–maximisation ends when no share moves by more."""

STEPS = 10_000
"""The most steps of expectation–maximisation."""


def corrected(probability: Floats, before: Floats, after: Floats) -> Floats:
    """Probabilities for another class prior: p(c) π′(c) / π(c), scaled to sum to 1 (Saerens et al. 2002, eq. 2.4).

    Args:
        probability: (utterances, 4) distributions
        before: (4,) π, the prior with which they were made; what it excludes stays excluded
        after: (4,) π′, the prior that holds

    Returns:
        (utterances, 4) distributions; an utterance that only had what π′ excludes keeps its own

    >>> corrected(np.array([[0.5, 0.5, 0, 0]]), np.array([0.5, 0.5, 0, 0]), np.array([0.8, 0.2, 0, 0])).tolist()
    [[0.8, 0.2, 0.0, 0.0]]
    """
    weighted = probability * np.divide(after, before, out=np.zeros(len(before)), where=before > 0)
    possible = weighted.sum(axis=1) > 0
    return np.where(possible[:, None], normalised(np.where(possible[:, None], weighted, 1)), probability)


def expected_prior(probability: Floats, before: Floats) -> Floats:
    """The class prior under which probabilities of unlabelled utterances are most likely.

    Expectation–maximisation (Saerens et al. 2002, eq. 2.9): from π, the mean of the corrected probabilities
    is the next prior, until it stays as it is. The likelihood Σ ln Σ_c p(c) π′(c) / π(c) never falls.

    Args:
        probability: (utterances, 4) distributions
        before: (4,) the prior with which they were made

    Returns:
        (4,) shares that sum to 1
    """
    prior = before
    for _ in range(STEPS):
        former, prior = prior, corrected(probability, before, prior).mean(axis=0)
        if np.abs(prior - former).max() < TOLERANCE:
            break
    return prior


class Share(Adaptation):
    """Thresholds are carried over by the share that they select, not by their value.

    Each threshold selects some share of the rows that it was fitted on and whose emotion the voice predicts;
    on the target it is moved to where it selects the same share of the rows with that prediction.
    It serves methods with thresholds. Where one has two measures, each alone selects the same share.
    """

    @classmethod
    def serves(cls, method: type[FusionMethod]) -> bool:
        """Methods with thresholds."""
        return bool(method.measures)

    def adapt(self, task: Task) -> Adapted:
        """The method with other thresholds."""
        before, names = task.fitted.parameters_["thresholds"], task.fitted.measures
        source, target = (
            thresholds.weigh(rows[task.fitted.columns].to_numpy(), names, MAPPINGS[:1])
            for rows in (task.fitted_on, task.target)
        )
        after = carried(before, names, source, target)
        adapted = copy.copy(task.fitted)
        adapted.parameters_ = task.fitted.parameters_ | {"thresholds": after}
        return Adapted(adapted, task.target, {"source_thresholds": before, "thresholds": after})


def carried(rules: Thresholds, names: Sequence[str], source: Evidence, target: Evidence) -> Thresholds:
    """Thresholds moved to where they select the same shares.

    Args:
        rules: the rule of each emotion that the voice predicts
        names: of the measures that they bound
        source: the evidence in the rows that they were fitted on
        target: the evidence in the rows that they shall be applied to

    Returns:
        rules with other bounds: to the nearest whole row, each bound selects the share of the target that it selects
        of the source, ``None`` where that is no row. A rule stays as it is where the voice predicts its emotion
        nowhere in the source or nowhere in the target
    """
    moved = {}
    for index, emotion in enumerate(EMOTIONS):
        rule, (here, there) = rules[emotion], (side.predicted == index for side in (source, target))
        moved[emotion] = dict(rule)
        if not (here.any() and there.any()):
            continue
        for place, name in enumerate(names):
            if rule[name] is not None:
                sign, values = MEASURES[name][1], np.sort(target.measures[there, place])[::-1]
                share = (source.measures[here, place] >= sign * rule[name]).mean()
                rows = round(share * len(values))
                moved[emotion][name] = sign * float(values[rows - 1]) if rows else None
    return moved
