"""A classifier of emotion on embeddings: logistic regression on the layer that serves best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from emofuse import accuracy
from emofuse.speech import logits, storage
from emofuse.tables import EMOTIONS


def fit_predict(
    embeddings: Sequence[str | Path],
    fold: pd.DataFrame,
    utterances: pd.DataFrame,
    *,
    c: Sequence[float],
    class_weights: bool,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Train on a fold's training utterances and classify all of the fold.

    Embeddings are standardised by the training utterances' mean and deviation.
    Layer and regularisation are those with the highest UA on the validation utterances.
    Where several share it, they are those with the lowest log loss on the same utterances.

    Args:
        embeddings: files of one encoder's embeddings, one per corpus
        fold: one fold of a ``folds`` table
        utterances: the ``utterances`` table, or several below each other, that the fold was made of
        c: inverse strengths of the regularisation to choose from
        class_weights: whether an utterance weighs more in training the rarer its emotion,
            so that all emotions weigh the same

    Returns:
        a ``speech`` table in the order of ``fold``, and what was chosen: layer, c, their validation UA and log loss

    Raises:
        InputError: if a file is missing, or naming each utterance that has no embeddings
    """
    labels = logits.labels(fold, utterances)
    train, validation = (fold["split"].eq(name).to_numpy() for name in ("train", "validation"))
    candidates = []
    for layer in range(storage.layers(embeddings[0])):
        features = storage.read_layer(embeddings, layer, list(fold["utterance"]))
        features = StandardScaler().fit(features[train]).transform(features)
        # Each fit starts where the one before, which was a little more regularised, ended.
        model = LogisticRegression(class_weight="balanced" if class_weights else None, warm_start=True, max_iter=1000)
        for strength in sorted(c):
            model.set_params(C=strength).fit(features[train], labels[train])
            scores = model.decision_function(features)  # (utterances, emotions)
            ua = accuracy.unweighted_accuracy(labels[validation], scores[validation].argmax(axis=1))
            loss = log_loss(labels[validation], softmax(scores[validation], axis=1), labels=range(len(EMOTIONS)))
            candidates.append((ua, -loss, layer, strength, scores))
    ua, negative_loss, layer, strength, best = max(candidates, key=lambda candidate: candidate[:2])
    chosen = {"layer": layer, "c": strength, "validation_UA": ua, "validation_log_loss": -negative_loss}
    return logits.table(fold, best), chosen
