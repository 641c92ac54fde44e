"""What a speech classifier hands on, whichever it is: four logits for each utterance of a fold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import recall_score

from emofuse.tables import EMOTIONS, columns

Labels = npt.NDArray[np.intp]
"""Emotions as indices of ``EMOTIONS``, (utterances,)."""


def labels(fold: pd.DataFrame, utterances: pd.DataFrame) -> Labels:
    """The emotion of each row of a fold.

    Args:
        fold: rows of a ``folds`` table
        utterances: the ``utterances`` table, or several below each other, that the fold was made of
    """
    emotions = utterances.set_index("utterance")["emotion"]
    return fold["utterance"].map(emotions).map(EMOTIONS.index).to_numpy()


def unweighted_accuracy(labels: Labels, logits: npt.NDArray[np.floating]) -> float:
    """UA: the mean, over the emotions that occur, of the share that is recognised.

    >>> unweighted_accuracy(np.array([0, 0, 1]), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    0.75
    """
    return float(recall_score(labels, logits.argmax(axis=1), labels=np.unique(labels), average="macro"))


def table(fold: pd.DataFrame, logits: npt.NDArray[np.floating]) -> pd.DataFrame:
    """A ``speech`` table: the rows of a fold with their (utterances, emotions) logits."""
    found = pd.DataFrame(np.asarray(logits, np.float64), columns=columns("logit", EMOTIONS))
    return pd.concat([fold[["fold", "split", "utterance"]].reset_index(drop=True), found], axis=1)
