"""Each modality alone, and the best that choosing between them could do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emofuse.fusion.base import Floats, FusionMethod, normalised, sentiment, speech, swap
from emofuse.fusion.mapping import ANGRY, HAPPY, NEGATIVE, NEUTRAL, SAD, SIMPLE, Mapping

EMOTIONS_OF_SENTIMENT = {NEGATIVE: (ANGRY, SAD), 1: (NEUTRAL,), 2: (HAPPY,)}
"""The emotions that each sentiment can be mapped to."""


class Speech(FusionMethod):
    """The voice alone: the primary, which every other method is compared with."""

    def _predict_proba(self, scores: Floats) -> Floats:
        return normalised(speech(scores))

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return np.zeros(len(scores), dtype=bool)


class Sentiment(FusionMethod):
    """The words alone: each sentiment's probability goes to the emotion that it is mapped to.

    Whether negative is angry or sad is decided by the sentiment score
    (the ``simple`` mapping), with the highest mean recall of angry and sad on the rows of ``fit``.
    """

    def _fit(self, scores: Floats, emotion: npt.NDArray[np.intp]) -> None:
        def recall(mapping: Mapping) -> float:
            right = mapping(speech(scores), sentiment(scores)) == emotion
            return sum(right[emotion == index].mean() for index in (ANGRY, SAD) if (emotion == index).any())

        self.mapping_ = max(SIMPLE, key=recall)  # the first of the best, as in the paper
        self.parameters_ = self.mapping_.parameters()

    def _predict_proba(self, scores: Floats) -> Floats:
        words = normalised(sentiment(scores))
        mapped = self.mapping_(speech(scores), np.eye(3)[[NEGATIVE]] * words.max(axis=1, keepdims=True))
        probability = np.zeros((len(scores), 4))
        probability[np.arange(len(scores)), mapped] = words[:, 0]
        probability[:, NEUTRAL] = words[:, 1]
        probability[:, HAPPY] = words[:, 2]
        return probability


class Oracle(FusionMethod):
    """The better of the two with hindsight: the ceiling of any selection, and no method.

    Fitted on the very utterances that it then predicts, it gives the true emotion
    where the voice has it right or where some mapping of the sentiment could,
    and what the voice says elsewhere and for utterances that it was not fitted on.
    """

    def _fit(self, scores: Floats, emotion: npt.NDArray[np.intp]) -> None:
        self.emotion_ = {row.tobytes(): int(index) for row, index in zip(scores, emotion, strict=True)}

    def _predict_proba(self, scores: Floats) -> Floats:
        probability = normalised(speech(scores))
        decided = probability.argmax(axis=1)
        for row, said in enumerate(sentiment(scores).argmax(axis=1)):
            true = self.emotion_.get(scores[row].tobytes())
            if true in EMOTIONS_OF_SENTIMENT[said]:
                decided[row] = true
        return swap(probability, decided)

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return self._predict_proba(scores).argmax(axis=1) != speech(scores).argmax(axis=1)
