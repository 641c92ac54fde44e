"""A candidate and the thresholds that describe it decide alike."""

import numpy as np
import pytest
from helpers import make_scores

from emofuse.fusion.base import FusionMethod
from emofuse.fusion.mapping import EMOTIONS_OF_SENTIMENT, MAPPINGS, SENTIMENT_OF_EMOTION, Mapping
from emofuse.fusion.thresholds import MEASURES, Rule, apply, describe, places, weigh
from emofuse.tables import EMOTIONS, SENTIMENTS


@pytest.mark.parametrize("names", [("entropy", "varentropy"), *((name,) for name in MEASURES)])
def test_described_thresholds_decide_as_the_candidate_does(names):
    scores = make_scores(300)[FusionMethod.columns].to_numpy()
    evidence = weigh(scores, names, MAPPINGS)
    medians = tuple(np.median(evidence.measures, axis=0).tolist())
    candidate = {0: Rule(medians, 30), 3: Rule(medians, 7)}
    thresholds = describe(candidate, names, MAPPINGS)
    for fast, described in zip(evidence.decide(candidate), apply(scores, thresholds, names), strict=True):
        np.testing.assert_array_equal(fast, described)
    selected = apply(scores, thresholds, names)[1]
    assert set(evidence.predicted[selected]) == {0, 3}


def test_the_place_of_a_threshold_is_the_share_that_lies_below_it_of_what_is_predicted_alike():
    scores = make_scores(60)[FusionMethod.columns].to_numpy()
    angry = scores[scores[:, :4].argmax(axis=1) == 0]
    values = np.sort(MEASURES["entropy"][0](angry[:, :4]))
    thresholds = describe({0: Rule((values[3],), 0)}, ("entropy",), MAPPINGS)
    assert list(places(scores, thresholds, ("entropy",))) == [("angry", "entropy", values[3], 3 / len(values))]
    others = scores[scores[:, :4].argmax(axis=1) != 0]
    assert list(places(others, thresholds, ("entropy",))) == []


def test_bounds_are_in_the_measures_own_units_and_none_where_nothing_is_selected():
    thresholds = describe({0: Rule((0.9, -0.2), 0)}, ("entropy", "varentropy"), MAPPINGS)
    assert thresholds["angry"] == {"entropy": 0.9, "varentropy": 0.2} | MAPPINGS[0].parameters()
    assert thresholds["sad"]["entropy"] is thresholds["sad"]["varentropy"] is None


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_a_mapping_is_its_parameters(mapping):
    assert Mapping.of(mapping.parameters() | {"entropy": 1.0}) == mapping


def test_a_mapping_gives_an_emotion_that_the_sentiment_can_stand_for():
    scores = make_scores(200)[FusionMethod.columns].to_numpy()
    said = [EMOTIONS_OF_SENTIMENT[SENTIMENTS[label]] for label in scores[:, 4:].argmax(axis=1)]
    for mapping in MAPPINGS:
        mapped = mapping(scores[:, :4], scores[:, 4:])
        assert all(EMOTIONS[emotion] in emotions for emotion, emotions in zip(mapped, said, strict=True))
    for emotion, sentiment in zip(EMOTIONS, SENTIMENT_OF_EMOTION, strict=True):
        assert emotion in EMOTIONS_OF_SENTIMENT[SENTIMENTS[sentiment]]
