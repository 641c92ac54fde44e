"""What a speech classifier takes in and hands on, whichever it is: labels, and four logits per utterance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse import accuracy
from emofuse.tables import EMOTIONS, columns

ABSENT = -1e6
"""The logit of an emotion that no training utterance had: its probability is 0 at every temperature."""


def labels(fold: pd.DataFrame, utterances: pd.DataFrame) -> accuracy.Indices:
    """The emotion of each row of a fold, as an index of ``EMOTIONS``, (utterances,).

    Args:
        fold: rows of a ``folds`` table
        utterances: the ``utterances`` table, or several below each other, that the fold was made of
    """
    emotions = utterances.set_index("utterance")["emotion"]
    return accuracy.indices(emotions.loc[fold["utterance"]])


def of_all(logits: npt.ArrayLike, emotions: Sequence[str]) -> npt.NDArray[np.float64]:
    """Logits of all emotions, from those of the emotions that a model knows.

    Args:
        logits: (utterances, emotions that the model knows)
        emotions: which these are, in order

    Returns:
        (utterances, 4), :data:`ABSENT` for an emotion that the model does not know

    >>> of_all([[0.5, 2.0]], ["happy", "sad"]).tolist()
    [[-1000000.0, 0.5, -1000000.0, 2.0]]
    """
    known = np.asarray(logits, np.float64)
    every = np.full((len(known), len(EMOTIONS)), ABSENT)
    every[:, accuracy.indices(emotions)] = known
    return every


def table(fold: pd.DataFrame, logits: npt.NDArray[np.floating]) -> pd.DataFrame:
    """A ``speech`` table: the rows of a fold with their (utterances, 4) logits."""
    named = pd.DataFrame(np.asarray(logits, np.float64), columns=columns("logit", EMOTIONS))
    return pd.concat([fold[["fold", "split", "utterance"]].reset_index(drop=True), named], axis=1)
