"""The tables that lie between the stages: read, checked, and written whole or not at all.

A stage hands the next one a Parquet file and nothing else.
Each kind of table has a contract (:mod:`emofuse.contracts`), checked on writing and on reading,
so that a stage never starts on rows that it cannot trust.
All problems of a table are reported at once, each with its file, row, value and what would be right.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pandera.pandas as pa

    from emofuse.contracts import Contract

EMOTIONS = ("angry", "happy", "neutral", "sad")
"""The classes, in the order of every probability vector."""

SENTIMENTS = ("negative", "neutral", "positive")
"""The sentiments, in the order of every sentiment vector."""

SPLITS = ("train", "validation", "test")
"""The parts of a fold."""


def columns(prefix: str, names: Sequence[str]) -> list[str]:
    """Column names of a vector in a table: ``prefix_name`` for each name.

    >>> columns("sentiment", SENTIMENTS)
    ['sentiment_negative', 'sentiment_neutral', 'sentiment_positive']
    """
    return [f"{prefix}_{name}" for name in names]


SPEECH = columns("speech", EMOTIONS)
"""Probabilities of the primary, the speech classifier."""

SENTIMENT = columns("sentiment", SENTIMENTS)
"""Probabilities of the secondary, the sentiment of the words."""

TEXT = columns("text", EMOTIONS)
"""Probabilities of the learned text expert."""

PROBABILITY = columns("probability", EMOTIONS)
"""Probabilities that a fusion method returns."""


class InputError(ValueError):
    """Bad input, with every problem found, one a line.

    Args:
        problems: sentences, each naming the file, the row and the value, and what would be right
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head = "1 problem with the input:" if count == 1 else f"{count} problems with the input:"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))


def check(frame: pd.DataFrame, contract: Contract, source: str | Path) -> pd.DataFrame:
    """Check a table against its contract.

    Args:
        frame: the table
        contract: one of :mod:`emofuse.contracts`
        source: the file that errors name

    Returns:
        the table with the contract's column order and dtypes and a fresh row index

    Raises:
        InputError: with every problem of every row

    >>> from emofuse import contracts
    >>> frame = pd.DataFrame({"fold": ["a"], "split": ["tset"], "utterance": ["u1"]})
    >>> check(frame, contracts.folds, "folds.parquet")
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - folds.parquet: row 0 (fold a, utterance u1): split is 'tset'; should be one of train, validation, test
    """
    import pandera.errors

    schema = contract()
    frame = frame.reset_index(drop=True)
    try:
        checked = schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        raise InputError(_explain(frame, schema, errors.failure_cases, str(source))) from None
    ordered = [name for name in schema.columns if name in checked.columns]
    return checked[ordered + [name for name in checked.columns if name not in ordered]]


def _explain(frame: pd.DataFrame, schema: pa.DataFrameSchema, cases: pd.DataFrame, source: str) -> list[str]:
    """Say each failure case of pandera in this project's words, each row and column once."""
    keys = [name for name in schema.unique or ["utterance"] if name in frame.columns]
    problems: dict[tuple[object, object], str] = {}
    for case in cases.to_dict("records"):
        column, row, reason = case["column"], case["index"], str(case["check"])
        if reason == "column_in_dataframe":
            name = case["failure_case"]
            problems[name, None] = f"{source}: column {name!r} is missing; has {', '.join(map(str, frame.columns))}"
            continue
        if reason == "column_in_schema":
            name = case["failure_case"]
            expected = ", ".join(schema.columns)
            problems[name, None] = f"{source}: column {name!r} is not expected; should be {expected}"
            continue
        if row is None or pd.isna(row):
            problems[column, reason] = f"{source}: {column}: {reason} ({case['failure_case']})"
            continue
        row = int(row)
        at = ", ".join(f"{key} {frame.at[row, key]}" for key in keys if frame.at[row, key] is not None)
        where = f"{source}: row {row}" + (f" ({at})" if at else "")
        if reason == "multiple_fields_uniqueness" or "unique" in reason:
            unique = ", ".join(schema.unique or [])
            problems["unique", row] = f"{where}: appears more than once; each ({unique}) should be there once"
        elif case["schema_context"] == "DataFrameSchema":
            problems[reason, row] = f"{where}: {reason}"
        elif (column, row) not in problems:
            value = frame.at[row, column]
            if reason == "not_nullable":
                reason = "should not be missing"
            elif reason.startswith(("coerce_dtype", "dtype")):
                reason = f"should be of type {schema.columns[column].dtype}"
            shown = repr(value) if isinstance(value, str) else str(value)
            problems[column, row] = f"{where}: {column} is {shown}; {reason}"
    return list(problems.values())


def shard(frame: pd.DataFrame, index: int, size: int) -> pd.DataFrame:
    """Rows ``index * size`` to ``(index + 1) * size`` of a table, fewer or none at its end."""
    return frame.iloc[index * size : (index + 1) * size]


def gather(
    paths: Sequence[str | Path], contract: Contract, utterances: pd.DataFrame, source: str | Path
) -> pd.DataFrame:
    """Put the shards of a table together.

    Args:
        paths: a Parquet file a shard
        contract: of a table with one row an utterance
        utterances: the ``utterances`` table that the shards divide
        source: the file that errors name

    Returns:
        one table in the order of ``utterances``

    Raises:
        InputError: naming each utterance that is missing, there more than once, or not expected
    """
    frame = check(pd.concat([read(contract, path) for path in paths], ignore_index=True), contract, source)
    expected = pd.Index(utterances["utterance"])
    found = pd.Index(frame["utterance"])
    problems = [f"{source}: utterance {name} is in no shard" for name in expected.difference(found, sort=False)]
    problems += [f"{source}: utterance {name} is not expected" for name in found.difference(expected, sort=False)]
    if problems:
        raise InputError(problems)
    return frame.set_index("utterance").loc[expected].reset_index()


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file so that it is there whole or not at all.

    Yields a temporary path in the same folder with the same suffix;
    when the block ends well the file is renamed to ``path``, else removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write(frame: pd.DataFrame, contract: Contract, path: str | Path) -> None:
    """Check a table and write it as Parquet, atomically.

    Raises:
        InputError: as in :func:`check`
    """
    checked = check(frame, contract, path)
    with replacing(path) as temporary:
        checked.to_parquet(temporary, index=False)


def read(contract: Contract, path: str | Path) -> pd.DataFrame:
    """Read a Parquet table and check it.

    Raises:
        InputError: if the file is missing or is not Parquet, and as in :func:`check`
    """
    return check(read_parquet(path), contract, path)


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a Parquet file whatever its contract.

    Raises:
        InputError: if the file is missing or is not Parquet
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except (OSError, ValueError) as error:
        raise InputError([f"{path}: cannot be read as Parquet ({error})"]) from None


def write_json(value: Any, path: str | Path) -> None:
    """Write a JSON file with sorted keys, atomically; NaN is refused."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)
    write_text(text + "\n", path)


def write_text(text: str, path: str | Path) -> None:
    """Write a UTF-8 text file, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: if the file is missing or is not JSON
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except ValueError as error:
        raise InputError([f"{path}: is not JSON ({error})"]) from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
