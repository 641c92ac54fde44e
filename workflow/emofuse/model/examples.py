"""Examples: what a model says of a few recordings of its study."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emofuse import audio
from emofuse.model.model import Model

COUNT = 3
"""How many recordings."""


def predict(model: Model, predictions: pd.DataFrame, recordings: pd.DataFrame, root: str) -> pd.DataFrame:
    """What a model says of test recordings: from that of which its voice was surest to that of which it was least.

    Args:
        model: asked
        predictions: the `predictions` table of its method
        recordings: the `recordings` table of the corpus that was tested
        root: the folder that their paths are relative to

    Returns:
        the `predicted` table
    """
    order = predictions.drop_duplicates("utterance").sort_values(["entropy", "utterance"])["utterance"]
    chosen = order.iloc[np.linspace(0, len(order) - 1, COUNT).round().astype(int)].drop_duplicates()
    rows = recordings.set_index("utterance").loc[chosen].fillna({"start": 0.0})
    return model.predict(audio.resolve(rows.assign(recording=rows["path"]), root))
