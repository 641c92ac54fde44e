"""What a corpus holds, in numbers: how many utterances of whom, how long they are, what was left out and why."""

from __future__ import annotations

import pandas as pd

from emofuse.corpora.base import kind_of
from emofuse.tables import EMOTIONS

GROUPED_BY = ("corpus", "session", "condition", "speaker")
"""Columns of the `utterances` table; what is counted is counted for each of their values."""

PERCENTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


def summarise(utterances: pd.DataFrame, recordings: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count the utterances of a corpus, and how long they are.

    Args:
        utterances: the `utterances` table of one corpus
        recordings: its `recordings` table; ``None`` for a corpus without audio

    Returns:
        the `summary` table: per value of each of :data:`GROUPED_BY` (an empty condition is none) a row for all
        utterances and one per emotion, whether or not the group has that emotion
    """
    durations = utterances["utterance"].map({} if recordings is None else recordings.set_index("utterance")["duration"])
    rows = utterances.assign(duration=durations.astype(float))
    # Every utterance counts twice: for its own emotion, and for all.
    rows = pd.concat([rows.assign(emotion="all"), rows])
    parts = {by: rows[rows[by] != ""] for by in GROUPED_BY}
    return pd.concat([_grouped(part, by, recordings is not None) for by, part in parts.items() if len(part)])


def _grouped(rows: pd.DataFrame, by: str, is_heard: bool) -> pd.DataFrame:
    """The rows of the `summary` table for one of :data:`GROUPED_BY`."""
    groups = rows.groupby([by, "emotion"])
    table = groups.agg(
        utterances=("utterance", "size"), speakers=("speaker", "nunique"), seconds=("duration", "sum")
    ).join(groups["duration"].quantile(list(PERCENTILES.values())).unstack().set_axis(list(PERCENTILES), axis=1))
    places = [sorted(rows[by].unique()), ["all", *EMOTIONS]]
    table = table.reindex(pd.MultiIndex.from_product(places, names=["group", "emotion"]))
    table["seconds"] = table["seconds"].fillna(0) if is_heard else float("nan")
    table = table.fillna({"utterances": 0, "speakers": 0}).astype({"utterances": int, "speakers": int})
    return table.reset_index().assign(by=by)


def reasons(rejects: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count why audio was left out.

    Args:
        rejects: the `rejects` table; ``None`` for a corpus without audio

    Returns:
        the `reasons` table, the most frequent first
    """
    if rejects is None:
        return pd.DataFrame(columns=["reason", "utterances", "example"])
    kinds = rejects["reason"].map(kind_of).rename("reason")
    table = rejects.groupby(kinds)["utterance"].agg(utterances="size", example="first").reset_index()
    return table.sort_values(["utterances", "reason"], ascending=[False, True], ignore_index=True)
