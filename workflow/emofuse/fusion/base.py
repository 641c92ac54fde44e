"""What every fusion method shares: its input, its classes, its checks, and what it says of itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from emofuse import accuracy, parts
from emofuse.accuracy import Floats, Indices
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH, TEXT, Problem

SMALLEST = 1e-12
"""Smaller probabilities count as this before a logarithm."""


class FusionMethod(ClassifierMixin, BaseEstimator):
    """A classifier from the scores of an utterance to its emotion.

    The input ``X`` has a row per utterance and the columns named by :attr:`columns`, in that order,
    all probabilities: 4 of the speech classifier, 3 of the sentiment and,
    for methods with a text expert, 4 of that.
    The target ``y`` holds names from :data:`emofuse.tables.EMOTIONS`.

    A method is described by its class: its name in a config is the class's name in snake_case,
    its parameters are those of ``__init__`` (see :mod:`emofuse.parts`),
    and the class attributes say the rest. A class that is only derived from has ``abstract=True`` in its header.

    Attributes:
        columns: the columns of the scores that the method reads
        fit_on: the splits of a fold that it is fitted on where a config does not say
        measures: the measures of uncertainty (keys of :data:`emofuse.fusion.thresholds.MEASURES`) on which it has
            thresholds, if any; then it predicts by ``parameters_["thresholds"]``, and the class method
            ``decide_by(scores, parameters)`` returns what a method that learned these parameters decides for,
            as indices, and which utterances it selects
        reads_words: whether it consults the words of any utterance
        sees_test_labels: whether it is fitted on what it predicts, and is thus no method but a ceiling
        reads_dialogs: whether it looks at an utterance's neighbours in its dialog
        note: what a reader of its results should know, a sentence or nothing
        classes_: the emotions, in the order of ``predict_proba``'s columns
        parameters_: what was learned, as plain values that JSON can hold
        trials_: a row per candidate that a search tried, or an empty table
    """

    columns: ClassVar[list[str]] = [*SPEECH, *SENTIMENT]
    fit_on: ClassVar[tuple[str, ...]] = ("validation",)
    measures: ClassVar[tuple[str, ...]] = ()
    reads_words: ClassVar[bool] = True
    sees_test_labels: ClassVar[bool] = False
    reads_dialogs: ClassVar[bool] = False
    note: ClassVar[str] = ""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        """Take ``abstract``, which is for those who read the header (:func:`emofuse.parts.known`)."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def conflicts(cls, **parameters: Any) -> Iterator[Problem]:
        """Which parameters, each valid in itself, do not go together.

        Args:
            parameters: all that a config can give, by name
        """
        yield from ()

    @classmethod
    def has_front(cls, **parameters: Any) -> bool:
        """Whether a Pareto front of an objective against the share selected is learned, with these parameters.

        If so, ``parameters_["front"]`` holds its points by rising share, and ``along_front(X, dialogs)`` yields for
        each the emotions that it decides for, as indices, and which utterances it selects, (utterances,) each;
        ``at_point(number)`` returns the fitted method that decides by one of them.
        """
        return False

    def without_words(self) -> Self | None:
        """The same fitted method with no utterance selected; ``None`` if it cannot do without the words."""
        return None if self.reads_words else self

    def fit(self, X: Any, y: Any, dialogs: pd.DataFrame | None = None) -> Self:
        """Learn from labelled utterances.

        Args:
            X: (utterances, columns) probabilities
            y: (utterances,) emotions
            dialogs: for methods that read dialogs, see :class:`emofuse.fusion.dialogs.Turns`; other methods ignore it

        Raises:
            ValueError: if ``X`` has other columns or values that are no probabilities, ``y`` other emotions,
                or a parameter a value that its description excludes
        """
        scores, emotion = self._check(X, y)
        parts.check_parameters(self)
        self.classes_ = np.array(EMOTIONS)
        self.trials_ = pd.DataFrame()
        self.parameters_: dict[str, Any] = {}
        self._fit(self._among(scores, X, dialogs), emotion)
        return self

    def predict_proba(self, X: Any, dialogs: pd.DataFrame | None = None) -> Floats:
        """Probabilities, (utterances, 4), in the order of ``classes_``; rows sum to 1; `dialogs` as in :meth:`fit`."""
        check_is_fitted(self)
        return self._predict_proba(self._among(self._check(X), X, dialogs))

    def predict(self, X: Any, dialogs: pd.DataFrame | None = None) -> npt.NDArray[np.str_]:
        """The most probable emotion of each utterance, (utterances,); ``dialogs`` as in :meth:`fit`."""
        probability = self.predict_proba(X, dialogs)
        return self.classes_[probability.argmax(axis=1)]

    def selected(self, X: Any, dialogs: pd.DataFrame | None = None) -> npt.NDArray[np.bool_]:
        """Whether the words are consulted for each utterance, (utterances,); ``dialogs`` as in :meth:`fit`.

        A method that combines both for all utterances needs the words of all.
        """
        check_is_fitted(self)
        return self._selected(self._among(self._check(X), X, dialogs))

    def _having(self, **learned: Any) -> Self:
        """The same fitted method with other ``parameters_``, for methods that predict by these."""
        other = copy.copy(self)
        other.parameters_ = self.parameters_ | learned
        return other

    def _among(self, scores: Floats, X: Any, dialogs: pd.DataFrame | None) -> Any:
        """What the methods below are given: the scores alone; of methods that read dialogs, these with the turns."""
        return scores

    def _fit(self, scores: Any, emotion: Indices) -> None:
        """Learn; ``emotion`` is an index into ``classes_``. Methods that learn nothing leave this as it is."""

    def _predict_proba(self, scores: Any) -> Floats:
        raise NotImplementedError

    def _selected(self, scores: Any) -> npt.NDArray[np.bool_]:
        return np.ones(len(scores), dtype=bool)

    def _check(self, X: Any, y: Any = None) -> Any:
        if y is None:
            scores, emotion = validate_data(self, X, reset=False, dtype=np.float64), None
        else:
            scores, y = validate_data(self, X, y, dtype=np.float64)
            emotion = accuracy.indices(y)
            unknown = sorted(set(y[emotion < 0].tolist()), key=str)
            if unknown:
                raise ValueError(f"Unknown label type: y holds {unknown}; should hold {', '.join(EMOTIONS)}")
        if scores.shape[1] != len(self.columns):
            raise ValueError(
                f"{type(self).__name__} takes {len(self.columns)} columns ({', '.join(self.columns)}), "
                f"not {scores.shape[1]}"
            )
        if ((scores < 0) | (scores > 1)).any():
            raise ValueError(f"{type(self).__name__} takes probabilities between 0 and 1")
        return scores if emotion is None else (scores, emotion)


def speech(scores: Floats) -> Floats:
    """The speech classifier's columns, (utterances, 4)."""
    return scores[:, : len(SPEECH)]


def sentiment(scores: Floats) -> Floats:
    """The sentiment columns, (utterances, 3)."""
    return scores[:, len(SPEECH) : len(SPEECH) + len(SENTIMENT)]


def text(scores: Floats) -> Floats:
    """The text expert's columns, (utterances, 4)."""
    start = len(SPEECH) + len(SENTIMENT)
    return scores[:, start : start + len(TEXT)]


def normalised(probability: Floats) -> Floats:
    """Rows that sum to 1 in double precision (published scores are float32)."""
    return probability / probability.sum(axis=1, keepdims=True)


def logarithm(probability: Floats) -> Floats:
    """The natural logarithm of distributions, (utterances, classes), with :data:`SMALLEST` for less."""
    return np.log(np.maximum(normalised(probability), SMALLEST))


def shares(emotion: Indices, smoothing: float = 0.0) -> Floats:
    """The share of each emotion, (4,), with a number added to every count.

    >>> shares(np.array([0, 0, 3])).round(2).tolist()
    [0.67, 0.0, 0.0, 0.33]
    """
    count = np.bincount(emotion, minlength=len(EMOTIONS)) + smoothing
    return count / count.sum()


def named(values: Floats, names: Sequence[str] = EMOTIONS) -> dict[str, float]:
    """Numbers by name, as ``parameters_`` holds them, (names,).

    >>> named(np.array([0.1, 0.2, 0.3, 0.4]))
    {'angry': 0.1, 'happy': 0.2, 'neutral': 0.3, 'sad': 0.4}
    """
    return dict(zip(names, values.tolist(), strict=True))


def swap(probability: Floats, emotion: Indices) -> Floats:
    """Exchange the probabilities of the most probable emotion and of another.

    A selection decides for an emotion without giving a distribution;
    this is the distribution of the voice with as little as possible changed so that it agrees with the decision.

    Args:
        probability: (utterances, 4) distributions
        emotion: (utterances,) the emotion that shall be the most probable, as an index

    Returns:
        (utterances, 4) distributions

    >>> swap(np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([0])).tolist()
    [[0.4, 0.2, 0.3, 0.1]]
    """
    rows = np.arange(len(probability))
    largest = probability.argmax(axis=1)
    swapped = probability.copy()
    swapped[rows, largest] = probability[rows, emotion]
    swapped[rows, emotion] = probability[rows, largest]
    return swapped
