"""From three sentiments to four emotions.

Neutral is neutral and positive is happy; negative is angry or sad, and a strategy says which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emofuse.fusion.base import Floats
from emofuse.tables import EMOTIONS, SENTIMENTS

ANGRY, HAPPY, NEUTRAL, SAD = (EMOTIONS.index(name) for name in ("angry", "happy", "neutral", "sad"))
NEGATIVE = SENTIMENTS.index("negative")

SENTIMENT_SCORES = tuple(step / 20 for step in range(15))
"""Thresholds on the sentiment score that the paper's notebook tries: 0.00, 0.05 … 0.70."""


@dataclass(frozen=True)
class Mapping:
    """One way to read the negative sentiment.

    Args:
        strategy: ``simple`` decides by the sentiment score, ``refer`` asks the speech classifier
            which of angry and sad it finds more probable (angry where equal)
        flip: for ``simple``: whether the emotions are swapped
        sentiment_score: for ``simple``: negative with a score of at most this is angry, above is sad
            (the other way round with ``flip``); between 0 and 1
    """

    strategy: str
    flip: bool = False
    sentiment_score: float = 0.0

    def __call__(self, speech: Floats, sentiment: Floats) -> npt.NDArray[np.intp]:
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
        if self.strategy == "refer":
            angry = speech[:, ANGRY] >= speech[:, SAD]
        else:
            angry = (sentiment.max(axis=1) <= self.sentiment_score) != self.flip
        negative = np.where(angry, ANGRY, SAD)
        return np.where(label == NEGATIVE, negative, np.array([ANGRY, NEUTRAL, HAPPY])[label])

    def parameters(self) -> dict[str, object]:
        """The mapping as plain values; what its strategy does not use is ``None``."""
        simple = self.strategy == "simple"
        return {
            "strategy": self.strategy,
            "flip": self.flip if simple else None,
            "sentiment_score": self.sentiment_score if simple else None,
        }


SIMPLE = tuple(Mapping("simple", flip, score) for flip in (True, False) for score in SENTIMENT_SCORES)
"""The simple mappings in the order in which the paper's notebook tries them."""

MAPPINGS = (*SIMPLE, Mapping("refer"))
"""Every mapping, in the order in which the paper's notebook tries them."""
