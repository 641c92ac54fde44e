"""What every adaptation shares: what it is given of the target, what it returns, and what it says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import pandas as pd

from emofuse.accuracy import Floats
from emofuse.fusion.base import FusionMethod
from emofuse.tables import SPEECH, Problem

Scaling = Literal["corpus", "speaker"]
"""Whose mean and deviation embeddings are standardised by."""


class Draw(NamedTuple):
    """The target speakers whose labels an adaptation may see.

    Args:
        k: how many; 0 for none
        draw: the number of the draw, from 0
        speakers: their names
    """

    k: int = 0
    draw: int = 0
    speakers: Sequence[str] = ()


@dataclass(frozen=True)
class Task:
    """A method that is fitted on one fold of the source, and what may be known of the target.

    All tables are rows of the ``scores`` table.

    Args:
        fitted: the method, fitted on ``fitted_on``; shared with other tasks, so never to be changed
        refit: fits the same method, with the same parameters and seed, on other labelled rows
        fitted_on: rows of the source, with their emotions
        prior: (4,) how often the speech classifier met each emotion in training
        labelled: rows of the target speakers whose emotions may be known, with these; empty for most adaptations
        target: rows of all other target speakers, which are predicted; without their emotions
    """

    fitted: FusionMethod
    refit: Callable[[pd.DataFrame], FusionMethod]
    fitted_on: pd.DataFrame
    prior: Floats
    labelled: pd.DataFrame
    target: pd.DataFrame


@dataclass(frozen=True)
class Adapted:
    """What an adaptation comes to.

    Args:
        method: what predicts the target's rows, fitted
        target: these rows, with the probabilities that the method shall read
        learned: what was learned of the target, as plain values that JSON can hold
    """

    method: FusionMethod
    target: pd.DataFrame
    learned: dict[str, Any] = field(default_factory=dict)


class Adaptation(ABC):
    """A way to adapt a method that was fitted on one corpus to another.

    An adaptation is described by its class: its name in a config is the class's name in snake_case,
    its parameters are those of ``__init__``, kept as attributes of the same names (see :mod:`emofuse.parts`),
    and the class attributes and class methods say the rest.

    Attributes:
        sees: what it sees of the target, in a few words
    """

    sees: ClassVar[str] = "target audio without labels"

    @classmethod
    def serves(cls, method: type[FusionMethod]) -> bool:
        """Whether it can adapt a method."""
        return True

    @classmethod
    def scaling(cls, **parameters: Any) -> Scaling | None:
        """How the embeddings must be standardised that its scores are made from; ``None`` for the study's own scores.

        Args:
            parameters: all that a config can give, by name
        """
        return None

    @classmethod
    def problems(cls, speakers: int, **parameters: Any) -> Iterator[Problem]:
        """What of its parameters cannot be had from so few target speakers.

        Args:
            speakers: how many the target has
            parameters: all that a config can give, by name
        """
        yield from ()

    def draw_speakers(self, speakers: Sequence[str], seed_names: Sequence[str | int]) -> Iterable[Draw]:
        """The draws of target speakers that it adapts to, one after another; one draw of nobody without labels.

        Args:
            speakers: all target speakers
            seed_names: what seeds are derived from
        """
        return [Draw()]

    @abstractmethod
    def adapt(self, task: Task) -> Adapted:
        """Adapt a method to the target."""


def with_speech(rows: pd.DataFrame, probability: Floats) -> pd.DataFrame:
    """Rows of the scores table with other probabilities of the voice, (utterances, 4)."""
    return rows.assign(**dict(zip(SPEECH, probability.T, strict=True)))
