"""Both modalities for every utterance: rules that combine probabilities, fixed or learned.

Writing p(c) for the speech classifier's probability of emotion c and q for what the words say,
from the simplest rule to the one that learns most:

- :class:`Mean` and :class:`Product`, which learn nothing,
- :class:`StackingSpeech`, which corrects the voice alone,
- :class:`Bayes`, which learns how often each sentiment comes with each emotion,
- :class:`Stacking`, which starts from Bayes and corrects it where the labels say so,
- :class:`BayesText` and :class:`StackingText`, the same with the learned text expert instead of the sentiment.

The learned ones take all emotions to be equally likely, since unweighted accuracy counts them equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from emofuse.accuracy import Floats, Indices
from emofuse.fusion.base import FusionMethod, logarithm, named, normalised, sentiment, shares, speech, text
from emofuse.fusion.mapping import SENTIMENT_OF_EMOTION
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, TEXT

Smoothing = Annotated[float, Field(gt=0, description="Added to every count before probabilities are made of them.")]
Penalty = Annotated[float, Field(gt=0, description="How strongly the weights are held near those of Bayes' rule.")]


class Mean(FusionMethod):
    """The weighted mean of voice and words: (1 − w) p(c) + w q(c).

    The *sum rule* of Kittler, Hatef, Duin and Matas, *On combining classifiers* (1998).
    q(c) is the probability of the sentiment that c is expected to come with, scaled to sum to 1 over the emotions.
    """

    def __init__(
        self,
        weight: Annotated[float, Field(ge=0, le=1, description="w, of the sentiment; the rest is the voice's.")] = 0.5,
    ) -> None:
        self.weight = weight

    def _predict_proba(self, scores: Floats) -> Floats:
        return (1 - self.weight) * normalised(speech(scores)) + self.weight * _expected(scores)


class Product(FusionMethod):
    """The product of voice and words: p(c) q(c)ʷ, scaled to sum to 1.

    The *product rule* of Kittler, Hatef, Duin and Matas (1998), for emotions that are equally likely beforehand;
    q(c) as in :class:`Mean`. At w = 0 the words are ignored, at 1 they count as much as the voice.
    Words that favour no sentiment leave the voice as it is.
    """

    def __init__(
        self,
        weight: Annotated[float, Field(ge=0, description="w, the exponent of the sentiment's probabilities.")] = 1.0,
    ) -> None:
        self.weight = weight

    def _predict_proba(self, scores: Floats) -> Floats:
        return softmax(logarithm(speech(scores)) + self.weight * logarithm(_expected(scores)), axis=1)


class Bayes(FusionMethod):
    """Bayes' rule, with the sentiment as a symptom of the emotion: p(c) / π(c) · P(s | c), scaled to sum to 1.

    s is the most probable sentiment, P(s | c) how often it comes with emotion c among the rows of ``fit``,
    and π(c) the share of c among these, which the speech classifier has learned too; divided by it,
    the emotions are equally likely beforehand. Voice and words are assumed to be independent given the emotion.

    Nothing is learned from the speech scores, so training rows are as good as any other, and there are many.
    """

    def __init__(self, smoothing: Smoothing = 1.0) -> None:
        self.smoothing = smoothing

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        self.prior_ = shares(emotion, self.smoothing)
        self.likelihood_ = _likelihood(scores, emotion, self.smoothing)
        self.parameters_ = {
            "prior": named(self.prior_),
            "likelihood": table(self.likelihood_, EMOTIONS, SENTIMENTS),
        }

    def _predict_proba(self, scores: Floats) -> Floats:
        voice = logarithm(speech(scores)) - np.log(self.prior_)
        return softmax(voice + _evidence(scores, self.likelihood_), axis=1)


class StackingSpeech(FusionMethod):
    """Multinomial logistic regression on the voice alone: which emotions it mistakes for which on other speakers.

    The log odds of emotion c are

        log p(c) + b(c) + Σ_d V(c, d) log p(d)

    V and b are learned as in :class:`Stacking`, which has the words besides.
    """

    reads_words = False

    def __init__(self, penalty: Penalty = 10.0) -> None:
        self.penalty = penalty

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        voice = logarithm(speech(scores))
        self.weights_, self.intercept_ = correction(voice, voice, emotion, self.penalty)
        self.parameters_ = {
            "intercept": named(self.intercept_),
            "weights": table(self.weights_, EMOTIONS, SPEECH),
        }

    def _predict_proba(self, scores: Floats) -> Floats:
        voice = logarithm(speech(scores))
        return softmax(voice + voice @ self.weights_.T + self.intercept_, axis=1)

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return np.zeros(len(scores), dtype=bool)


class Stacking(FusionMethod):
    """Multinomial logistic regression on both modalities, starting from Bayes' rule.

    The log odds of emotion c are

        log p(c) + log P(s | c) + b(c) + Σ_d V(c, d) log p(d) + Σ_s U(c, s) q(s)

    with P(s | c) as in :class:`Bayes` and q the three sentiment probabilities.
    The first two terms are Bayes' rule, but for the prior, which b takes in.
    What is learned is the correction, V, U and b:
    which emotions the voice mistakes for which on speakers that it was not trained on, and what the words add.
    It minimises the log loss in which every emotion weighs the same, plus a penalty on the squares of V and U
    (for features scaled to variance 1; the penalty is 1 / C of scikit-learn's logistic regression).
    With few rows the correction is small and Bayes remains; with many the data decide.

    Stacking is Wolpert's (*Stacked generalization*, 1992); to penalise the distance from another model instead of
    the distance from zero is Chelba and Acero's (*Adaptation of maximum entropy capitalizer*, 2006).

    Fit it on rows that the speech classifier was not trained on: on its training rows the voice seems
    more reliable than it is.
    """

    def __init__(self, penalty: Penalty = 10.0, smoothing: Smoothing = 1.0) -> None:
        self.penalty = penalty
        self.smoothing = smoothing

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        self.likelihood_ = _likelihood(scores, emotion, self.smoothing)
        self.weights_, self.intercept_ = correction(self._features(scores), self._start(scores), emotion, self.penalty)
        self.parameters_ = {
            "intercept": named(self.intercept_),
            "weights": table(self.weights_, EMOTIONS, [*SPEECH, *SENTIMENT]),
            "likelihood": table(self.likelihood_, EMOTIONS, SENTIMENTS),
        }

    def _predict_proba(self, scores: Floats) -> Floats:
        return softmax(self._start(scores) + self._features(scores) @ self.weights_.T + self.intercept_, axis=1)

    def _features(self, scores: Floats) -> Floats:
        return np.hstack([logarithm(speech(scores)), sentiment(scores)])

    def _start(self, scores: Floats) -> Floats:
        return logarithm(speech(scores)) + _evidence(scores, self.likelihood_)


class BayesText(FusionMethod):
    """Bayes' rule with the learned text expert: p(c) / π(c) · q(c), scaled to sum to 1.

    q(c) is the text expert's probability. The expert takes all emotions to be equally likely beforehand,
    so that q is, up to a factor, the likelihood of the words; π as in :class:`Bayes`.
    The sentiment is left out: it is read from the same words.
    """

    columns: ClassVar[list[str]] = [*SPEECH, *SENTIMENT, *TEXT]

    def __init__(self, smoothing: Smoothing = 1.0) -> None:
        self.smoothing = smoothing

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        self.prior_ = shares(emotion, self.smoothing)
        self.parameters_ = {"prior": named(self.prior_)}

    def _predict_proba(self, scores: Floats) -> Floats:
        return softmax(logarithm(speech(scores)) - np.log(self.prior_) + logarithm(text(scores)), axis=1)


class StackingText(FusionMethod):
    """Multinomial logistic regression on the voice and the learned text expert, starting from Bayes' rule.

    The log odds of emotion c are

        log p(c) + log q(c) + b(c) + Σ_d V(c, d) log p(d) + Σ_d U(c, d) log q(d)

    with q the text expert's probabilities; V, U and b are learned as in :class:`Stacking`.
    The sentiment is left out: it is read from the same words.
    """

    columns: ClassVar[list[str]] = [*SPEECH, *SENTIMENT, *TEXT]

    def __init__(self, penalty: Penalty = 10.0) -> None:
        self.penalty = penalty

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        self.weights_, self.intercept_ = correction(self.features(scores), self.start(scores), emotion, self.penalty)
        self.parameters_ = {
            "intercept": named(self.intercept_),
            "weights": table(self.weights_, EMOTIONS, [*SPEECH, *TEXT]),
        }

    def _predict_proba(self, scores: Floats) -> Floats:
        return softmax(self.start(scores) + self.features(scores) @ self.weights_.T + self.intercept_, axis=1)

    def features(self, scores: Floats) -> Floats:
        """What is weighed, (utterances, 8): log p and log q."""
        return np.hstack([logarithm(speech(scores)), logarithm(text(scores))])

    def start(self, scores: Floats) -> Floats:
        """What is corrected, (utterances, 4): log p + log q."""
        return logarithm(speech(scores)) + logarithm(text(scores))


def _expected(scores: Floats) -> Floats:
    """The probability of the sentiment that each emotion is expected to come with, (utterances, 4)."""
    return normalised(sentiment(scores)[:, SENTIMENT_OF_EMOTION])


def _label(scores: Floats) -> Floats:
    """1 for the most probable sentiment and 0 for the others, (utterances, 3); equally probable ones share the 1."""
    words = sentiment(scores)
    return normalised((words == words.max(axis=1, keepdims=True)).astype(np.float64))


def _likelihood(scores: Floats, emotion: Indices, smoothing: float) -> Floats:
    """How often each sentiment is the most probable one, by emotion, (4, 3); rows sum to 1."""
    return normalised(np.eye(len(EMOTIONS))[emotion].T @ _label(scores) + smoothing)


def _evidence(scores: Floats, likelihood: Floats) -> Floats:
    """Log P(s | c) of the most probable sentiment, (utterances, 4)."""
    return _label(scores) @ np.log(likelihood).T


def correction(features: Floats, start: Floats, emotion: Indices, penalty: float) -> tuple[Floats, Floats]:
    """The penalised linear correction of given log odds that fits the emotions best.

    Minimises −Σ w log softmax(start + features Wᵀ + b)[emotion] + penalty/2 · ‖W‖²,
    where w gives every emotion the same total weight and the W of the penalty is that of features scaled to variance 1.
    The problem is convex.

    Args:
        features: (utterances, features)
        start: (utterances, 4) log odds to be corrected
        emotion: (utterances,) indices
        penalty: above 0

    Returns:
        W (4, features), for unscaled features, and b (4,)
    """
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale == 0] = 1
    scaled = np.hstack([(features - centre) / scale, np.ones((len(features), 1))])
    truth = np.eye(len(EMOTIONS))[emotion]
    weight = (len(emotion) / len(EMOTIONS) / np.bincount(emotion)[emotion])[:, None]

    def loss(flat: Floats) -> tuple[float, Floats]:
        learned = flat.reshape(len(EMOTIONS), -1)
        penalised = learned * (np.arange(learned.shape[1]) < learned.shape[1] - 1)  # all but the intercept
        odds = log_softmax(start + scaled @ learned.T, axis=1)
        value = -(weight * truth * odds).sum() + penalty / 2 * (penalised**2).sum()
        gradient = (weight * (np.exp(odds) - truth)).T @ scaled + penalty * penalised
        return value, gradient.ravel()

    nothing = np.zeros(len(EMOTIONS) * scaled.shape[1])
    options = {"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-6}
    learned = minimize(loss, nothing, jac=True, method="L-BFGS-B", options=options).x.reshape(len(EMOTIONS), -1)
    weights = learned[:, :-1] / scale
    return weights, learned[:, -1] - weights @ centre


def table(values: Floats, rows: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """Numbers by two names, as ``parameters_`` holds them, (rows, columns)."""
    return {row: named(line, columns) for row, line in zip(rows, values, strict=True)}
