"""From three sentiments to four emotions.

Neutral is neutral and positive is happy; negative is angry or sad, and a strategy says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from emofuse.accuracy import Floats, Indices
from emofuse.tables import EMOTIONS, SENTIMENTS

EMOTIONS_OF_SENTIMENT = {"negative": ("angry", "sad"), "neutral": ("neutral",), "positive": ("happy",)}
"""The emotions that each sentiment can stand for."""

CAN_MEAN = np.array([[emotion in EMOTIONS_OF_SENTIMENT[name] for emotion in EMOTIONS] for name in SENTIMENTS])
"""The same, (sentiments, emotions)."""

SENTIMENT_OF_EMOTION = CAN_MEAN.argmax(axis=0)
"""The sentiment that each emotion is expected to come with, (emotions,) indices."""

NEGATIVE = SENTIMENTS.index("negative")
ANGRY, SAD = (EMOTIONS.index(name) for name in EMOTIONS_OF_SENTIMENT["negative"])

SENTIMENT_SCORES = tuple(step / 20 for step in range(15))
"""Thresholds on the sentiment score that the paper's notebook tries: 0.00, 0.05 … 0.70."""

Strategy = Literal["simple", "refer"]
"""Ways to tell angry from sad: by the sentiment score, or by the speech classifier."""


@dataclass(frozen=True)
class Mapping:
    """One way to read the negative sentiment.

    Args:
        strategy: ``simple`` decides by the sentiment score, ``refer`` asks the speech classifier
            which of angry and sad is more probable (angry where equal)
        flip: for ``simple``: whether the emotions are swapped
        sentiment_score: for ``simple``: negative with a score of at most this is angry, above is sad
            (the other way round with ``flip``); between 0 and 1
    """

    strategy: Strategy
    flip: bool | None = None
    sentiment_score: float | None = None

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> Mapping:
        """The mapping of these :meth:`parameters`, whatever else stands among them."""
        return cls(parameters["strategy"], parameters["flip"], parameters["sentiment_score"])

    def parameters(self) -> dict[str, Any]:
        """The mapping as plain values; what its strategy does not use is ``None``."""
        return dict(vars(self))

    def __call__(self, speech: Floats, sentiment: Floats) -> Indices:
        """Map each utterance's sentiment to an emotion.

        Args:
            speech: (utterances, 4) probabilities of the speech classifier
            sentiment: (utterances, 3) probabilities of the sentiments

        Returns:
            (utterances,) indices into :data:`emofuse.tables.EMOTIONS`

        >>> speech = np.array([[0.4, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]])
        >>> sentiment = np.array([[0.6, 0.2, 0.2], [0.9, 0.1, 0.0], [0.1, 0.1, 0.8]])
        >>> [EMOTIONS[index] for index in Mapping("refer")(speech, sentiment)]
        ['angry', 'sad', 'happy']
        >>> [EMOTIONS[index] for index in Mapping("simple", flip=True, sentiment_score=0.7)(speech, sentiment)]
        ['sad', 'angry', 'happy']
        """
        label = sentiment.argmax(axis=1)
        only = CAN_MEAN.argmax(axis=1)  # the only emotion of each sentiment but the negative
        return np.where(label == NEGATIVE, self.negative(speech, sentiment.max(axis=1)), only[label])

    def negative(self, speech: Floats, score: Floats) -> Indices:
        """The emotion that each utterance has if its sentiment is negative.

        Args:
            speech: (utterances, 4) probabilities of the speech classifier
            score: (utterances,) the probability of its sentiment

        Returns:
            (utterances,) angry or sad, as indices
        """
        if self.strategy == "refer":
            angry = speech[:, ANGRY] >= speech[:, SAD]
        else:
            angry = (score <= self.sentiment_score) != self.flip
        return np.where(angry, ANGRY, SAD)


SIMPLE = tuple(Mapping("simple", flip, score) for flip in (True, False) for score in SENTIMENT_SCORES)
"""The simple mappings in the order in which the paper's notebook tries them."""

MAPPINGS = (*SIMPLE, Mapping("refer"))
"""Every mapping, in the order in which the paper's notebook tries them."""
