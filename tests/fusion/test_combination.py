"""What the combining methods promise, and what they reach on the published scores."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold, make_scores, published, read_scores, softmax
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from emofuse.fusion.combination import (
    Bayes,
    BayesText,
    Mean,
    Product,
    Stacking,
    StackingSpeech,
    StackingText,
    correction,
)
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, TEXT
from emofuse.text.expert import Tfidf, predict

LEARNED = [Bayes, Stacking, BayesText, StackingText]
ALL = [Mean, Product, *LEARNED]
FOLDS = ["Ses01F", "Ses01M", "Ses02F", "Ses02M", "Ses03F", "Ses03M"]


def make_all_scores(utterances=200, seed=0):
    """Scores with a text expert's too."""
    scores = make_scores(utterances, seed)
    truth = np.eye(4)[[EMOTIONS.index(name) for name in scores["emotion"]]]
    scores[TEXT] = softmax(truth + np.random.default_rng(seed).normal(size=truth.shape))
    return scores


def fitted(method, scores):
    return method.fit(scores[method.columns], scores["emotion"])


@pytest.mark.parametrize("method", ALL)
def test_probabilities(method):
    """Every method gives distributions, the same ones each time, and keeps what it learned as JSON can hold it."""
    scores = make_all_scores()
    first, second = fitted(method(), scores), fitted(clone(method()), scores)
    probability = first.predict_proba(scores[method.columns])
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert (probability >= 0).all()
    np.testing.assert_array_equal(probability, second.predict_proba(scores[method.columns]))
    assert json.loads(json.dumps(first.parameters_, allow_nan=False)) == first.parameters_
    assert first.selected(scores[method.columns]).all()


@pytest.mark.parametrize("method", LEARNED)
@pytest.mark.parametrize("present", [EMOTIONS[:1], EMOTIONS[1:3]])
def test_emotions_absent_from_fit(method, present):
    """Rows without some emotion can be fitted on."""
    scores = make_all_scores()
    rows = scores[scores["emotion"].isin(present)]
    probability = fitted(method(), rows).predict_proba(scores[method.columns])
    np.testing.assert_allclose(probability.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("method", "read"), [(StackingSpeech, SPEECH), (Stacking, [*SPEECH, *SENTIMENT]), (StackingText, [*SPEECH, *TEXT])]
)
def test_weights_are_said_by_emotion_and_by_what_is_read(method, read):
    learned = fitted(method(), make_all_scores()).parameters_
    assert learned.keys() >= {"intercept", "weights"}
    assert list(learned["intercept"]) == list(learned["weights"]) == list(EMOTIONS)
    assert all(list(weights) == list(read) for weights in learned["weights"].values())


def test_mean_weight():
    """Weight 0 is the voice, weight 1 the words, and half is half-way."""
    scores = make_scores()
    voice, words, half = (
        fitted(Mean(weight), scores).predict_proba(scores[[*SPEECH, *SENTIMENT]]) for weight in (0.0, 1.0, 0.5)
    )
    np.testing.assert_allclose(voice, scores[SPEECH])
    negative, neutral, positive = scores[SENTIMENT].to_numpy().T
    expected = np.stack([negative, positive, neutral, negative], axis=1) / (1 + negative)[:, None]
    np.testing.assert_allclose(words, expected)
    np.testing.assert_allclose(half, (voice + words) / 2)


@given(weight=st.floats(0, 5))
@settings(max_examples=20)
def test_product_of_uninformative_words(weight):
    """Words that favour no sentiment leave the voice as it is, whatever their weight."""
    scores = make_scores(40)
    scores[SENTIMENT] = 1 / 3
    probability = fitted(Product(weight), scores).predict_proba(scores[Product.columns])
    np.testing.assert_allclose(probability, scores[SPEECH])


def test_product_by_hand():
    """0.4 · 0.2, 0.3 · 0.7, 0.2 · 0.1 and 0.1 · 0.2, over their sum."""
    scores = make_scores(8)
    one = scores[Product.columns].head(1)
    one.iloc[0] = [0.4, 0.3, 0.2, 0.1, 0.2, 0.1, 0.7]
    probability = fitted(Product(), scores).predict_proba(one)
    np.testing.assert_allclose(probability, [np.array([0.08, 0.21, 0.02, 0.02]) / 0.33])


@pytest.mark.parametrize("method", LEARNED)
@given(order=st.permutations(range(4)), seed=st.integers(0, 5))
@settings(max_examples=15)
def test_permuted_emotions(method, order, seed):
    """No emotion is special: what is learned under other names is the same."""
    scores = make_all_scores(120, seed)
    renamed = scores.copy()
    for names in (SPEECH, TEXT):
        renamed[[names[index] for index in order]] = scores[names].to_numpy()
    renamed["emotion"] = scores["emotion"].map({name: EMOTIONS[order[index]] for index, name in enumerate(EMOTIONS)})
    probability = fitted(method(), scores).predict_proba(scores[method.columns])
    permuted = fitted(method(), renamed).predict_proba(renamed[method.columns])
    np.testing.assert_allclose(permuted[:, order], probability, atol=1e-4)


def test_bayes_with_uninformative_words():
    """If the words never favour a sentiment, Bayes is the voice divided by the prior."""
    scores = make_scores(101)
    scores[SENTIMENT] = 1 / 3
    method = fitted(Bayes(), scores)
    expected = scores[SPEECH].to_numpy() / [method.parameters_["prior"][name] for name in EMOTIONS]
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(method.predict_proba(scores[Bayes.columns]), expected)


def test_both_kinds_of_bayes_say_the_same_prior():
    scores = make_all_scores(101)
    assert fitted(BayesText(), scores).parameters_ == {"prior": fitted(Bayes(), scores).parameters_["prior"]}


def test_bayes_learns_shares():
    """The likelihood is the share of each most probable sentiment, one added to each count."""
    scores = make_scores(40)
    scores[SENTIMENT] = np.eye(3)[[0] * 10 + [1] * 10 + [2] * 20]
    scores["emotion"] = ["angry"] * 8 + ["happy"] * 32
    likelihood = fitted(Bayes(), scores).parameters_["likelihood"]
    assert likelihood["angry"] == pytest.approx(dict(zip(SENTIMENTS, np.array([9, 1, 1]) / 11, strict=True)))
    assert likelihood["happy"] == pytest.approx(dict(zip(SENTIMENTS, np.array([3, 11, 21]) / 35, strict=True)))
    assert likelihood["sad"] == pytest.approx(dict.fromkeys(SENTIMENTS, 1 / 3))


def test_bayes_reads_no_speech_scores_in_fit():
    """Bayes may be fitted on rows that the speech classifier was trained on: it does not look at their scores."""
    scores = make_all_scores()
    other = scores.assign(**{name: 0.25 for name in SPEECH})
    for method in (Bayes, BayesText):
        assert fitted(method(), scores).parameters_ == fitted(method(), other).parameters_


def test_much_penalised_stacking_is_bayes():
    """With an infinite penalty only the balance of the emotions is learned."""
    scores = make_scores(300)
    method = fitted(Stacking(penalty=1e9), scores)
    assert np.abs(method.weights_).max() < 1e-5
    voice = np.log(scores[SPEECH].to_numpy()) + method.intercept_
    likelihood = np.array([list(row.values()) for row in method.parameters_["likelihood"].values()])
    odds = voice + np.log(likelihood)[:, scores[SENTIMENT].to_numpy().argmax(axis=1)].T
    np.testing.assert_allclose(method.predict_proba(scores[Stacking.columns]), softmax(odds), atol=1e-5)


def test_unpenalised_stacking_is_logistic_regression():
    """Without a penalty it does not matter where the regression starts."""
    scores = make_all_scores(400)
    features = np.log(scores[[*SPEECH, *TEXT]].to_numpy())
    reference = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=5000, tol=1e-8)
    expected = reference.fit(features, scores["emotion"]).predict_proba(features)
    probability = fitted(StackingText(penalty=1e-7), scores).predict_proba(scores[StackingText.columns])
    np.testing.assert_allclose(probability, expected, atol=1e-3)


@pytest.mark.parametrize("penalty", [0.5, 10.0, 200.0])
def test_a_correction_of_nothing_is_a_penalised_logistic_regression_on_scaled_features(penalty):
    """Where emotions are rare and frequent, and features of different width, one of which is always the same."""
    scores = make_all_scores(300).query("emotion != 'sad' or speech_sad > 0.5")
    features = np.hstack([np.log(scores[SPEECH]) * [1, 5, 0.2, 1] + 3, np.ones((len(scores), 1))])
    emotion = scores["emotion"].map(EMOTIONS.index).to_numpy()
    weights, intercept = correction(features, np.zeros((len(features), 4)), emotion, penalty)
    scaled = StandardScaler().fit_transform(features)
    reference = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=5000, tol=1e-10)
    expected = reference.fit(scaled, emotion).predict_proba(scaled)
    np.testing.assert_allclose(softmax(features @ weights.T + intercept), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Mean(weight=1.5), "weight is 1.5; should be at most 1"),
        (Product(weight=-1), "weight is -1; should be at least 0"),
        (Bayes(smoothing=0), "smoothing is 0; should be above 0"),
        (Stacking(penalty=0), "penalty is 0; should be above 0"),
        (Stacking(smoothing=-1), "smoothing is -1; should be above 0"),
        (BayesText(smoothing=0), "smoothing is 0; should be above 0"),
        (StackingText(penalty=-1), "penalty is -1; should be above 0"),
    ],
    ids=repr,
)
def test_bad_parameters(method, message):
    """Parameters are checked in fit, and the error says what would be right."""
    with pytest.raises(ValueError, match=message):
        fitted(method, make_all_scores(20))


def test_columns_of_the_text_expert_are_needed():
    """A method with a text expert says which columns it takes."""
    scores = make_scores(20)
    with pytest.raises(ValueError, match=r"StackingText takes 11 columns .* not 7"):
        StackingText().fit(scores[[*SPEECH, *SENTIMENT]], scores["emotion"])


@pytest.fixture(scope="module")
def released():
    """The six folds of the published scores that the targets were set on."""
    scores = read_scores(published())
    if not set(FOLDS) <= set(scores["fold"]):
        pytest.skip(f"the published scores lack some of the folds {', '.join(FOLDS)}")
    return scores[scores["fold"].isin(FOLDS)]


def mean_ua(scores, method=None, condition=None):
    """Mean test UA over folds of a method fitted on validation rows, or of the voice alone."""
    uas = []
    for _, fold in scores.groupby("fold"):
        test = fold[fold["split"] == "test"]
        if condition:
            test = test[test["condition"] == condition]
        if method is None:
            predicted = np.array(EMOTIONS)[test[SPEECH].to_numpy().argmax(axis=1)]
        else:
            predicted = fitted(clone(method), fold[fold["split"] == "validation"]).predict(test[method.columns])
        uas.append(balanced_accuracy_score(test["emotion"], predicted))
    return np.mean(uas)


def test_better_than_the_paper_with_sentiment(released):
    """Mean test UA of the voice alone 0.6760 and of the paper 0.6812; asked for: 0.700.

    Asked for on improvised utterances: as much better than the voice as in a trial, 0.686 to 0.722.
    """
    assert mean_ua(released) == pytest.approx(0.6760, abs=1e-4)
    assert mean_ua(released, Stacking()) >= 0.700
    gain = mean_ua(released, Stacking(), "improvised") - mean_ua(released, condition="improvised")
    assert gain >= 0.722 - 0.686


@pytest.mark.slow
def test_better_than_the_paper_with_text(released):
    """Asked for: 0.780, and 0.751 on improvised utterances, where no line has been read before."""
    about = released.drop_duplicates("utterance")
    expert = predict(
        by_fold(released),
        about,
        about.rename(columns={"transcript": "text"}),
        [Tfidf(inverse_penalty=3.0, smoothing=0.1)],
        parts=4,
    )
    scores = released.merge(pd.concat(expert), on=["fold", "split", "utterance"], validate="one_to_one")
    assert mean_ua(scores, StackingText()) >= 0.780
    improvised = mean_ua(scores, StackingText(), "improvised")
    assert improvised >= 0.751
    assert improvised > mean_ua(scores, Stacking(), "improvised") > mean_ua(scores, condition="improvised")
