"""Scores: what the voice says of every utterance of every fold, and what is spoken whatever the fold.

Methods take both together, one fold at a time (:class:`Scores`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from emofuse import calibration as temperature_scaling
from emofuse import contracts, tables
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, SPLITS, Folds, InputError, Problems, columns

KEY = ["fold", "split", "utterance"]


@dataclass(frozen=True)
class Scores:
    """What methods read, one fold at a time, as often as it is gone through.

    A fold's rows are those of the ``scores`` table, with the columns of the ``spoken`` table and of the text expert
    where it has any, under a fresh index.

    Args:
        path: of the ``scores`` table
        spoken: of the ``spoken`` table
        text_expert: the path of the text expert's table, none where no method reads it
    """

    path: str | Path
    spoken: str | Path
    text_expert: Sequence[str | Path] = ()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """The rows of each fold.

        Raises:
            InputError: as in :func:`emofuse.tables.read`, or naming each utterance of which nothing is spoken
            pandas.errors.MergeError: if a table has a row twice
        """
        return map(self._read, self._voice.names)

    @cached_property
    def _voice(self) -> Folds:
        return Folds(contracts.SCORES, self.path)

    @cached_property
    def _spoken(self) -> pd.DataFrame:
        return tables.read(contracts.SPOKEN, self.spoken)

    def _read(self, fold: str) -> pd.DataFrame:
        rows = with_spoken(self._voice.read(fold), self._spoken, self.spoken)
        for path in self.text_expert:
            rows = rows.merge(Folds(contracts.TEXT_EXPERT, path).read(fold), on=KEY, validate="one_to_one")
        return rows


def with_spoken(rows: pd.DataFrame, spoken: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """Rows of folds with the columns of the ``spoken`` table.

    Args:
        rows: each with its ``fold`` and ``utterance``
        spoken: the table
        source: its file, which errors name

    Raises:
        InputError: naming each utterance that it lacks
    """
    places = pd.Index(spoken["utterance"]).get_indexer(rows["utterance"])
    lacking = rows[places < 0]
    if len(lacking):
        names = zip(lacking["fold"], lacking["utterance"], strict=True)
        problems: Problems = [f"{source}: has no utterance {name}, which is in fold {fold}" for fold, name in names]
        raise InputError(problems)
    of_rows = spoken.drop(columns="utterance").iloc[places].set_axis(rows.index)
    return pd.concat([rows, of_rows], axis=1)


def spoken(utterances: pd.DataFrame, transcripts: pd.DataFrame, sentiment: pd.DataFrame) -> pd.DataFrame:
    """What is spoken, and by whom.

    Tables of several corpora are given below each other.

    Args:
        utterances: ``utterances`` tables
        transcripts: ``transcripts`` tables
        sentiment: with the probabilities of each utterance's sentiment

    Returns:
        the ``spoken`` table, sorted by utterance
    """
    rows = utterances[["utterance", "speaker", "dialog", "turn_start", "condition", "emotion"]]
    texts = transcripts[["utterance", "text"]].rename(columns={"text": "transcript"})
    for table in (sentiment[["utterance", *SENTIMENT]], texts):
        # An utterance that a table lacks keeps its row, for the check to name.
        rows = rows.merge(table, on="utterance", how="left", validate="one_to_one")
    return rows.sort_values("utterance", ignore_index=True)[list(contracts.SPOKEN.columns)]


def sentiments(logits: pd.DataFrame) -> pd.DataFrame:
    """The probabilities of each utterance's sentiment.

    Args:
        logits: the ``sentiment`` table
    """
    probability = temperature_scaling.probabilities(logits[columns("logit", SENTIMENTS)])
    return logits[["utterance"]].assign(**dict(zip(SENTIMENT, probability.T, strict=True)))


def voices(
    speech: Sequence[Folds], spoken: pd.DataFrame, source: str | Path, calibration: bool
) -> Iterator[tuple[pd.DataFrame, dict[str, float]]]:
    """What the voice says in each fold.

    Args:
        speech: ``speech`` tables, with logits; a fold's rows may be in several
        spoken: the ``spoken`` table
        source: its file, which errors name
        calibration: whether the logits of the voice are divided by their fold's temperature,
            see :mod:`emofuse.calibration`

    Yields:
        a fold of the ``scores`` table, sorted by split (train, validation, test) and utterance,
        and the fold's temperature by its name, 1 without calibration

    Raises:
        InputError: as :func:`with_spoken`
    """
    for fold in sorted({name for table in speech for name in table.names}):
        rows = in_order(pd.concat([table.read(fold) for table in speech if fold in table.names]))
        labelled = with_spoken(rows, spoken, source)
        fitted = temperature_scaling.temperatures(labelled) if calibration else {fold: 1.0}
        temperature = rows["fold"].map(fitted).to_numpy()[:, None]
        probability = temperature_scaling.probabilities(rows[columns("logit", EMOTIONS)], temperature)
        yield rows[KEY].assign(**dict(zip(SPEECH, probability.T, strict=True))), fitted


def published(table: Sequence[Folds], utterances: pd.DataFrame, folds: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Scores that somebody else has computed, in each of some folds.

    Args:
        table: the ``published`` tables
        utterances: the ``utterances`` table; of others, whose label the config leaves out, there are no rows
        folds: the names of the folds that are asked for

    Yields:
        a fold of the ``scores`` table, sorted as by :func:`voices`, with the probabilities of the sentiment

    Raises:
        InputError: naming each fold that was not published
    """
    known = sorted({name for one in table for name in one.names})
    problems: Problems = [
        f"fold {fold!r} is not among the published scores; should be one of {', '.join(known)}"
        for fold in folds
        if fold not in known
    ]
    if problems:
        raise InputError(problems)
    for fold in sorted(set(folds)):
        rows = pd.concat([one.read(fold) for one in table if fold in one.names])
        yield in_order(rows[rows["utterance"].isin(utterances["utterance"])])


def agreed(before: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame:
    """The published sentiment of each utterance, which the words decide and so no fold may change.

    Args:
        before: what this has returned of other folds; ``None`` for the first
        rows: of a fold, with the probabilities of the sentiment

    Raises:
        InputError: naming each utterance whose sentiment is another one in other folds
    """
    now = rows.set_index("utterance")[SENTIMENT]
    if before is None:
        return now.reset_index()
    then = before.set_index("utterance")
    known = now.index[now.index.isin(then.index)]
    differs = known[(now.loc[known] != then.loc[known]).any(axis=1)]
    problems: Problems = [
        f"fold {rows['fold'].iloc[0]}, utterance {name}: the published sentiment is another one than in earlier folds; "
        "should be the same in all"
        for name in differs
    ]
    if problems:
        raise InputError(problems)
    return pd.concat([then, now.drop(index=known)]).reset_index()


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a fold by split (train, validation, test) and utterance."""
    order = rows.reset_index(drop=True).assign(split=pd.Categorical(rows["split"], SPLITS))
    return rows.iloc[order.sort_values(["split", "utterance"]).index].reset_index(drop=True)
