"""Utterances that tell: what a method changed most confidently, and what voice, words and neighbours say of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from emofuse import accuracy
from emofuse.contracts import PREDICTIONS, TELLING
from emofuse.tables import EMOTIONS, PROBABILITY, SENTIMENT, SENTIMENTS, SPEECH, TEXT, TURNS

MOST = 10
"""How many utterances are told of a method for better, and how many for worse."""

KEY = ["fold", "utterance"]


def telling_of(
    predictions: Mapping[str, Iterable[pd.DataFrame]],
    scores: Iterable[pd.DataFrame],
    reading_text: Collection[str],
) -> pd.DataFrame:
    """The ``telling`` table of an experiment.

    Args:
        predictions: the folds of the ``predictions`` table of each method, by its name
        scores: the rows of each fold, as :class:`emofuse.scores.Scores` gives them, with the text expert where a
            method reads it; the turn before or after an utterance may be of any split
        reading_text: the methods that read the text expert, of whose utterances alone it is told

    Returns:
        the rows of :func:`most_confident` of each method, in their order
    """
    nothing = pd.DataFrame(columns=[*PREDICTIONS.columns, "margin", "method"])
    changed = [most_confident(table).assign(method=method) for method, table in predictions.items()]
    told = pd.concat(changed or [nothing], ignore_index=True)
    said = [_said(of_fold, told) for of_fold in scores] if len(told) else [pd.DataFrame(columns=KEY)]
    told = told.merge(pd.concat(said), on=KEY, how="left", validate="many_to_one").reindex(columns=[*TELLING.columns])
    of_text = ["text", "text_probability"]
    told[of_text] = told[of_text].where(told["method"].isin(reading_text))
    return told[list(TELLING.columns)]


def _said(of_fold: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """What voice, words and neighbours say, in a fold, of the utterances of it that are told of."""
    # Few are told of many: all that follows is about these and their dialogs.
    names = told.loc[told["fold"] == of_fold["fold"].iloc[0], "utterance"]
    rows = of_fold[of_fold["utterance"].isin(names)]
    dialogs = of_fold[of_fold["dialog"].isin(rows["dialog"].dropna())]
    rows = rows.reindex(columns=list(dict.fromkeys([*rows.columns, *TEXT])))  # without a text expert, missing
    said = rows[[*KEY, "transcript"]].assign(
        speech_probability=_most_probable(rows, "speech", SPEECH, EMOTIONS)["speech_probability"],
        **_most_probable(rows, "sentiment", SENTIMENT, SENTIMENTS),
        **_most_probable(rows, "text", TEXT, EMOTIONS),
    )
    return said.merge(beside(dialogs), on=KEY, how="left", validate="one_to_one")


def most_confident(predictions: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The utterances that a method changed most confidently: ten from wrong to right, then ten from right to wrong.

    How confidently is the margin: the probability that the method gives to its own decision, less that which it gives
    to the voice's. A selection exchanges these two probabilities of the voice, so that its margin is how sure the
    voice was. An utterance that several folds test counts once, in the fold with the largest margin.

    Args:
        predictions: the folds of a ``predictions`` table

    Returns:
        its rows with their ``margin``, the largest first; equal ones by their names
    """
    rows = pd.DataFrame(columns=[*PREDICTIONS.columns, "margin"]).astype({"margin": float})
    for of_fold in predictions:
        was, now = (of_fold[name] == of_fold["emotion"] for name in ("speech", "predicted"))
        changed = of_fold[was != now]
        probability, each = changed[PROBABILITY].to_numpy(), np.arange(len(changed))
        after, before = (probability[each, accuracy.indices(changed[name])] for name in ("predicted", "speech"))
        both = [table for table in (rows, changed.assign(margin=after - before)) if len(table)]
        rows = pd.concat(both or [rows], ignore_index=True)
        rows = rows.loc[rows.groupby("utterance", sort=False)["margin"].idxmax()]
    is_better = rows["predicted"] == rows["emotion"]
    largest = [rows[side].nlargest(MOST, "margin", keep="all") for side in (is_better, ~is_better)]
    in_order = [side.sort_values(["margin", "utterance"], ascending=[False, True]).head(MOST) for side in largest]
    return pd.concat(in_order, ignore_index=True)


def beside(dialogs: pd.DataFrame) -> pd.DataFrame:
    """The turn before and the turn after each utterance whose place in its dialog is known.

    Args:
        dialogs: rows of a ``scores`` table, all of a dialog or none

    Returns:
        fold, utterance, and ``speaker_before``, ``speech_before``, ``speaker_after`` and ``speech_after``:
        who speaks, and what the voice says of that turn; missing at the ends of a dialog
    """
    turns = dialogs.dropna(subset=["dialog", "turn_start"]).sort_values(["fold", *TURNS])
    turns = turns.assign(**_most_probable(turns, "speech", SPEECH, EMOTIONS))
    neighbours = turns.groupby(["fold", "dialog"])[["speaker", "speech"]]
    before, after = neighbours.shift(1).add_suffix("_before"), neighbours.shift(-1).add_suffix("_after")
    return pd.concat([turns[KEY], before, after], axis=1)


def _most_probable(rows: pd.DataFrame, name: str, columns: Sequence[str], classes: Sequence[str]) -> dict[str, Any]:
    """The most probable class of each row, and how probable it is: columns ``name`` and ``name_probability``."""
    probability = rows[columns].to_numpy(dtype=np.float64)
    return {
        name: np.array(classes)[probability.argmax(axis=1)],
        f"{name}_probability": probability.max(axis=1),
    }
