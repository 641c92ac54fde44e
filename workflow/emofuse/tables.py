"""The tables that lie between the stages: read, checked, and written whole or not at all.

A stage hands the next one a Parquet file and nothing else.
Each kind of table has a :class:`Contract`, checked on writing and on reading,
so that a stage never starts on rows that it cannot trust.
All problems of a table are reported at once, each with its file, row, value and what would be right.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

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

TURNS = ["dialog", "turn_start", "utterance"]
"""What orders the turns of dialogs: when they begin, and their names where they begin together."""


Problem = str
"""A sentence about bad input: the file, the row and the value, and what would be right.

What is annotated with this (or as a list of it) is said to people and computes nothing,
so its wording is no part of a digest (see :mod:`emofuse.provenance`).
"""

Problems = list[Problem]


class InputError(ValueError):
    """Bad input: all problems, one per line.

    Args:
        problems: sentences, each naming the file, the row and the value, and what would be right
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head: Problem = "1 problem with the input:" if count == 1 else f"{count} problems with the input:"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))


SUM_TOLERANCE = 1e-3
"""How far the sum of a row of probabilities may lie from 1 (published scores are float32 and rounded)."""


@dataclass(frozen=True)
class Column:
    """What a column of a table holds.

    Args:
        dtype: ``str``, ``float``, ``int``, ``bool`` or ``object``
        values: all that a text may be
        low: the least that a number may be
        high: the most
        finite: whether a number may be neither infinite nor missing
        not_empty: whether a text must have a letter
        nullable: whether a value may be missing
    """

    dtype: type
    values: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    finite: bool = False
    not_empty: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class Contract:
    """What a table holds.

    Args:
        name: of the table
        columns: its columns, in order
        unique: the columns that together name a row
        sums_to_one: groups of columns whose sum is 1 in each row, within :data:`SUM_TOLERANCE`
        others: whether it may have other columns
    """

    name: str
    columns: Mapping[str, Column]
    unique: tuple[str, ...] = ()
    sums_to_one: tuple[Sequence[str], ...] = ()
    others: bool = False


def check(frame: pd.DataFrame, contract: Contract, source: str | Path) -> pd.DataFrame:
    """Check a table against its contract.

    Args:
        frame: the table
        contract: what it should hold
        source: the file that errors name

    Returns:
        the table with the contract's column order and dtypes and a fresh row index

    Raises:
        InputError: with every problem of every row

    >>> import pandas as pd
    >>> folds = Contract("folds", {"split": Column(str, values=SPLITS), "utterance": Column(str)})
    >>> check(pd.DataFrame({"split": ["tset"], "utterance": ["u1"]}), folds, "folds.parquet")
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - folds.parquet: row 0 (utterance u1): split is 'tset'; should be one of train, validation, test
    """
    frame = frame.reset_index(drop=True)
    problems: Problems = [
        f"{source}: column {name!r} is missing; has {', '.join(map(str, frame.columns))}"
        for name in contract.columns
        if name not in frame.columns
    ]
    if not contract.others:
        problems += [
            f"{source}: column {name!r} is not expected; should be {', '.join(contract.columns)}"
            for name in frame.columns
            if name not in contract.columns
        ]
    checked = frame.copy(deep=False)
    wrong: dict[tuple[int, str], Problem] = {}
    for name, column in contract.columns.items():
        if name in frame.columns:
            checked[name], reasons = _values(frame[name], column)
            for row, problem in reasons.items():
                problem = f"{name} is {_shown(frame.at[row, name])}; {problem}"
                wrong[row, name] = problem
    wrong |= {(row, problem): problem for problem, rows in _wrong_rows(checked, contract) for row in rows}
    problems += [f"{_place(frame, row, contract, source)}: {problem}" for (row, _), problem in sorted(wrong.items())]
    if problems:
        raise InputError(problems)
    ordered = list(contract.columns)
    return checked[ordered + [name for name in checked.columns if name not in ordered]]


def _values(values: pd.Series, column: Column) -> tuple[pd.Series, dict[int, Problem]]:
    """The values of a column in its type, and of each row that is wrong the last reason: one says enough."""
    import pandas as pd

    is_missing = values.isna()
    try:
        typed = values.astype(column.dtype)
        is_other = pd.Series(False, index=values.index)
    except (TypeError, ValueError):
        is_other = ~is_missing & ~values.map(lambda value: _is_of(column.dtype, value))
        typed = values[~is_missing & ~is_other].astype(column.dtype)
    # What is no longer here is missing or of another type, which is said already.
    present = typed[~is_missing.reindex(typed.index)]
    checks = [(Problem(f"should be of type {column.dtype.__name__}"), is_other)]
    if not column.nullable:
        checks.append((Problem("should not be missing"), is_missing))
    if column.values is not None:
        checks.append((Problem(f"should be one of {', '.join(column.values)}"), ~present.isin(column.values)))
    if column.not_empty:
        checks.append((Problem("should not be empty"), present == ""))
    if column.finite:
        checks.append((Problem("should be a finite number"), ~np.isfinite(present)))
    if column.low is not None and column.high is None:
        checks.append((Problem(f"should be at least {column.low:g}"), ~(present >= column.low)))
    elif column.low is not None:
        problem = f"should be a number between {column.low:g} and {column.high:g}"
        checks.append((problem, ~present.between(column.low, column.high)))
    return typed, {row: problem for problem, is_wrong in checks for row in is_wrong.index[is_wrong]}


def _is_of(dtype: type, value: object) -> bool:
    try:
        dtype(value)
    except (TypeError, ValueError):
        return False
    return True


def _wrong_rows(frame: pd.DataFrame, contract: Contract) -> Iterator[tuple[Problem, pd.Index]]:
    """What is wrong with several columns together, and in which rows."""
    import pandas as pd

    if contract.unique and set(contract.unique) <= set(frame.columns):
        problem = f"appears more than once; each ({', '.join(contract.unique)}) should appear once"
        yield problem, frame.index[frame.duplicated(list(contract.unique), keep=False)]
    for group in map(list, contract.sums_to_one):
        if set(group) <= set(frame.columns):
            sums = frame[group].apply(pd.to_numeric, errors="coerce").sum(axis=1, skipna=False)
            problem = f"{group[0]} … {group[-1]} should sum to 1 within {SUM_TOLERANCE:g}"
            yield problem, frame.index[(sums - 1).abs() > SUM_TOLERANCE]  # what is missing has no sum


def _place(frame: pd.DataFrame, row: int, contract: Contract, source: str | Path) -> Problem:
    """Where a row is: its file, its number and what names it."""
    keys = [name for name in contract.unique or ["utterance"] if name in frame.columns]
    at = ", ".join(f"{key} {frame.at[row, key]}" for key in keys if frame.at[row, key] is not None)
    return f"{source}: row {row}" + (f" ({at})" if at else "")


def _shown(value: object) -> Problem:
    return repr(value) if isinstance(value, str) else str(value)


def draws(utterances: Iterable[str]) -> npt.NDArray[np.int64]:
    """The number that each utterance draws by its name alone: (utterances,), from 0 to 2³² − 1."""
    digests = (hashlib.sha256(name.encode()).digest() for name in utterances)
    return np.fromiter((int.from_bytes(digest[:4]) for digest in digests), dtype=np.int64)


def shard_numbers(utterances: Iterable[str], shards: int) -> npt.NDArray[np.int64]:
    """The shard of each utterance, which its name alone draws, so that an utterance that comes or goes moves no other.

    Args:
        utterances: their names
        shards: how many shards there are; all are of about the same size

    Returns:
        (utterances,) numbers from 0 to ``shards - 1``

    >>> shard_numbers(["Ses01F_impro01_F000", "Ses01F_impro01_F001", "Ses01F_impro01_M000"], 2)
    array([0, 0, 1])
    """
    return draws(utterances) % shards


def shard(frame: pd.DataFrame, number: int, shards: int) -> pd.DataFrame:
    """The rows of a table whose utterances lie in a shard, in their order, see :func:`shard_numbers`."""
    return frame[shard_numbers(frame["utterance"], shards) == number]


def gather(
    paths: Sequence[str | Path], contract: Contract, utterances: pd.DataFrame, source: str | Path
) -> pd.DataFrame:
    """Put the shards of a table together.

    Args:
        paths: a Parquet file per shard
        contract: of a table with one row per utterance
        utterances: the ``utterances`` table that the shards divide
        source: the file that errors name

    Returns:
        one table in the order of ``utterances``

    Raises:
        InputError: naming each utterance that is missing, repeated or not expected
    """
    import pandas as pd

    frame = check(pd.concat([read(contract, path) for path in paths], ignore_index=True), contract, source)
    expected = pd.Index(utterances["utterance"])
    gathered = pd.Index(frame["utterance"])
    problems = [f"{source}: utterance {name} is in no shard" for name in expected.difference(gathered, sort=False)]
    problems += [f"{source}: utterance {name} is not expected" for name in gathered.difference(expected, sort=False)]
    if problems:
        raise InputError(problems)
    return frame.set_index("utterance").loc[expected].reset_index()


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Yields a temporary path in the same folder with the same suffix;
    when the block ends well the file is renamed to ``path``, else removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())  # else a power cut may leave the new name with nothing behind it
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
    import pandas as pd

    with _readable(path):
        return pd.read_parquet(path)


@contextmanager
def _readable(path: str | Path) -> Iterator[None]:
    """Say of a Parquet file in the project's words why it cannot be read."""
    try:
        yield
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except (OSError, ValueError) as error:
        raise InputError([f"{path}: cannot be read as Parquet ({error}); delete it and run again"]) from None


@contextmanager
def writing_folds(contract: Contract, path: str | Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Write a table one fold after another, whole or not at all.

    Each fold is checked and becomes row groups of its own, so that :class:`Folds` reads it without the others.

    Args:
        contract: of a table with a column ``fold``, by which its rows are unique
        path: of the file

    Yields:
        what writes the rows of a fold, which may be none; a table without any has the contract's columns

    Raises:
        InputError: as in :func:`check`, or if a fold is written twice
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema: pa.Schema | None = None
    written: set[str] = set()
    with replacing(path) as temporary, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None

        def write_fold(rows: pd.DataFrame) -> None:
            nonlocal schema, writer
            checked = check(rows, contract, path)
            again = written.intersection(checked["fold"].unique())
            if again:
                problems: Problems = [f"{path}: fold {fold} is written twice; should be once" for fold in sorted(again)]
                raise InputError(problems)
            written.update(checked["fold"].unique())
            table = pa.Table.from_pandas(checked, schema=schema, preserve_index=False)
            if writer is None:
                schema = table.schema
                writer = stack.enter_context(pq.ParquetWriter(temporary, schema))
            if len(checked):
                writer.write_table(table)

        yield write_fold
        if writer is None:
            write_fold(pd.DataFrame(columns=list(contract.columns)))


@dataclass(frozen=True)
class Folds:
    """A table, read one fold at a time, as often as it is gone through; each fold is checked as it is read.

    Args:
        contract: of a table with a column ``fold``
        path: of the file; :func:`writing_folds` makes one in which no fold is read for the sake of another
        only: the folds that are gone through; ``None`` for all
    """

    contract: Contract
    path: str | Path
    only: Collection[str] | None = None

    @cached_property
    def names(self) -> list[str]:
        """The folds, sorted.

        Raises:
            InputError: as in :func:`read_parquet`
        """
        import pyarrow.parquet as pq

        with _readable(self.path), pq.ParquetFile(self.path) as file:
            groups = range(file.num_row_groups)
            # Group by group: the whole column of a large table would be as long as that.
            names = (file.read_row_group(group, columns=["fold"])["fold"].unique() for group in groups)
            distinct = {name for of_group in names for name in of_group.to_pylist()}
        return sorted(distinct if self.only is None else distinct.intersection(self.only))

    def read(self, fold: str) -> pd.DataFrame:
        """The rows of a fold, in their order; none of one that the table lacks.

        Raises:
            InputError: as in :func:`read`
        """
        import pandas as pd

        with _readable(self.path):
            rows = pd.read_parquet(self.path, filters=[("fold", "==", fold)])
        return check(rows, self.contract, self.path)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return map(self.read, self.names)


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


def read_whole(path: str | Path) -> bytes:
    """The content of a result that is passed on as it is, once it was seen to be whole.

    Raises:
        InputError: if the file is missing, or is not what its suffix says: Parquet, JSON or PNG
    """
    path = Path(path)
    match path.suffix:
        case ".parquet":
            read_parquet(path)
        case ".json":
            read_json(path)
        case ".png":
            from PIL import Image

            try:
                Image.open(path).verify()
            except FileNotFoundError:
                raise InputError([f"{path}: no such file"]) from None
            except (OSError, SyntaxError) as error:  # Pillow's for a broken PNG
                raise InputError([f"{path}: is not a whole picture ({error}); delete it and run again"]) from None
    return path.read_bytes()


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
