"""Thresholds on how uncertain the voice is: which utterances they select, and what is decided for these.

Each emotion that the speech classifier predicts has a rule: a threshold on each measure of uncertainty,
and a mapping of the sentiment, which decides where all thresholds are reached.
Rules come in two forms: a :data:`Candidate` is quick to apply and is what a search tries;
:data:`Thresholds` are the same in the measures' own units, as JSON holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emofuse.accuracy import Floats, Indices
from emofuse.fusion.base import sentiment, speech
from emofuse.fusion.mapping import Mapping
from emofuse.fusion.uncertainty import confidence, entropy, varentropy
from emofuse.tables import EMOTIONS

MEASURES: dict[str, tuple[Callable[..., Floats], int]] = {
    "entropy": (entropy, 1),
    "varentropy": (varentropy, -1),
    "confidence": (confidence, -1),
}
"""Each measure of uncertainty with its sign: +1 where high means uncertain, −1 where low does."""


@dataclass(frozen=True)
class Rule:
    """What happens to the utterances that the speech classifier gives one emotion.

    Args:
        thresholds: (measures,) an utterance is selected where each measure, with its sign, reaches its threshold
        mapping: index of the mapping that decides for the selected
    """

    thresholds: tuple[float, ...]
    mapping: int


Candidate = dict[int, Rule]
"""A rule for each emotion that the speech classifier predicts; none means that nothing is selected there."""

Thresholds = dict[str, dict[str, Any]]
"""For each emotion that the voice predicts, the bound of each measure (``None``: select nothing) and the mapping."""


@dataclass(frozen=True)
class Evidence:
    """What rules decide by.

    Args:
        measures: (utterances, measures) how uncertain the voice is, higher for more
        predicted: (utterances,) what the speech classifier says, as an index
        mapped: (mappings, utterances) what each mapping of the sentiment says, as an index
    """

    measures: Floats
    predicted: Indices
    mapped: Indices

    def decide(self, candidate: Candidate) -> tuple[Indices, npt.NDArray[np.bool_]]:
        """The emotions that a candidate decides for, as indices, and which utterances it selects, (utterances,) each.

        >>> evidence = Evidence(np.array([[0.1], [0.9]]), np.array([3, 3]), np.array([[0, 0]]))
        >>> decided, selected = evidence.decide({3: Rule((0.5,), mapping=0)})
        >>> decided.tolist(), selected.tolist()
        ([3, 0], [False, True])
        """
        decided, selected = self.predicted.copy(), np.zeros(len(self.predicted), dtype=bool)
        for index, rule in candidate.items():
            rows = np.flatnonzero(self.predicted == index)
            inside = rows[(self.measures[rows] >= rule.thresholds).all(axis=1)]
            selected[inside] = True
            decided[inside] = self.mapped[rule.mapping, inside]
        return decided, selected


def weigh(scores: Floats, names: Sequence[str], mappings: Sequence[Mapping]) -> Evidence:
    """The evidence in scores.

    Args:
        scores: (utterances, 7 or more) probabilities of the speech classifier and of the sentiments
        names: of the measures, keys of :data:`MEASURES`
        mappings: of the sentiment
    """
    voice, words = speech(scores), sentiment(scores)
    return Evidence(
        measures=np.column_stack([MEASURES[name][1] * MEASURES[name][0](voice) for name in names]),
        predicted=voice.argmax(axis=1),
        mapped=np.stack([mapping(voice, words) for mapping in mappings]),
    )


def describe(candidate: Candidate, names: Sequence[str], mappings: Sequence[Mapping]) -> Thresholds:
    """A candidate in the measures' own units; where an emotion has no rule, bounds are ``None``.

    Args:
        candidate: the rules
        names: of the measures that they bound
        mappings: what their mappings are indices into
    """
    described = {}
    for index, emotion in enumerate(EMOTIONS):
        rule = candidate.get(index)
        bounds = {
            name: None if rule is None else MEASURES[name][1] * rule.thresholds[place]
            for place, name in enumerate(names)
        }
        described[emotion] = bounds | mappings[0 if rule is None else rule.mapping].parameters()
    return described


def apply(scores: Floats, thresholds: Thresholds, names: Sequence[str]) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Apply thresholds.

    Args:
        scores: (utterances, 7 or more) probabilities of the speech classifier and of the sentiments
        thresholds: the rule of each emotion
        names: of the measures that they bound

    Returns:
        the emotions decided for, as indices, and which utterances are selected, each (utterances,)
    """
    rules = [thresholds[emotion] for emotion in EMOTIONS]
    candidate = {
        index: Rule(tuple(MEASURES[name][1] * rule[name] for name in names), mapping=index)
        for index, rule in enumerate(rules)
        if None not in (rule[name] for name in names)
    }
    return weigh(scores, names, [Mapping.of(rule) for rule in rules]).decide(candidate)


def places(scores: Floats, thresholds: Thresholds, names: Sequence[str]) -> Iterator[tuple[str, str, float, float]]:
    """Where thresholds lie among the utterances for which the speech classifier predicts their emotion.

    Args:
        scores: (utterances, 7 or more) probabilities of the speech classifier and of the sentiments
        thresholds: the rule of each emotion
        names: of the measures that they bound

    Yields:
        emotion, measure, the threshold, and the share of these utterances that lie below it, between 0 and 1;
        nothing for an emotion that has no rule or is not predicted
    """
    voice = speech(scores)
    predicted = voice.argmax(axis=1)
    for index, emotion in enumerate(EMOTIONS):
        for name in names:
            bound, values = thresholds[emotion][name], MEASURES[name][0](voice[predicted == index])
            if bound is not None and len(values):
                yield emotion, name, bound, float((values < bound).mean())
