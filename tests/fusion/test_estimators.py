"""Every method is a scikit-learn estimator."""

import re

import numpy as np
import pytest
from helpers import make_scores, softmax
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from emofuse import parts
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH, TEXT

METHODS = {name: parts.load(path) for name, path in parts.known(parts.METHOD).items()}
"""Every method of the library: a new class is covered as soon as it exists."""


def fast(method):
    """Parameters with which a search is quick."""
    return {"search": "exact"} if "search" in parts.parameters(method).model_fields else {}


def make(name):
    return METHODS[name](**fast(METHODS[name]))


def rows(name, utterances=120, seed=0):
    scores = make_scores(utterances, seed=seed)
    scores[TEXT] = make_scores(utterances, seed=seed + 1)[["speech_" + emotion for emotion in EMOTIONS]].to_numpy()
    return scores[METHODS[name].columns], scores["emotion"]


def adapted(name):
    """A method that takes the data that scikit-learn's checks bring.

    Those are any features and any labels, and a method refuses both (tested below). Here the features are turned
    into probabilities by a fixed projection and the labels into emotions, so that all that the checks claim of
    cloning, validation, invariance and repetition is claimed of the method.
    """
    method = METHODS[name]
    sizes = [len(group) for group in (SPEECH, SENTIMENT, TEXT) if set(group) <= set(method.columns)]

    class Adapted(method):
        def fit(self, X, y, dialogs=None):
            X, y = validate_data(self, X, y, dtype=np.float64)
            check_classification_targets(y)
            self.labels_, places = np.unique(y, return_inverse=True)
            if len(self.labels_) > len(EMOTIONS):
                raise ValueError("more than four classes")
            features = self.n_features_in_
            super().fit(self.scores(X), places, dialogs)
            self.n_features_in_, self.classes_ = features, self.labels_
            return self

        def scores(self, X):
            weights = np.random.default_rng(X.shape[1]).normal(size=(X.shape[1], len(self.columns)))
            groups = np.split(X @ weights, np.cumsum(sizes)[:-1], axis=1)
            return np.hstack([softmax(group) for group in groups])

        def predict_proba(self, X, dialogs=None):
            check_is_fitted(self)
            scores = self.scores(validate_data(self, X, reset=False, dtype=np.float64))
            probability = super().predict_proba(scores, dialogs)
            known = probability[:, : len(self.labels_)]
            return known / known.sum(axis=1, keepdims=True)

        def _check(self, X, y=None):
            return X if y is None else (X, y)

    Adapted.__name__ = Adapted.__qualname__ = f"Adapted{method.__name__}"
    return Adapted(**fast(method))


def inapplicable(estimator):
    reasons = {
        "check_classifiers_train": "asks for an accuracy on features that are no scores of a voice",
        "check_estimators_pickle": "a class made in a function cannot be pickled, and nothing here is",
    }
    if estimator.sees_test_labels:
        reasons["check_methods_subset_invariance"] = "knows the rows that it was fitted on by their very bits"
    return reasons


@parametrize_with_checks([adapted(name) for name in METHODS], expected_failed_checks=inapplicable)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", METHODS)
def test_it_can_be_cloned_cross_validated_and_scored(name):
    X, y = rows(name)
    estimator = make(name)
    assert clone(estimator).get_params() == estimator.get_params()
    predicted = cross_val_predict(estimator, X, y, cv=3)
    assert set(predicted) <= set(EMOTIONS)
    assert 0 <= estimator.fit(X, y).score(X, y) <= 1


@pytest.mark.parametrize("name", METHODS)
def test_probabilities_are_distributions_that_agree_with_the_prediction(name):
    X, y = rows(name)
    estimator = make(name).fit(X, y)
    probability = estimator.predict_proba(X)
    assert np.allclose(probability.sum(axis=1), 1)
    assert (probability >= 0).all()
    assert (estimator.classes_[probability.argmax(axis=1)] == estimator.predict(X)).all()


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name].sees_test_labels])
def test_a_row_is_predicted_alike_alone_and_among_others(name):
    X, y = rows(name)
    estimator = make(name).fit(X, y)
    whole = estimator.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert np.allclose(estimator.predict_proba(X.iloc[order]), whole[order])
    assert np.allclose(estimator.predict_proba(X.iloc[[3]]), whole[[3]])


@pytest.mark.parametrize("name", METHODS)
def test_fitting_twice_gives_the_same_and_leaves_the_input_alone(name):
    X, y = rows(name)
    before = X.copy()
    estimator = make(name)
    first = estimator.fit(X, y).predict_proba(X)
    assert np.array_equal(first, estimator.fit(X, y).predict_proba(X))
    assert X.equals(before)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_no_score_is_refused(name):
    X, y = rows(name)
    estimator = make(name)
    takes = f"{type(estimator).__name__} takes"
    columns = f"{takes} {X.shape[1]} columns ({', '.join(X.columns)}), not 3"
    with pytest.raises(ValueError, match=f"^{re.escape(columns)}$"):
        estimator.fit(X.to_numpy()[:, :3], y)
    for wrong in (X.to_numpy() - 0.5, X.to_numpy() + 0.5):
        with pytest.raises(ValueError, match=f"^{takes} probabilities between 0 and 1$"):
            estimator.fit(wrong, y)
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(X.to_numpy() * np.nan, y)
    said = r"^Unknown label type: y holds \['cross'\]; should hold angry, happy, neutral, sad$"
    with pytest.raises(ValueError, match=said):
        estimator.fit(X, np.where(y == "sad", "cross", y))


@pytest.mark.parametrize("name", METHODS)
def test_without_words_what_selects_selects_nothing_and_what_reads_all_words_is_none(name):
    X, y = rows(name)
    estimator = make(name).fit(X, y)
    selected = estimator.selected(X)
    without = estimator.without_words()
    is_selective = bool(estimator.measures) or name.startswith("cascade")
    assert (without is None) == (estimator.reads_words and not is_selective)
    if is_selective:
        assert selected.any() or name == "cascade_text"  # whose best threshold on these rows selects nothing
        assert not without.selected(X).any()
        assert (estimator.selected(X) == selected).all()
    if estimator.measures:
        assert (without.predict(X) == make("speech").fit(X[[*SPEECH, *SENTIMENT]], y).predict(X)).all()


@pytest.mark.parametrize(("name", "parameters"), [("entropy", {"search": "exact", "budget": 0.5}), ("cascade", {})])
def test_at_a_point_of_its_front_a_method_decides_as_the_front_says(name, parameters):
    X, y = rows(name)
    estimator = METHODS[name](**parameters).fit(X, y)
    points = list(estimator.along_front(X))
    for number in (0, len(points) // 2, len(points) - 1):
        at_point, (decided, selected) = estimator.at_point(number), points[number]
        assert (at_point.selected(X) == selected).all()
        assert (at_point.predict(X) == np.array(EMOTIONS)[decided]).all()


def test_the_oracle_is_a_ceiling():
    X, y = rows("oracle", 400)
    oracle = make("oracle").fit(X, y).score(X, y)
    for name in ("speech", "sentiment", "entropy_varentropy", "paper"):
        assert oracle >= make(name).fit(X, y).score(X, y)


def test_importing_the_methods_loads_no_model_library():
    import subprocess
    import sys

    modules = ", ".join(sorted({method.__module__ for method in METHODS.values()}))
    code = (
        f"import sys, {modules}; print([m for m in ('torch', 'transformers', 'whisper', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
