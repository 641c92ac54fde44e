"""The classifier takes the layer and the regularisation that serve the validation best, and never sees the test."""

import numpy as np
import pandas as pd
import pytest

from emofuse import contracts, tables
from emofuse.accuracy import unweighted_accuracy
from emofuse.speech import classifier, logits, storage
from emofuse.tables import EMOTIONS, columns

LOGITS = columns("logit", EMOTIONS)
INFORMATIVE = 2


def fit_predict(*args, c=(0.0001, 0.001, 0.01, 0.1), class_weights=False):
    return classifier.fit_predict(*args, c=c, class_weights=class_weights)


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
