"""The corpus's own transcripts, for a study that asks what perfect speech recognition would change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emofuse.tables import InputError


def transcripts(utterances: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """Take the reference transcripts for transcripts.

    Args:
        utterances: an ``utterances`` table
        source: its file, which errors name

    Returns:
        a ``transcripts`` table in the order of ``utterances``, without any probability

    Raises:
        InputError: naming each utterance that has no reference
    """
    missing = utterances[utterances["reference"].isna()]
    if len(missing):
        raise InputError(
            [
                f"{source}: row {row.Index} ({row.utterance}): has no reference transcript; "
                "should have one, or the config should transcribe the corpus with Whisper"
                for row in missing.itertuples()
            ]
        )
    return pd.DataFrame(
        {
            "utterance": utterances["utterance"],
            "text": utterances["reference"],
            "mean_log_probability": np.nan,
            "no_speech_probability": np.nan,
        }
    )
