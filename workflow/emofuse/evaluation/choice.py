"""What a user would have got who lets the validation rows choose a method, since the best on the test is a winner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from emofuse import accuracy
from emofuse.tables import Folds

ROUNDING = 12
"""Decimals to which two values of UA are compared: the same counts are equal, whatever they were added up from."""


def choose(inner: Mapping[str, Iterable[pd.DataFrame]]) -> pd.DataFrame:
    """In each fold, the method with the highest UA over all validation utterances, each predicted without its part.

    Of equally good methods the one that selects fewer utterances is chosen; of these, the first.

    Args:
        inner: the folds of the ``inner`` table of each method that may be chosen, by its name, in the config's order

    Returns:
        the ``choices`` table, a row per fold and method
    """
    rows = [
        (of_fold["fold"].iloc[0], method, _unweighted_accuracy(of_fold), float(of_fold["selected"].mean()))
        for method, table in inner.items()
        for of_fold in table
    ]
    choices = pd.DataFrame(rows, columns=["fold", "method", "UA", "selected"])
    ranked = choices.round({"UA": ROUNDING}).sort_values(["UA", "selected"], ascending=[False, True], kind="stable")
    first = ranked.drop_duplicates("fold").index
    return choices.assign(chosen=choices.index.isin(first)).sort_values("fold", kind="stable", ignore_index=True)


def compose(choices: pd.DataFrame, predictions: Mapping[str, Folds]) -> Iterator[pd.DataFrame]:
    """The predictions of the chosen methods, each in its folds.

    Args:
        choices: the ``choices`` table
        predictions: the ``predictions`` table of each method, by its name

    Yields:
        the folds of a ``predictions`` table
    """
    chosen = choices[choices["chosen"]].sort_values("fold")
    for fold, method in zip(chosen["fold"], chosen["method"], strict=True):
        yield predictions[method].read(fold)


def times_chosen(choices: pd.DataFrame) -> dict[str, int]:
    """In how many folds each method is chosen, the most often chosen first.

    Args:
        choices: the ``choices`` table
    """
    counts = choices[choices["chosen"]].groupby("method", sort=False).size()
    return {str(method): int(count) for method, count in counts.sort_values(ascending=False, kind="stable").items()}


def _unweighted_accuracy(rows: pd.DataFrame) -> float:
    return accuracy.unweighted_accuracy(*(accuracy.indices(rows[name]) for name in ("emotion", "predicted")))
