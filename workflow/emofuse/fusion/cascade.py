"""The cascade: the voice in its context first, and the words only of those utterances where that stays unsure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from scipy.special import softmax

from emofuse import accuracy
from emofuse.accuracy import Floats, Indices
from emofuse.fusion.base import FusionMethod
from emofuse.fusion.combination import Penalty, Stacking, StackingText
from emofuse.fusion.context import Belief, Causal, Context, Decay, Neighbours, evidence_of
from emofuse.fusion.dialogs import Turns
from emofuse.fusion.thresholds import MEASURES
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH, TEXT


class Cascade(Context):
    """Words only where the voice in its context is unsure: there, voice and sentiment instead of the voice.

    First :class:`~emofuse.fusion.context.Context` reads the voices of a dialog. The turns whose probabilities are
    at least as uncertain as a threshold are selected; their sentiment is read, and the dialog is read again with it.
    So the words of an utterance may serve its neighbours, and words that were not selected serve nobody.
    The threshold is where the budget's share of the rows of ``fit`` is selected, which takes no label, or, searched,
    where the highest UA on them lies within that share. The front has one for each percent.

    Attributes:
        words: what voice and words say of a selected turn alone
        threshold_: the measure from which on a turn is selected, ``None`` to select nothing
    """

    reads_words = True
    words: ClassVar[type[FusionMethod]] = Stacking

    def __init__(
        self,
        measure: Annotated[
            Literal["entropy", "confidence"],
            Field(description="What says how unsure the voice is in its context."),
        ] = "entropy",
        budget: Annotated[
            float, Field(ge=0, le=1, description="The share of the utterances fitted on that is selected.")
        ] = 0.1,
        search: Annotated[
            Literal["none", "exact"],
            Field(description="none selects the whole budget, exact the percentage within it of the highest UA."),
        ] = "none",
        speakers: Neighbours = "both",
        causal: Causal = False,
        decay: Decay = 1.0,
        smoothing: Belief = 5.0,
        penalty: Penalty = 10.0,
    ) -> None:
        super().__init__(speakers, causal, decay, smoothing, penalty)
        self.measure = measure
        self.budget = budget
        self.search = search

    @classmethod
    def has_front(cls, **parameters: Any) -> bool:
        """Always; its points are thresholds."""
        return True

    def along_front(
        self, X: Any, dialogs: pd.DataFrame | None = None
    ) -> Iterator[tuple[Indices, npt.NDArray[np.bool_]]]:
        """What each point of the front decides for, as indices, and which utterances it selects."""
        turns = self._among(self._check(X), X, dialogs)
        probability, selected = self._decide(turns, self.parameters_["front"])
        yield from zip(probability.argmax(axis=-1), selected, strict=True)

    def at_point(self, number: int) -> Self:
        """The same fitted method with the threshold of a point of the front."""
        return self._at_threshold(self.parameters_["front"][number])

    def without_words(self) -> Self:
        """The voice in its context, of every utterance."""
        return self._at_threshold(None)

    def _at_threshold(self, threshold: float | None) -> Self:
        other = self._having(threshold=threshold)
        other.threshold_ = threshold
        return other

    def _fit(self, turns: Turns, emotion: Indices) -> None:
        super()._fit(turns, emotion)
        self.words_ = self._learned_alone(self.words, turns, emotion)
        uncertain = np.sort(self._uncertainty(turns)[0][turns.places])[::-1]
        self.threshold_ = self._threshold(uncertain, self._share(turns, emotion, uncertain))
        self.parameters_ |= {
            "words": self.words_.parameters_,
            "measure": self.measure,
            "threshold": self.threshold_,
            "front": [self._threshold(uncertain, percent / 100) for percent in range(101)],
        }

    def _share(self, turns: Turns, emotion: Indices, uncertain: Floats) -> float:
        """The share of the rows of ``fit`` that is selected; of several that are as good, the least."""
        if self.search == "none":
            return self.budget
        shares = [*np.arange(0, self.budget, 0.01).tolist(), self.budget]
        probability, _ = self._decide(turns, [self._threshold(uncertain, share) for share in shares])
        decided = probability.argmax(axis=-1)
        return shares[int(np.argmax([accuracy.unweighted_accuracy(emotion, each) for each in decided]))]

    def _threshold(self, uncertain: Floats, share: float) -> float | None:
        """The measure from which on a share of turns is selected, of which the uncertainty is given, falling.

        It lies between two turns, where rounding moves none; to select all, where nothing is more certain.
        """
        measure, sign = MEASURES[self.measure]
        count = round(share * len(uncertain))
        if count == 0:
            return None
        if count == len(uncertain):
            return float(measure(np.eye(len(EMOTIONS))[0]))
        return sign * float(uncertain[count - 1 : count + 1].mean())

    def _predict_proba(self, turns: Turns) -> Floats:
        return self._decide(turns, [self.threshold_])[0][0]

    def _selected(self, turns: Turns) -> npt.NDArray[np.bool_]:
        return self._decide(turns, [self.threshold_])[1][0]

    def _uncertainty(self, turns: Turns) -> tuple[Floats, Floats]:
        """How uncertain the voice is of each turn in its context, (turns,), and what it says alone, (turns, 4)."""
        voice = evidence_of(self.alone_, turns)
        measure, sign = MEASURES[self.measure]
        return sign * measure(softmax(voice + self._messages(turns, voice), axis=-1)), voice

    def _decide(self, turns: Turns, thresholds: Sequence[float | None]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Probabilities by threshold, (thresholds, utterances, 4), and what is selected, (thresholds, utterances)."""
        uncertain, voice = self._uncertainty(turns)
        sign = MEASURES[self.measure][1]
        bounds = np.array([np.inf if bound is None else sign * bound for bound in thresholds])
        selected = uncertain >= bounds[:, None]
        evidence = np.where(selected[..., None], evidence_of(self.words_, turns), voice)
        probability = softmax(evidence + self._messages(turns, evidence), axis=-1)
        return probability[:, turns.places], selected[:, turns.places]


class CascadeText(Cascade):
    """Words only where the voice in its context is unsure: as :class:`Cascade`, with the learned text expert."""

    columns: ClassVar[list[str]] = [*SPEECH, *SENTIMENT, *TEXT]
    words = StackingText
