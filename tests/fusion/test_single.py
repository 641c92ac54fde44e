"""The oracle is the ceiling of any choice between voice and words, also where utterances look alike."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse.fusion.mapping import EMOTIONS_OF_SENTIMENT
from emofuse.fusion.single import Oracle, Sentiment, Text
from emofuse.tables import EMOTIONS, SENTIMENTS

ANGRY_NEGATIVE = [0.6, 0.1, 0.2, 0.1, 0.8, 0.1, 0.1]
"""The voice says angry; the words are negative: angry or sad."""

HAPPY_POSITIVE = [0.1, 0.6, 0.2, 0.1, 0.1, 0.1, 0.8]
SAD_POSITIVE = [0.1, 0.1, 0.2, 0.6, 0.1, 0.1, 0.8]


def oracle(rows, emotions):
    X = pd.DataFrame(rows, columns=Oracle.columns)
    return Oracle().fit(X, emotions).predict(X).tolist()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_equal_rows_get_the_emotion_that_adds_most_to_ua_in_whatever_order_they_come(order):
    emotions = ["sad", "angry", "sad"]
    said = oracle([ANGRY_NEGATIVE] * 3 + [HAPPY_POSITIVE], [*(emotions[place] for place in order), "happy"])
    # All angry utterances are there, and all sad ones: 1 of 1 against 2 of 2, and the voice keeps its own.
    assert said == ["angry"] * 3 + ["happy"]
    said = oracle(
        [ANGRY_NEGATIVE] * 3 + [HAPPY_POSITIVE] * 2, [*(emotions[place] for place in order), "happy", "angry"]
    )
    # One of two angry utterances against all sad ones.
    assert said[:3] == ["sad"] * 3


def test_the_voice_keeps_its_own_where_no_other_is_better_and_where_nothing_is_known():
    said_sad = [0.1, 0.1, 0.2, 0.6, 0.8, 0.1, 0.1]
    assert oracle([said_sad] * 2, ["sad", "angry"]) == ["sad"] * 2
    fitted = Oracle().fit(pd.DataFrame([ANGRY_NEGATIVE], columns=Oracle.columns), ["sad"])
    assert fitted.predict(pd.DataFrame([said_sad, HAPPY_POSITIVE], columns=Oracle.columns)).tolist() == ["sad", "happy"]


def test_an_emotion_that_neither_voice_nor_words_can_give_is_not_given():
    assert oracle([ANGRY_NEGATIVE] * 3, ["neutral", "neutral", "sad"]) == ["sad"] * 3
    assert oracle([ANGRY_NEGATIVE], ["happy"]) == ["angry"]


rows = st.sampled_from([ANGRY_NEGATIVE, HAPPY_POSITIVE, SAD_POSITIVE])


@settings(max_examples=50)
@given(st.lists(st.tuples(rows, st.sampled_from(EMOTIONS)), min_size=1, max_size=12))
def test_no_choice_between_voice_and_words_has_a_higher_ua(labelled):
    table = pd.DataFrame([row for row, _ in labelled], columns=Oracle.columns)
    true = np.array([emotion for _, emotion in labelled])

    def ua(predicted):
        return np.mean([(predicted[true == emotion] == emotion).mean() for emotion in set(true)])

    ceiling = ua(np.array(oracle(table, true)))
    kinds = sorted({tuple(row) for row, _ in labelled})
    attainable = [
        {EMOTIONS[np.argmax(kind[:4])], *EMOTIONS_OF_SENTIMENT[SENTIMENTS[np.argmax(kind[4:])]]} for kind in kinds
    ]
    for choice in itertools.product(*attainable):
        emotion_of = dict(zip(kinds, choice, strict=True))
        assert ceiling >= ua(np.array([emotion_of[tuple(row)] for row, _ in labelled])) - 1e-12


def test_words_alone_give_each_sentiment_to_the_emotion_that_it_is_mapped_to():
    """Negative goes to angry below the sentiment score that separates best, and to sad above it."""
    X = pd.DataFrame([ANGRY_NEGATIVE, [*ANGRY_NEGATIVE[:4], 0.4, 0.3, 0.3], HAPPY_POSITIVE], columns=Sentiment.columns)
    method = Sentiment().fit(X, ["sad", "angry", "happy"])
    assert method.parameters_["strategy"] == "simple"
    np.testing.assert_allclose(method.predict_proba(X), [[0, 0.1, 0.1, 0.8], [0.4, 0.3, 0.3, 0], [0, 0.8, 0.1, 0.1]])


def test_the_text_expert_alone_says_what_it_said():
    X = pd.DataFrame([[*ANGRY_NEGATIVE, 0.1, 0.2, 0.3, 0.4]], columns=Text.columns)
    np.testing.assert_allclose(Text().fit(X, ["angry"]).predict_proba(X), [[0.1, 0.2, 0.3, 0.4]])
