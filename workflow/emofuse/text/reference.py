"""The corpus's own transcripts, for a study that asks what perfect speech recognition would change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emofuse.tables import InputError, Problem

NAMED = 5
"""How many of the utterances without a reference an error names."""


def transcripts(
    references: pd.DataFrame, source: str | Path, fill_in: Callable[[Sequence[str]], pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Let the reference transcripts be the transcripts.

    Args:
        references: a ``references`` table
        source: its file, which errors name
        fill_in: transcribes the utterances without a reference: takes their names, returns their ``transcripts`` table;
            called only if there are any

    Returns:
        a ``transcripts`` table in the order of ``references``.
        A reference has no probability; what ``fill_in`` returned keeps its own

    Raises:
        InputError: if there is no ``fill_in``, with the number and the first names of the utterances without a
            reference
    """
    known = references.dropna(subset="reference").rename(columns={"reference": "text"})
    known = known.assign(mean_log_probability=np.nan, no_speech_probability=np.nan)
    missing = list(references.loc[references["reference"].isna(), "utterance"])
    if not missing:
        return known
    if fill_in is None:
        names = ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
        problem: Problem = (
            f"{source}: {len(missing)} of {len(references)} utterances have no reference transcript ({names}); "
            "should each have one, or the config should say transcripts.fill_in: true, so that Whisper transcribes them"
        )
        raise InputError([problem])
    together = pd.concat([known, fill_in(missing)]).set_index("utterance")
    return together.loc[references["utterance"]].reset_index()
