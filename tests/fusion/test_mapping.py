"""A mapping decides as its documentation says also where two are equal."""

import numpy as np
import pytest

from emofuse.fusion.mapping import SIMPLE, Mapping
from emofuse.tables import EMOTIONS

NEGATIVE = [0.6, 0.3, 0.1]


def said(mapping, voice, words=NEGATIVE):
    return EMOTIONS[mapping(np.array([voice]), np.array([words])).item()]


@pytest.mark.parametrize(
    ("angry", "sad", "expected"), [(0.3, 0.3, "angry"), (0.3, np.nextafter(0.3, 1), "sad"), (0.0, 0.0, "angry")]
)
def test_the_voice_says_angry_unless_sad_is_more_probable(angry, sad, expected):
    assert said(Mapping("refer"), [angry, 0.2, 0.2, sad]) == expected


@pytest.mark.parametrize(("flip", "most", "above"), [(False, "angry", "sad"), (True, "sad", "angry")])
def test_a_sentiment_score_of_at_most_the_threshold_is_angry_or_flipped_sad(flip, most, above):
    voice = [0.1, 0.2, 0.3, 0.4]
    assert said(Mapping("simple", flip, 0.6), voice) == most
    assert said(Mapping("simple", flip, np.nextafter(0.6, 0)), voice) == above


def test_of_equal_sentiments_the_first_counts():
    assert said(Mapping("refer"), [0.1, 0.2, 0.3, 0.4], [0.4, 0.4, 0.2]) == "sad"
    assert said(Mapping("refer"), [0.1, 0.2, 0.3, 0.4], [0.2, 0.4, 0.4]) == "neutral"


def test_sentiment_scores_are_those_of_the_papers_notebook():
    """0.00 to 0.70 in steps of 0.05, flipped first."""
    expected = [(flip, step * 5) for flip in (True, False) for step in range(15)]
    assert [(mapping.flip, round(mapping.sentiment_score * 100, 6)) for mapping in SIMPLE] == expected
