"""What became of each utterance: right or wrong by the voice alone, corrected or spoilt by a method."""

from __future__ import annotations

import numpy as np
import pandas as pd

RIGHT, WRONG, CORRECTED, SPOILT, STILL_WRONG = "right", "wrong", "corrected", "spoilt", "wrong → wrong"
"""The last is another wrong emotion than before."""


def outcomes(predictions: pd.DataFrame) -> pd.Series:
    """What became of each row of a ``predictions`` table."""
    was, now = predictions["speech"] == predictions["emotion"], predictions["predicted"] == predictions["emotion"]
    same = predictions["speech"] == predictions["predicted"]
    outcome = np.select([was & now, same, now, was], [RIGHT, WRONG, CORRECTED, SPOILT], STILL_WRONG)
    return pd.Series(outcome, index=predictions.index)


def summary(method: str, predictions: pd.DataFrame) -> str:
    """How many utterances a method selected, corrected and spoilt, as a title."""
    outcome = outcomes(predictions)
    return (
        f"{method}: {predictions['selected'].sum()} of {len(predictions)} selected, "
        f"{(outcome == CORRECTED).sum()} corrected, {(outcome == SPOILT).sum()} spoilt"
    )
