import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse.demo import sentences
from emofuse.tables import EMOTIONS, SENTIMENTS


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(sentences.CORES)), st.booleans())
def test_a_sentence_belongs_to_the_corpora_or_to_the_material_and_is_short(seed, said, reserved):
    text = sentences.short_sentence(np.random.default_rng(seed), said, reserved=reserved)
    assert sentences.is_reserved(text) is reserved
    assert len(text) <= sentences.LONGEST


def test_a_third_of_the_grammar_is_reserved():
    rng = np.random.default_rng(0)
    reserved = [sentences.is_reserved(sentences.sentence(rng, said)) for said in sentences.CORES for _ in range(400)]
    assert np.mean(reserved) == pytest.approx(1 / 3, abs=0.05)


def test_every_sentence_has_a_sentiment():
    assert set(sentences.SENTIMENT_OF) == set(sentences.CORES)
    assert set(sentences.SENTIMENT_OF.values()) == set(SENTIMENTS)


def test_words_mostly_agree_with_the_emotion():
    assert set(sentences.SAID) == set(EMOTIONS)
    for emotion, shares in sentences.SAID.items():
        assert sum(shares.values()) == pytest.approx(1)
        fitting = sentences.SENTIMENT_OF[emotion]
        agrees = sum(share for said, share in shares.items() if sentences.SENTIMENT_OF[said] == fitting)
        assert 0.6 < agrees < 0.9
