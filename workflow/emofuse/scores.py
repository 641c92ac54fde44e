"""Scores: what the voice and the words say about every utterance of every fold, in one table for all fusion methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emofuse import calibration as temperature_scaling
from emofuse import contracts, tables
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, SPLITS, InputError, Problems, columns


def read(path: str | Path, text_expert: Sequence[str | Path]) -> pd.DataFrame:
    """Read the ``scores`` table as methods take it.

    Args:
        path: of the table
        text_expert: the path of the text expert's table, none where no method reads it

    Returns:
        the rows of the ``scores`` table, with the text expert's columns where it has any

    Raises:
        InputError: as in :func:`emofuse.tables.read`
        pandas.errors.MergeError: if a table has a row twice
    """
    scores = tables.read(contracts.SCORES, path)
    for table in text_expert:
        expert = tables.read(contracts.TEXT_EXPERT, table)
        scores = scores.merge(expert, on=["fold", "split", "utterance"], validate="one_to_one")
    return scores


def join(
    speech: pd.DataFrame,
    utterances: pd.DataFrame,
    transcripts: pd.DataFrame,
    sentiment: pd.DataFrame,
    calibration: bool,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Join what a study's own models say.

    Tables of several folds or corpora are given below each other.

    Args:
        speech: ``speech`` tables, with logits
        utterances: ``utterances`` tables
        transcripts: ``transcripts`` tables
        sentiment: ``sentiment`` tables, with logits
        calibration: whether the logits of the voice are divided by their fold's temperature,
            see :mod:`emofuse.calibration`

    Returns:
        the ``scores`` table, sorted by fold, split (train, validation, test) and utterance,
        and the temperature of each fold, 1 without calibration
    """
    rows = _about(speech, utterances, transcripts)
    fitted = temperature_scaling.temperatures(rows) if calibration else dict.fromkeys(rows["fold"].unique(), 1.0)
    temperature = rows["fold"].map(fitted).to_numpy()[:, None]
    rows[SPEECH] = temperature_scaling.probabilities(rows[columns("logit", EMOTIONS)], temperature)
    words = sentiment[["utterance"]].copy()
    words[SENTIMENT] = temperature_scaling.probabilities(sentiment[columns("logit", SENTIMENTS)])
    rows = rows.merge(words, on="utterance", how="left", validate="many_to_one")
    return rows[list(contracts.SCORES.columns)], fitted


def published(
    table: pd.DataFrame, utterances: pd.DataFrame, transcripts: pd.DataFrame, folds: Sequence[str]
) -> pd.DataFrame:
    """Join scores that somebody else has computed with what the corpus says.

    Args:
        table: the ``published`` table
        utterances: the ``utterances`` table
        transcripts: the ``transcripts`` table
        folds: the names of the folds that are asked for

    Returns:
        the ``scores`` table, sorted as by :func:`join`

    Raises:
        InputError: naming each fold that was not published
    """
    known = sorted(table["fold"].unique())
    problems: Problems = [
        f"fold {fold!r} is not among the published scores; should be one of {', '.join(known)}"
        for fold in folds
        if fold not in known
    ]
    if problems:
        raise InputError(problems)
    # Utterances whose label the config leaves out are in no table of utterances.
    is_used = table["fold"].isin(folds) & table["utterance"].isin(utterances["utterance"])
    rows = _about(table[is_used], utterances, transcripts)
    return rows[list(contracts.SCORES.columns)]


def _about(rows: pd.DataFrame, utterances: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Rows of folds, sorted, with what is known of their utterances."""
    for table in (
        utterances[["utterance", "speaker", "dialog", "turn_start", "condition", "emotion"]],
        transcripts[["utterance", "text"]].rename(columns={"text": "transcript"}),
    ):
        # An utterance that a table lacks keeps its row, for the check of the scores to name.
        rows = rows.merge(table, on="utterance", how="left", validate="many_to_one")
    in_order = rows.assign(split=pd.Categorical(rows["split"], SPLITS)).sort_values(["fold", "split", "utterance"])
    return rows.loc[in_order.index].reset_index(drop=True)
