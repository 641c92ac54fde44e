"""A classifier of emotion on embeddings: logistic regression on the layer that serves best.

It is fitted on a fold's training and validation utterances, kept, and applied to any utterances.

Embeddings are standardised in one of three ways (:data:`emofuse.speech.SCALINGS`):

- ``training``: by mean and deviation of the training utterances,
- ``corpus``: each corpus by its own mean and deviation,
- ``speaker``: each speaker by his own.

The last two adapt to a corpus or a speaker without a label: they take the utterances that are classified together.
A feature that is the same in all utterances of a speaker is divided by the deviation of his corpus,
and one that is the same in a whole corpus by 1.
A speaker with a single utterance, which would be its own mean, is standardised as his corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from emofuse import accuracy, storage, tables
from emofuse.speech import logits
from emofuse.tables import EMOTIONS, InputError

Array = npt.NDArray[np.floating]


class Classifier(NamedTuple):
    """A classifier that was fitted.

    Attributes:
        arrays: ``coefficients`` (emotions, features) and ``intercepts`` (emotions,), and with the scaling ``training``
            ``mean`` and ``scale`` (features,)
        chosen: ``layer`` and ``c``, their ``validation_UA`` and ``validation_log_loss``, the ``scaling``, and the
            ``emotions`` that the training utterances have
    """

    arrays: dict[str, Array]
    chosen: dict[str, Any]


def fit(
    embeddings: Sequence[str | Path],
    fold: pd.DataFrame,
    utterances: pd.DataFrame,
    *,
    c: Sequence[float],
    class_weights: bool,
    scaling: str,
) -> Classifier:
    """Train on a fold's training utterances.

    Layer and regularisation are those with the highest UA on the validation utterances.
    Where several share it, they are those with the lowest log loss on the same utterances.
    Labels of test utterances are not used.

    Args:
        embeddings: files of one encoder's embeddings, one per corpus
        fold: one fold of a ``folds`` table, with or without test utterances
        utterances: the ``utterances`` table, or several below each other, that the fold was made of
        c: inverse strengths of the regularisation to choose from
        class_weights: whether an utterance weighs more in training the rarer its emotion,
            so that all emotions weigh the same
        scaling: one of :data:`emofuse.speech.SCALINGS`

    Raises:
        InputError: if a file is missing, or naming each utterance that has no embeddings
    """
    labels = logits.labels(fold, utterances)
    train, validation = (fold["split"].eq(name).to_numpy() for name in ("train", "validation"))
    emotions = [EMOTIONS[label] for label in np.unique(labels[train])]
    candidates = []
    for layer in range(storage.layers(embeddings[0])):
        features = storage.read_layer(embeddings, layer, list(fold["utterance"]))
        standard = _of_training(features[train]) if scaling == "training" else {}
        features = _standardised(features, standard, scaling, fold, utterances)
        # Each fit starts where the one before, which was a little more regularised, ended.
        model = LogisticRegression(class_weight="balanced" if class_weights else None, warm_start=True, max_iter=1000)
        for strength in sorted(c):
            model.set_params(C=strength).fit(features[train], labels[train])
            arrays = _coefficients(model)
            scores = logits.of_all(_scores(features[validation], arrays), emotions)
            ua = accuracy.unweighted_accuracy(labels[validation], scores.argmax(axis=1))
            loss = log_loss(labels[validation], softmax(scores, axis=1), labels=range(len(EMOTIONS)))
            candidates.append((ua, -loss, layer, strength, standard | arrays))
    ua, negative_loss, layer, strength, best = max(candidates, key=lambda candidate: candidate[:2])
    chosen = {"layer": layer, "c": strength, "validation_UA": ua, "validation_log_loss": -negative_loss}
    return Classifier(best, chosen | {"scaling": scaling, "emotions": emotions})


def predict(
    classifier: Classifier, embeddings: Sequence[str | Path], rows: pd.DataFrame, utterances: pd.DataFrame
) -> pd.DataFrame:
    """Classify utterances, of the corpora that a classifier was fitted on or of any other.

    Args:
        classifier: what :func:`fit` returned
        embeddings: files of the same encoder's embeddings, one per corpus
        rows: of one fold of a ``folds`` table; the scalings ``corpus`` and ``speaker`` take what these rows have of
            a corpus or a speaker
        utterances: the ``utterances`` table of the same corpora, or several below each other; no emotion is read

    Returns:
        a ``speech`` table in the order of ``rows``, with :data:`emofuse.speech.logits.ABSENT` for an emotion that the
        training utterances did not have

    Raises:
        InputError: if a file is missing, or naming each utterance that has no embeddings
    """
    chosen = classifier.chosen
    features = storage.read_layer(embeddings, chosen["layer"], list(rows["utterance"]))
    features = _standardised(features, classifier.arrays, chosen["scaling"], rows, utterances)
    return logits.table(rows, logits.of_all(_scores(features, classifier.arrays), chosen["emotions"]))


def classify(classifier: Classifier, embeddings: storage.Embeddings) -> Array:
    """Classify utterances on their own, by a classifier whose embeddings are standardised by the training utterances.

    Args:
        classifier: what :func:`fit` returned with the scaling ``training``
        embeddings: (utterances, layers, hidden size) of the same encoder

    Returns:
        (utterances, 4) logits, as in :func:`predict`
    """
    arrays, chosen = classifier
    features = _scaled(embeddings[:, chosen["layer"]].copy(), arrays["mean"], arrays["scale"])
    return logits.of_all(_scores(features, arrays), chosen["emotions"])


def write(classifier: Classifier, arrays: str | Path, chosen: str | Path) -> None:
    """Keep a classifier: its arrays as safetensors, what was chosen as JSON, each file atomically."""
    with tables.replacing(arrays) as temporary:
        save_file(classifier.arrays, temporary)
    tables.write_json(classifier.chosen, chosen)


def read(arrays: str | Path, chosen: str | Path) -> Classifier:
    """A classifier that :func:`write` has kept.

    Raises:
        InputError: if a file is missing or damaged
    """
    try:
        return Classifier(load_file(arrays), tables.read_json(chosen))
    except FileNotFoundError:
        raise InputError([f"{arrays}: no such file"]) from None
    except SafetensorError as error:
        raise InputError([f"{arrays}: is not safetensors ({error}); delete it and run again"]) from None


def _coefficients(model: LogisticRegression) -> dict[str, Array]:
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row, of the second emotion against the first
        coefficients, intercepts = (np.concatenate([-row, row]) / 2 for row in (coefficients, intercepts))
    return {"coefficients": np.ascontiguousarray(coefficients), "intercepts": np.ascontiguousarray(intercepts)}


def _scores(features: Array, arrays: dict[str, Array]) -> Array:
    """(utterances, emotions of the training utterances)."""
    return features @ arrays["coefficients"].T + arrays["intercepts"]


def _of_training(features: Array) -> dict[str, Array]:
    scaler = StandardScaler().fit(features)
    return {"mean": scaler.mean_, "scale": scaler.scale_}


def _standardised(
    features: Array, standard: dict[str, Array], scaling: str, rows: pd.DataFrame, utterances: pd.DataFrame
) -> Array:
    """(utterances, features), in the place of the ones that are given."""
    if scaling == "training":
        return _scaled(features, standard["mean"], standard["scale"])
    people = utterances.set_index("utterance").loc[rows["utterance"], ["corpus", "speaker"]].reset_index()
    for in_corpus in people.groupby("corpus").indices.values():
        mean, scale = _standard(features[in_corpus], 1.0)
        if scaling == "corpus":
            features[in_corpus] = _scaled(features[in_corpus], mean, scale)
            continue
        for of_speaker in people.iloc[in_corpus].groupby("speaker").indices.values():
            own = in_corpus[of_speaker]
            several = len(own) > 1
            features[own] = _scaled(features[own], *(_standard(features[own], scale) if several else (mean, scale)))
    return features


def _standard(features: Array, without: float | Array) -> tuple[Array, Array]:
    """Mean and deviation of each feature, (features,) both, and another deviation for those that do not vary."""
    deviation = features.std(axis=0, dtype=np.float64)
    return features.mean(axis=0, dtype=np.float64), np.where(np.ptp(features, axis=0) > 0, deviation, without)


def _scaled(features: Array, mean: Array, scale: Array) -> Array:
    features -= mean.astype(features.dtype)
    features /= scale.astype(features.dtype)
    return features
