"""Context: an utterance among its neighbours in the dialog.

What voice and words say of each turn alone is joined with what the neighbouring turns say
(:mod:`emofuse.fusion.dialogs`): their scores, never their labels.
Which emotion follows which is learned from the dialogs of the training speakers, whose labels are known.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from scipy.special import softmax

from emofuse.accuracy import Floats, Indices
from emofuse.fusion.base import FusionMethod, logarithm, named
from emofuse.fusion.combination import Penalty, Stacking, StackingSpeech, StackingText, correction, table
from emofuse.fusion.dialogs import Speakers, Successions, Turns, messages
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH, TEXT

Neighbours = Annotated[Speakers, Field(description="Whose turns are asked: the speaker's own, the other's, or both.")]
Causal = Annotated[bool, Field(description="Whether only past turns are asked, which is all that a live system has.")]
Decay = Annotated[
    float,
    Field(ge=0, le=1, description="How much of a transition is kept per turn; less forgets distant turns sooner."),
]
Belief = Annotated[
    float, Field(gt=0, description="How many turns the belief is worth that rare transitions are as others are.")
]


class Context(FusionMethod):
    """The voice and its neighbours: log s(c) + m(c), scaled to sum to 1.

    s(c) is what :class:`~emofuse.fusion.combination.StackingSpeech` makes of the voice, learned from the rows of
    ``fit``; since it takes all emotions to be equally likely, s is, up to a factor, the likelihood of the voice.
    m(c) is the log of how much likelier c is made by all other turns of the dialog, see
    :func:`emofuse.fusion.dialogs.messages`. Without a dialog m is 0, and s remains.

    Which emotion follows which is counted in the dialogs of ``fit``, as far as these have labels.

    Attributes:
        alone: what voice and words say of a turn alone
    """

    reads_words = False
    reads_dialogs = True
    alone: ClassVar[type[FusionMethod]] = StackingSpeech
    note: ClassVar[str] = (
        "It reads the scores of neighbouring turns in the dialog, never their labels. How much these tell depends on "
        "the corpus: IEMOCAP's dialogs were staged around an emotion."
    )

    def __init__(
        self,
        speakers: Neighbours = "both",
        causal: Causal = False,
        decay: Decay = 1.0,
        smoothing: Belief = 5.0,
        penalty: Penalty = 10.0,
    ) -> None:
        self.speakers = speakers
        self.causal = causal
        self.decay = decay
        self.smoothing = smoothing
        self.penalty = penalty

    def fit(self, X: Any, y: Any, dialogs: pd.DataFrame | None = None) -> Self:
        """Learn from labelled utterances and from labelled dialogs.

        Args:
            X: (utterances, columns) probabilities
            y: (utterances,) emotions
            dialogs: the turns around, as :meth:`emofuse.fusion.dialogs.Turns.of` takes them; where their ``emotion``
                is given, transitions are counted
        """
        self.successions_ = Successions.of(dialogs)
        return super().fit(X, y, dialogs)

    def _among(self, scores: Floats, X: Any, dialogs: pd.DataFrame | None) -> Turns:
        return Turns.of(scores, X, dialogs, self.columns)

    def _fit(self, turns: Turns, emotion: Indices) -> None:
        self.alone_ = self._learned_alone(self.alone, turns, emotion)
        self.transitions_ = self.successions_.transitions(self.speakers, self.smoothing, self.decay)
        self.parameters_ = {
            "alone": self.alone_.parameters_,
            "prior": named(self.successions_.prior),
            "transitions": {
                f"own {own}, other {other}": named(now)
                for own, by_other in zip(EMOTIONS, self.transitions_, strict=True)
                for other, now in zip(EMOTIONS, by_other, strict=True)
            },
        }

    def _predict_proba(self, turns: Turns) -> Floats:
        evidence = evidence_of(self.alone_, turns)
        return softmax(evidence + self._messages(turns, evidence), axis=-1)[turns.places]

    def _selected(self, turns: Turns) -> npt.NDArray[np.bool_]:
        return self.alone_.selected(_read_by(self.alone_, turns)[turns.places])

    def _learned_alone(self, method: type[FusionMethod], turns: Turns, emotion: Indices) -> FusionMethod:
        alone = method(penalty=self.penalty)
        return alone.fit(_read_by(alone, turns)[turns.places], np.array(EMOTIONS)[emotion])

    def _messages(self, turns: Turns, evidence: Floats) -> Floats:
        return messages(turns, evidence, self.transitions_, self.successions_.prior, self.causal)


class ContextSentiment(Context):
    """Voice and sentiment, and the neighbours' ones: as :class:`Context`, with Stacking for each turn alone."""

    reads_words = True
    alone = Stacking


class ContextText(Context):
    """Voice and text expert, and the neighbours' ones, all three weighed against each other once more.

    Neighbours and words tell much of the same. So m, which is as in :class:`Context` with StackingText for each turn
    alone, is not just added; the log odds of emotion c are

        log p(c) + log q(c) + m(c) + b(c) + Σ_d V(c, d) log p(d) + Σ_d U(c, d) log q(d) + Σ_d M(c, d) m(d)

    with V, U, M and b learned as in :class:`~emofuse.fusion.combination.StackingText`. Within the validation rows of
    the six published folds this lowers the log loss from 0.56 to 0.49 and leaves UA as it is. With the voice alone and
    with sentiment UA falls, so there m is added.
    """

    columns: ClassVar[list[str]] = [*SPEECH, *SENTIMENT, *TEXT]
    reads_words = True
    alone = StackingText

    def _fit(self, turns: Turns, emotion: Indices) -> None:
        super()._fit(turns, emotion)
        features, start = self._weighed(turns)
        self.weights_, self.intercept_ = correction(features, start, emotion, self.penalty)
        names = [*SPEECH, *TEXT, *(f"message_{name}" for name in EMOTIONS)]
        self.parameters_ |= {"intercept": named(self.intercept_), "weights": table(self.weights_, EMOTIONS, names)}

    def _predict_proba(self, turns: Turns) -> Floats:
        features, start = self._weighed(turns)
        return softmax(start + features @ self.weights_.T + self.intercept_, axis=-1)

    def _weighed(self, turns: Turns) -> tuple[Floats, Floats]:
        """What voice, words and neighbours say of each utterance, (utterances, 12), and their sum, (utterances, 4)."""
        message = self._messages(turns, evidence_of(self.alone_, turns))[turns.places]
        scores = _read_by(self.alone_, turns)[turns.places]
        return np.hstack([self.alone_.features(scores), message]), self.alone_.start(scores) + message


def _read_by(method: FusionMethod, turns: Turns) -> Floats:
    """The scores of all turns that a method reads."""
    return turns.scores[:, : len(method.columns)]


def evidence_of(method: FusionMethod, turns: Turns) -> Floats:
    """What a method says of each turn alone, (turns, 4) logarithms."""
    return logarithm(method.predict_proba(_read_by(method, turns)))
