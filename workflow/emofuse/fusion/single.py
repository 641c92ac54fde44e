"""Each modality alone, and the best that choosing between them could do."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from emofuse import accuracy
from emofuse.accuracy import Floats, Indices
from emofuse.fusion.base import FusionMethod, normalised, sentiment, speech, swap, text
from emofuse.fusion.mapping import ANGRY, CAN_MEAN, SAD, SENTIMENT_OF_EMOTION, SIMPLE, Mapping
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH, TEXT


class Speech(FusionMethod):
    """The voice alone: the primary, which every other method is compared with."""

    reads_words = False

    def _predict_proba(self, scores: Floats) -> Floats:
        return normalised(speech(scores))

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return np.zeros(len(scores), dtype=bool)


class Sentiment(FusionMethod):
    """The words alone: each sentiment's probability goes to the emotion that it is mapped to.

    Whether negative is angry or sad is decided by the sentiment score
    (the ``simple`` mapping), with the highest mean recall of angry and sad on the rows of ``fit``.
    """

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        def recall(mapping: Mapping) -> float:
            mapped = mapping(speech(scores), sentiment(scores))
            return float(np.nansum(accuracy.recalls(accuracy.confusion(emotion, mapped))[[ANGRY, SAD]]))

        self.mapping_ = max(SIMPLE, key=recall)  # the first of the best, as in the paper
        self.parameters_ = self.mapping_.parameters()

    def _predict_proba(self, scores: Floats) -> Floats:
        words = normalised(sentiment(scores))
        negative = self.mapping_.negative(speech(scores), words.max(axis=1))
        probability = words[:, SENTIMENT_OF_EMOTION]
        probability[np.arange(len(scores)), np.where(negative == ANGRY, SAD, ANGRY)] = 0
        return probability


class Text(FusionMethod):
    """The learned text expert alone."""

    columns: ClassVar[list[str]] = [*SPEECH, *SENTIMENT, *TEXT]

    def _predict_proba(self, scores: Floats) -> Floats:
        return normalised(text(scores))


class Oracle(FusionMethod):
    """The better of the two with hindsight: the ceiling of any selection, and no method.

    Fitted on the very utterances that it then predicts, it gives the true emotion
    where the voice has it right or where some mapping of the sentiment could,
    and what the voice says elsewhere and for utterances that it was not fitted on.

    Utterances with the same scores get the same emotion from any method. Where theirs differ,
    it is that of the attainable emotions which gives the highest UA: the one whose utterances among them make up
    the largest part of all with that emotion. The voice keeps its own if no other is better.
    """

    fit_on = ("test",)
    sees_test_labels = True
    note = "It looks at the test labels: a ceiling of what choosing between voice and words can reach, not a method."

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        recall = 1 / np.bincount(emotion, minlength=len(EMOTIONS))[emotion]  # what each utterance adds to its emotion's
        self.gains_: dict[bytes, Floats] = {}
        for row, index, gain in zip(scores, emotion, recall, strict=True):
            self.gains_.setdefault(row.tobytes(), np.zeros(len(EMOTIONS)))[index] += gain

    def _predict_proba(self, scores: Floats) -> Floats:
        probability = normalised(speech(scores))
        rows, said = np.arange(len(scores)), probability.argmax(axis=1)
        nothing = np.zeros(len(EMOTIONS))
        gains = np.stack([self.gains_.get(row.tobytes(), nothing) for row in scores])
        gains *= CAN_MEAN[sentiment(scores).argmax(axis=1)] | np.eye(len(EMOTIONS), dtype=bool)[said]
        best = gains.argmax(axis=1)
        return swap(probability, np.where(gains[rows, best] > gains[rows, said], best, said))

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return self._predict_proba(scores).argmax(axis=1) != speech(scores).argmax(axis=1)
