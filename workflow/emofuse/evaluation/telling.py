"""Utterances that tell: what a method changed most confidently, and what voice, words and neighbours say of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    predictions: Mapping[str, pd.DataFrame],
    scores: pd.DataFrame,
    text_expert: pd.DataFrame | None,
    reading_text: Collection[str],
) -> pd.DataFrame:
    """The ``telling`` table of an experiment.

    Args:
        predictions: the ``predictions`` table of each method, by its name
        scores: the ``scores`` table; the turn before or after an utterance may be of any split
        text_expert: the ``text_expert`` table, where a method reads it
        reading_text: the methods that read it, of whose utterances alone it is told

    Returns:
        the rows of :func:`most_confident` of each method, in their order
    """
    nothing = pd.DataFrame(columns=[*PREDICTIONS.columns, "margin", "method"])
    changed = [most_confident(table).assign(method=method) for method, table in predictions.items()]
    told = pd.concat(changed or [nothing], ignore_index=True)
    # Few are told of many: all that follows is about these and their dialogs.
    rows = scores[scores["utterance"].isin(told["utterance"])]
    if text_expert is None:
        rows = rows.reindex(columns=[*rows.columns, *TEXT])
    else:
        read = text_expert[text_expert["utterance"].isin(told["utterance"])]
        rows = rows.merge(read[[*KEY, *TEXT]], on=KEY, how="left", validate="one_to_one")
    said = rows[[*KEY, "transcript"]].assign(
        speech_probability=_most_probable(rows, "speech", SPEECH, EMOTIONS)["speech_probability"],
        **_most_probable(rows, "sentiment", SENTIMENT, SENTIMENTS),
        **_most_probable(rows, "text", TEXT, EMOTIONS),
    )
    dialogs = scores[scores["dialog"].isin(rows["dialog"].dropna())]
    for table in (said, beside(dialogs)):
        told = told.merge(table, on=KEY, how="left", validate="many_to_one")
    of_text = ["text", "text_probability"]
    told[of_text] = told[of_text].where(told["method"].isin(reading_text))
    return told[list(TELLING.columns)]


def most_confident(predictions: pd.DataFrame) -> pd.DataFrame:
    """The utterances that a method changed most confidently: ten from wrong to right, then ten from right to wrong.

    How confidently is the margin: the probability that the method gives to its own decision, less that which it gives
    to the voice's. A selection exchanges these two probabilities of the voice, so that its margin is how sure the
    voice was. An utterance that several folds test counts once, in the fold with the largest margin.

    Args:
        predictions: a ``predictions`` table

    Returns:
        its rows with their ``margin``, the largest first; equal ones by their names
    """
    was, now = (predictions[name] == predictions["emotion"] for name in ("speech", "predicted"))
    rows = predictions[was != now].reset_index(drop=True)
    probability, each = rows[PROBABILITY].to_numpy(dtype=np.float64), np.arange(len(rows))
    after, before = (probability[each, accuracy.indices(rows[name])] for name in ("predicted", "speech"))
    rows = rows.assign(margin=after - before)
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
