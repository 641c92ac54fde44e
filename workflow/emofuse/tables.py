"""The contract of every table that lies between two stages.

A stage hands the next one a Parquet file and nothing else.
Each kind of table has one schema here, checked on writing and on reading,
so that a stage never starts on rows that it cannot trust.
All problems of a table are reported at once, each with its file, row, value and what would be right.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pandera.pandas as pa

EMOTIONS = ("angry", "happy", "neutral", "sad")
"""The classes, in the order of every probability vector."""

SENTIMENTS = ("negative", "neutral", "positive")
"""The sentiments, in the order of every sentiment vector."""

SPLITS = ("train", "validation", "test")
"""The parts of a fold."""

SUM_TOLERANCE = 1e-3
"""How far the sum of a row of probabilities may lie from 1 (published scores are float32 and rounded)."""


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


def _category(values: Iterable[str], **kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    values = list(values)
    return pa.Column(str, pa.Check.isin(values, error=f"should be one of {', '.join(values)}"), **kwargs)


def _number(low: float, high: float, **kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    check = pa.Check.in_range(low, high, error=f"should be a number between {low:g} and {high:g}")
    return pa.Column(float, check, **kwargs)


def _any_number(**kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    return pa.Column(float, pa.Check(np.isfinite, error="should be a finite number"), **kwargs)


def _name(**kwargs: Any) -> pa.Column:
    import pandera.pandas as pa

    return pa.Column(str, pa.Check.str_length(min_value=1, error="should not be empty"), **kwargs)


def _sums_to_one(names: Sequence[str], **kwargs: Any) -> pa.Check:
    import pandera.pandas as pa

    names = list(names)
    label = f"{names[0]} … {names[-1]}"
    return pa.Check(
        lambda frame: (frame[names].sum(axis=1, skipna=False) - 1).abs() <= SUM_TOLERANCE,
        error=f"{label} should sum to 1 within {SUM_TOLERANCE:g}",
        **kwargs,
    )


@functools.cache
def schema(kind: str) -> pa.DataFrameSchema:
    """The contract of one kind of table.

    Args:
        kind: a name of :data:`KINDS`

    Raises:
        KeyError: if there is no such kind
    """
    # pandera takes 0.6 s to import: only those who check a table pay for it.
    import pandera.pandas as pa

    text = pa.Column(str, nullable=True)
    fold = {"fold": _name(), "split": _category(SPLITS), "utterance": _name()}
    probability = functools.partial(_number, 0, 1)
    in_one_split = ["fold", "utterance"]
    contracts: dict[str, dict[str, Any]] = {
        "material": dict(
            columns={"text": _name(), "sentiment": _category(SENTIMENTS), "voice": _name()}
            | {name: _any_number() for name in ("rate", "pitch", "range", "volume")}
            | {"audio": pa.Column(object)},
        ),
        "utterances": dict(
            columns={
                "utterance": _name(),
                "corpus": _name(),
                "speaker": _name(),
                "session": _name(),
                "condition": pa.Column(str),
                "path": _name(),
                "duration": _number(0, np.inf),
                "emotion": _category(EMOTIONS),
                "reference": text,
            },
            unique=["utterance"],
        ),
        "rejects": dict(columns={"utterance": _name(), "path": pa.Column(str), "reason": _name()}),
        "transcripts": dict(
            columns={
                "utterance": _name(),
                "text": pa.Column(str),
                "mean_log_probability": pa.Column(float, nullable=True),
                "no_speech_probability": _number(0, 1, nullable=True),
            },
            unique=["utterance"],
        ),
        "sentiment": dict(
            columns={"utterance": _name()} | {name: _any_number() for name in columns("logit", SENTIMENTS)},
            unique=["utterance"],
        ),
        "wer": dict(
            columns={"corpus": _name(), "condition": _name(), "emotion": _category(["all", *EMOTIONS])}
            | {
                name: pa.Column(int, pa.Check.ge(0, error="should not be negative"))
                for name in ("utterances", "hits", "substitutions", "insertions", "deletions", "words")
            }
            | {"WER": _number(0, np.inf, nullable=True)},
            unique=["corpus", "condition", "emotion"],
        ),
        "folds": dict(columns=fold, unique=in_one_split),
        "speech": dict(
            columns=fold | {name: _any_number() for name in columns("logit", EMOTIONS)}, unique=in_one_split
        ),
        "scores": dict(
            columns=fold
            | {"speaker": _name(), "condition": pa.Column(str), "emotion": _category(EMOTIONS)}
            | {name: probability() for name in [*SPEECH, *SENTIMENT]}
            | {"transcript": text},
            checks=[_sums_to_one(SPEECH), _sums_to_one(SENTIMENT)],
            unique=in_one_split,
        ),
        "text_expert": dict(
            columns=fold | {name: probability() for name in TEXT}, checks=[_sums_to_one(TEXT)], unique=in_one_split
        ),
        "predictions": dict(
            columns={
                "fold": _name(),
                "utterance": _name(),
                "emotion": _category(EMOTIONS),
                "predicted": _category(EMOTIONS),
            }
            | {name: probability() for name in PROBABILITY}
            | {
                "entropy": _number(0, np.log(len(EMOTIONS)) + 1e-9),
                "varentropy": _number(0, np.inf),
                "selected": pa.Column(bool),
            },
            checks=[_sums_to_one(PROBABILITY)],
            unique=in_one_split,
        ),
        "trials": dict(columns={"fold": _name(), "trial": pa.Column(int)}, strict=False),
        "front": dict(
            columns={
                "method": _name(),
                "fold": _name(),
                "point": pa.Column(int),
                "split": _category(SPLITS),
                "UA": _number(0, 1),
                "selected": _number(0, 1),
            },
            unique=["method", "fold", "point", "split"],
        ),
        "metrics": dict(
            columns={
                "method": _name(),
                "fold": _name(),
                "condition": _name(),
                "metric": _name(),
                "value": pa.Column(float, nullable=True),
            },
            unique=["method", "fold", "condition", "metric"],
        ),
        "comparison": dict(
            columns={"method": _name(), "condition": _name(), "metric": _name()}
            | {name: pa.Column(float, nullable=True) for name in ("mean", "speech", "difference", "low", "high", "p")},
            unique=["method", "condition", "metric"],
        ),
    }
    contract = {"strict": True, "coerce": True} | contracts[kind]
    return pa.DataFrameSchema(name=kind, **contract)


KINDS = (
    "material",
    "utterances",
    "rejects",
    "transcripts",
    "sentiment",
    "wer",
    "folds",
    "speech",
    "scores",
    "text_expert",
    "predictions",
    "trials",
    "front",
    "metrics",
    "comparison",
)
"""Every kind of table, in the order in which data flows."""


def check(frame: pd.DataFrame, kind: str, source: str | Path) -> pd.DataFrame:
    """Check a table against its contract.

    Args:
        frame: the table
        kind: a name of :data:`KINDS`
        source: the file that errors name

    Returns:
        the table with the contract's column order and dtypes and a fresh row index

    Raises:
        InputError: with every problem of every row

    >>> frame = pd.DataFrame({"fold": ["a"], "split": ["tset"], "utterance": ["u1"]})
    >>> check(frame, "folds", "folds.parquet")
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - folds.parquet: row 0 (fold a, utterance u1): split is 'tset'; should be one of train, validation, test
    """
    import pandera.errors

    contract = schema(kind)
    frame = frame.reset_index(drop=True)
    try:
        checked = contract.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        raise InputError(_explain(frame, contract, errors.failure_cases, str(source))) from None
    ordered = [name for name in contract.columns if name in checked.columns]
    return checked[ordered + [name for name in checked.columns if name not in ordered]]


def _explain(frame: pd.DataFrame, contract: pa.DataFrameSchema, cases: pd.DataFrame, source: str) -> list[str]:
    """Say each failure case of pandera in this project's words, each row and column once."""
    keys = [name for name in contract.unique or ["utterance"] if name in frame.columns]
    problems: dict[tuple[object, object], str] = {}
    for case in cases.to_dict("records"):
        column, row, reason = case["column"], case["index"], str(case["check"])
        if reason == "column_in_dataframe":
            name = case["failure_case"]
            problems[name, None] = f"{source}: column {name!r} is missing; has {', '.join(map(str, frame.columns))}"
            continue
        if reason == "column_in_schema":
            name = case["failure_case"]
            expected = ", ".join(contract.columns)
            problems[name, None] = f"{source}: column {name!r} is not expected; should be {expected}"
            continue
        if row is None or pd.isna(row):
            problems[column, reason] = f"{source}: {column}: {reason} ({case['failure_case']})"
            continue
        row = int(row)
        at = ", ".join(f"{key} {frame.at[row, key]}" for key in keys if frame.at[row, key] is not None)
        where = f"{source}: row {row}" + (f" ({at})" if at else "")
        if reason == "multiple_fields_uniqueness" or "unique" in reason:
            unique = ", ".join(contract.unique or [])
            problems["unique", row] = f"{where}: appears more than once; each ({unique}) should be there once"
        elif case["schema_context"] == "DataFrameSchema":
            problems[reason, row] = f"{where}: {reason}"
        elif (column, row) not in problems:
            value = frame.at[row, column]
            if reason == "not_nullable":
                reason = "should not be missing"
            elif reason.startswith(("coerce_dtype", "dtype")):
                reason = f"should be of type {contract.columns[column].dtype}"
            shown = repr(value) if isinstance(value, str) else str(value)
            problems[column, row] = f"{where}: {column} is {shown}; {reason}"
    return list(problems.values())


def shard(frame: pd.DataFrame, index: int, size: int) -> pd.DataFrame:
    """Rows ``index * size`` to ``(index + 1) * size`` of a table, fewer or none at its end."""
    return frame.iloc[index * size : (index + 1) * size]


def gather(paths: Sequence[str | Path], kind: str, utterances: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """Put the shards of a table together.

    Args:
        paths: a Parquet file a shard
        kind: a kind of table with one row an utterance
        utterances: the ``utterances`` table that the shards divide
        source: the file that errors name

    Returns:
        one table in the order of ``utterances``

    Raises:
        InputError: naming each utterance that is missing, there more than once, or not expected
    """
    frame = check(pd.concat([read(kind, path) for path in paths], ignore_index=True), kind, source)
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


def write(frame: pd.DataFrame, kind: str, path: str | Path) -> None:
    """Check a table and write it as Parquet, atomically.

    Raises:
        InputError: as in :func:`check`
    """
    checked = check(frame, kind, path)
    with replacing(path) as temporary:
        checked.to_parquet(temporary, index=False)


def read(kind: str, path: str | Path) -> pd.DataFrame:
    """Read a Parquet table and check it.

    Raises:
        InputError: if the file is missing or is not Parquet, and as in :func:`check`
    """
    return check(read_parquet(path), kind, path)


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
