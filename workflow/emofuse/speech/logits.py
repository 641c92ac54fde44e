"""What a speech classifier hands on, whichever it is: four logits for each utterance of a fold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse import accuracy
from emofuse.tables import EMOTIONS, columns


def labels(fold: pd.DataFrame, utterances: pd.DataFrame) -> accuracy.Indices:
    """The emotion of each row of a fold, as an index of ``EMOTIONS``, (utterances,).

    Args:
        fold: rows of a ``folds`` table
        utterances: the ``utterances`` table, or several below each other, that the fold was made of
    """
    emotions = utterances.set_index("utterance")["emotion"]
    return accuracy.indices(emotions.loc[fold["utterance"]])


def table(fold: pd.DataFrame, logits: npt.NDArray[np.floating]) -> pd.DataFrame:
    """A ``speech`` table: the rows of a fold with their (utterances, emotions) logits."""
    named = pd.DataFrame(np.asarray(logits, np.float64), columns=columns("logit", EMOTIONS))
    return pd.concat([fold[["fold", "split", "utterance"]].reset_index(drop=True), named], axis=1)
