"""One temperature makes validation probabilities as sure as they are right, and changes no prediction."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emofuse.calibration import BOUNDS, fit_temperature, probabilities, temperatures
from emofuse.tables import EMOTIONS, columns


def sample(seed, scale, utterances=400):
    """Labels drawn from the softmax of logits, which are then multiplied by ``scale``: the right temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(utterances, 4)) * 2
    labels = np.array([random.choice(4, p=row) for row in probabilities(logits)])
    return logits * scale, labels


def loss(logits, labels, temperature):
    right = probabilities(logits, temperature)[np.arange(len(labels)), labels]
    return -np.log(np.maximum(right, 1e-300)).mean()


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_it_finds_how_much_too_sure_a_classifier_is(scale):
    logits, labels = sample(0, scale, utterances=20_000)
    assert fit_temperature(logits, labels) == pytest.approx(scale, rel=0.05)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_no_other_temperature_makes_the_labels_more_probable(seed, scale):
    logits, labels = sample(seed, scale, utterances=50)
    temperature = fit_temperature(logits, labels)
    others = np.geomspace(*BOUNDS, 50)
    assert loss(logits, labels, temperature) <= min(loss(logits, labels, other) for other in others) + 1e-9


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.2, 5))
def test_logits_that_are_larger_by_a_factor_have_a_temperature_larger_by_it(seed, factor):
    logits, labels = sample(seed, 1.0)
    assert fit_temperature(factor * logits, labels) == pytest.approx(factor * fit_temperature(logits, labels), rel=1e-4)


@given(arrays(np.float64, (5, 4), elements=st.floats(-50, 50)), st.floats(*BOUNDS))
def test_probabilities_sum_to_one_and_keep_their_order(logits, temperature):
    calibrated = probabilities(logits, temperature)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    ordered = np.take_along_axis(calibrated, logits.argsort(axis=1), axis=1)
    assert (np.diff(ordered, axis=1) >= 0).all()


def test_logits_in_single_precision_have_probabilities_in_double():
    logits = np.array([[1.0, 2.0, 4.0, 8.0]], np.float32)
    np.testing.assert_array_equal(probabilities(logits), probabilities(logits.astype(np.float64)))
    assert probabilities(logits).dtype == np.float64


def test_where_all_are_right_the_temperature_is_low_but_within_bounds():
    assert BOUNDS[0] <= fit_temperature(np.eye(4), np.arange(4)) < 0.1


def test_each_fold_has_the_temperature_of_its_validation_utterances_alone():
    parts = []
    for fold, scale in (("a", 1.0), ("b", 3.0)):
        logits, labels = sample(7, scale)
        part = pd.DataFrame(logits, columns=columns("logit", EMOTIONS)).assign(emotion=np.array(EMOTIONS)[labels])
        parts.append(part.assign(fold=fold, split="validation"))
    unseen = [parts[0].assign(split=split, emotion="sad") for split in ("train", "test")]
    fitted = temperatures(pd.concat([*parts, *unseen], ignore_index=True))
    expected = {fold: fit_temperature(*sample(7, scale)) for fold, scale in (("a", 1.0), ("b", 3.0))}
    assert fitted == pytest.approx(expected)
