"""The laws of entropy and varentropy."""

import numpy as np
from helpers import published, read_scores
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from emofuse.fusion.uncertainty import attainable, confidence, entropy, varentropy
from emofuse.tables import SPEECH

weights = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda values: sum(values) > 1e-3)
distributions = weights.map(lambda values: np.array(values) / np.sum(values))


@given(distributions)
def test_entropy_lies_between_certain_and_uniform(p):
    assert 0 <= entropy(p) <= np.log(4) + 1e-12


@given(distributions)
def test_varentropy_is_the_variance_of_the_surprise(p):
    surprise = -np.log(np.where(p > 0, p, 1))
    assert np.isclose(varentropy(p), np.average((surprise - entropy(p)) ** 2, weights=p))
    assert varentropy(p) >= 0


@given(distributions, st.permutations(range(4)))
def test_the_order_of_classes_does_not_matter(p, order):
    for measure in (entropy, varentropy, confidence):
        assert np.isclose(measure(p), measure(p[order]))


@given(distributions)
def test_entropy_is_scipys(p):
    assert np.isclose(entropy(p), scipy_entropy(p))


def test_evenly_torn_has_no_varentropy():
    for number in (1, 2, 3, 4):
        p = np.zeros(4)
        p[:number] = 1 / number
        assert np.isclose(entropy(p), np.log(number))
        assert np.isclose(varentropy(p), 0)


@given(distributions)
def test_the_outline_holds_all_that_is_attainable(p):
    """Between its lower and its upper edge at that entropy, within the outline's steps."""
    h, v = attainable(4)
    upper, lower = (np.argsort(h[:200]), slice(200)), (np.argsort(h[200:]), slice(200, None))
    highest, lowest = (np.interp(entropy(p), h[part][order], v[part][order]) for order, part in (upper, lower))
    assert lowest - 1e-2 <= varentropy(p) <= highest + 1e-2


def test_the_outline_leads_from_certainty_to_evenness_and_back():
    h, v = attainable(4)
    assert np.allclose(h[[0, 199, 200, -1]], [0, np.log(4), np.log(4), 0])
    assert np.allclose(v[[0, 199, 200, -1]], 0)


def test_the_published_columns_are_these_functions():
    import pandas as pd

    root = published()
    raw = pd.read_csv(root / "Merge/Predict Results/fold_0/test-predictions-raw.csv")
    scores = read_scores(root).set_index(["fold", "split", "utterance"])
    voice = scores.loc[("Ses01F", "test")].loc[raw["ID"], SPEECH].to_numpy()
    assert np.allclose(entropy(voice), raw["entropy"], atol=1e-5)
    assert np.allclose(varentropy(voice), raw["varentropy"], atol=1e-5)
