"""The classifier takes the layer and the regularisation that serve the validation best, and never sees the test."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emofuse import contracts, tables
from emofuse.accuracy import unweighted_accuracy
from emofuse.calibration import probabilities
from emofuse.speech import classifier, logits, storage
from emofuse.tables import EMOTIONS, InputError, columns

LOGITS = columns("logit", EMOTIONS)
INFORMATIVE = 2


def fit(*args, c=(0.0001, 0.001, 0.01, 0.1), class_weights=False, scaling="training"):
    return classifier.fit(*args, c=c, class_weights=class_weights, scaling=scaling)


def fit_predict(embeddings, fold, utterances, **settings):
    fitted = fit(embeddings, fold, utterances, **settings)
    return classifier.predict(fitted, embeddings, fold, utterances), fitted.chosen


@pytest.fixture
def embeddings(utterances, tmp_path):
    """Four layers, of which one knows the emotion."""
    random = np.random.default_rng(0)
    values = random.normal(size=(len(utterances), 4, 6)).astype(np.float32)
    values[:, INFORMATIVE, :4] += 5 * np.eye(4)[utterances["emotion"].map(EMOTIONS.index)]
    values[:, :, 0] = values[:, :, 0] * 1000 + 500
    storage.write(values, list(utterances["utterance"]), tmp_path / "embeddings.safetensors")
    return tmp_path / "embeddings.safetensors"


def test_it_finds_the_layer_that_knows_the_emotion(embeddings, fold, utterances):
    speech, chosen = fit_predict([embeddings], fold, utterances)
    assert chosen["layer"] == INFORMATIVE
    labels = logits.labels(fold, utterances)
    test = fold["split"] == "test"
    assert unweighted_accuracy(labels[test], speech.loc[test, LOGITS].to_numpy().argmax(axis=1)) > 0.8
    validation = fold["split"] == "validation"
    ua = unweighted_accuracy(labels[validation], speech.loc[validation, LOGITS].to_numpy().argmax(axis=1))
    assert chosen["validation_UA"] == ua


def test_the_table_is_a_speech_table_of_the_fold(embeddings, fold, utterances):
    speech, _ = fit_predict([embeddings], fold, utterances)
    assert tables.check(speech, contracts.SPEECH_LOGITS, "speech.parquet").equals(speech)
    pd.testing.assert_frame_equal(speech[["fold", "split", "utterance"]], fold)


def test_rows_follow_their_utterances_whatever_the_order(embeddings, fold, utterances):
    speech, chosen = fit_predict([embeddings], fold, utterances)
    test_first = fold.sort_values("split", kind="stable", ignore_index=True)
    other, chosen_other = fit_predict([embeddings], test_first, utterances.sample(frac=1, random_state=0))
    assert chosen == chosen_other
    pd.testing.assert_frame_equal(
        speech.set_index("utterance"), other.set_index("utterance").loc[speech["utterance"]], check_exact=False
    )


def test_test_labels_and_validation_embeddings_change_no_parameter(embeddings, fold, utterances):
    speech, chosen = fit_predict([embeddings], fold, utterances)
    tested = utterances["speaker"] == "s2"
    shuffled = utterances.assign(emotion=utterances["emotion"].where(~tested, utterances["emotion"].shift(1)))
    other, chosen_other = fit_predict([embeddings], fold, shuffled)
    assert chosen == chosen_other
    pd.testing.assert_frame_equal(speech, other, check_exact=True)


def test_class_weights_help_the_rare(embeddings, fold, utterances):
    labels = logits.labels(fold, utterances)
    rare = (labels == 0) & (fold["split"] == "train") & (np.arange(len(fold)) > 3)
    few = fold[~rare].reset_index(drop=True)
    plain, weighted = (
        fit_predict([embeddings], few, utterances, c=[0.001], class_weights=weights)[0] for weights in (False, True)
    )
    test = few["split"] == "test"
    assert (weighted.loc[test, LOGITS].idxmax(axis=1) == LOGITS[0]).sum() > (
        plain.loc[test, LOGITS].idxmax(axis=1) == LOGITS[0]
    ).sum()


def test_training_on_one_corpus_and_testing_on_another(embeddings, fold, utterances, tmp_path):
    values = storage.read(embeddings)
    is_test = (utterances["speaker"] == "s2").to_numpy()
    paths = []
    for name, part in (("a", ~is_test), ("b", is_test)):
        paths.append(tmp_path / f"{name}.safetensors")
        storage.write(values[part], list(utterances["utterance"][part]), paths[-1])
    together = pd.concat([utterances[is_test], utterances[~is_test]])
    speech, _ = fit_predict(paths, fold, together)
    expected, _ = fit_predict([embeddings], fold, utterances)
    pd.testing.assert_frame_equal(speech, expected, check_exact=True)


def test_a_classifier_that_was_kept_says_what_it_said_before(embeddings, fold, utterances, tmp_path):
    fitted = fit([embeddings], fold, utterances)
    classifier.write(fitted, tmp_path / "speech.safetensors", tmp_path / "speech.json")
    kept = classifier.read(tmp_path / "speech.safetensors", tmp_path / "speech.json")
    assert kept.chosen == fitted.chosen
    before, after = (classifier.predict(model, [embeddings], fold, utterances) for model in (fitted, kept))
    pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_a_classifier_that_is_missing_or_damaged_is_named(tmp_path):
    (tmp_path / "speech.json").write_text("{}")
    with pytest.raises(InputError, match=r"speech\.safetensors: no such file"):
        classifier.read(tmp_path / "speech.safetensors", tmp_path / "speech.json")
    (tmp_path / "speech.safetensors").write_text("no tensors")
    with pytest.raises(InputError, match=r"speech\.safetensors: is not safetensors"):
        classifier.read(tmp_path / "speech.safetensors", tmp_path / "speech.json")


@pytest.mark.parametrize("scaling", ["training", "corpus", "speaker"])
def test_a_model_needs_no_test_utterance_and_no_emotion_of_those_that_it_classifies(
    embeddings, fold, utterances, scaling
):
    source, target = fold[fold["split"] != "test"], fold[fold["split"] == "test"]
    fitted = fit([embeddings], source, utterances[utterances["speaker"] != "s2"], scaling=scaling)
    speech = classifier.predict(fitted, [embeddings], target, utterances.drop(columns="emotion"))
    labels = logits.labels(target, utterances)
    assert unweighted_accuracy(labels, speech[LOGITS].to_numpy().argmax(axis=1)) > 0.8


@pytest.mark.parametrize(("scaling", "withstands"), [("training", False), ("corpus", True), ("speaker", True)])
def test_own_standards_withstand_another_microphone(embeddings, fold, utterances, tmp_path, scaling, withstands):
    values = storage.read(embeddings)
    is_test = (utterances["speaker"] == "s2").to_numpy()
    storage.write(3 * values[is_test] + 100, list(utterances["utterance"][is_test]), tmp_path / "target.safetensors")
    people = utterances.assign(corpus=np.where(is_test, "target", "source"))
    source, target = fold[fold["split"] != "test"], fold[fold["split"] == "test"]
    fitted = fit([embeddings], source, people, scaling=scaling)
    plain, changed = (
        classifier.predict(fitted, [path], target, people)[LOGITS]
        for path in (embeddings, tmp_path / "target.safetensors")
    )
    assert np.allclose(plain, changed, atol=1e-3) == withstands


def test_a_single_utterance_and_a_constant_feature_are_divided_by_what_the_corpus_varies_by():
    features = np.array([[0, 5, 7], [4, 5, 7], [2, 1, 7], [2, 3, 7]], np.float32)
    rows = pd.DataFrame({"utterance": list("abcd")})
    people = rows.assign(corpus="c", speaker=["x", "x", "y", "z"])
    of_corpus = (features - features.mean(0)) / [*features[:, :2].std(0), 1]
    own = classifier._standardised(features.copy(), {}, "speaker", rows, people)
    np.testing.assert_allclose(own[:2], [[-1, 0, 0], [1, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(own[2:], of_corpus[2:], rtol=1e-6)
    same = classifier._standardised(features.copy(), {}, "corpus", rows, people)
    np.testing.assert_allclose(same, of_corpus, rtol=1e-6)


@pytest.mark.parametrize("absent", [["sad"], ["happy", "sad"]], ids=["one", "two"])
def test_an_emotion_that_training_lacks_is_never_predicted_and_the_rest_is_as_without_it(
    embeddings, fold, utterances, absent
):
    emotion = fold["utterance"].map(utterances.set_index("utterance")["emotion"])
    few = fold[~(emotion.isin(absent) & fold["split"].ne("test"))].reset_index(drop=True)
    speech, chosen = fit_predict([embeddings], few, utterances)
    present = [name for name in EMOTIONS if name not in absent]
    assert chosen["emotions"] == present
    assert (speech[columns("logit", absent)] == logits.ABSENT).all(axis=None)
    known = speech.loc[(few["split"] == "test") & emotion.isin(present), columns("logit", present)]
    assert known.abs().max(axis=None) < 100
    assert probabilities(speech[LOGITS], temperature=100)[:, [EMOTIONS.index(name) for name in absent]].max() == 0


def test_of_two_emotions_the_probability_is_that_of_a_logistic_regression(embeddings, fold, utterances):
    labels = logits.labels(fold, utterances)
    two = fold[labels < 2].reset_index(drop=True)
    speech, chosen = fit_predict([embeddings], two, utterances, c=[0.1])
    features = storage.read_layer([embeddings], chosen["layer"], list(two["utterance"]))
    train = two["split"] == "train"
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(features[train], labels[labels < 2][train])
    np.testing.assert_allclose(
        probabilities(speech[LOGITS])[:, :2], model.predict_proba(features), rtol=1e-3, atol=1e-5
    )
