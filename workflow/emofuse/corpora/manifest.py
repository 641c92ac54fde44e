"""Any corpus: a CSV file that lists it.

path,speaker,emotion,session,condition,transcript
anna/001.wav,anna,happy,1,interview,What a lovely day.
"""

from __future__ import annotations

import csv
import posixpath
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from emofuse.corpora.base import COLUMNS, Case, Listing, Reader, grouped, open_text, words
from emofuse.parts import nearest, should_be_one_of
from emofuse.places import FOLDER_NAME, names_a_folder
from emofuse.tables import EMOTIONS, SPLITS, InputError, Problem, Problems

Meaning = Literal[
    "path",
    "speaker",
    "emotion",
    "utterance",
    "session",
    "dialog",
    "turn_start",
    "condition",
    "transcript",
    "start",
    "end",
    "fold",
    "split",
]
"""What a column of a manifest may be."""

KNOWN: tuple[str, ...] = get_args(Meaning)
REQUIRED: tuple[Meaning, ...] = ("path", "speaker", "emotion")


class Manifest(Reader):
    """Any corpus, a CSV file with a header that lists its utterances.

    Columns `path`, `speaker` and `emotion` are required. A path is relative to the manifest's folder.
    `start` and `end`, in seconds, cut an utterance out of a longer recording: a row has both or neither.

    `turn_start` is when an utterance begins in its `dialog`, in seconds or as a number that rises from turn to turn;
    where it is missing, `start` serves, as it is when a dialog is one recording.

    Where a column or value is missing, `session` is the speaker, `condition` empty, `dialog` and `transcript` absent.
    `utterance` is then the file's name without its ending; where files in several folders share that name, it is the
    whole path without its ending. Of a part of a recording it ends in where the part does: `interview_12.5_14`.
    `split` (train, validation or test) and `fold` are for experiments of protocol `given`; both may be empty.

    Columns of any other name are refused, unless the parameter `columns` says what they are.
    """

    layout: Problem = "a CSV file"
    emotions: ClassVar[Mapping[str, str | None]] = {name: name for name in EMOTIONS}

    def __init__(
        self,
        columns: Annotated[
            Mapping[str, Meaning | None] | None,
            Field(
                description="What the file's own columns are, as in `{Speaker_ID: speaker, age: null}`; "
                "null for those that are not read."
            ),
        ] = None,
    ) -> None:
        self.columns = columns

    def root(self, path: Path) -> Path:
        """The manifest's folder."""
        return path.parent

    def is_at(self, path: Path) -> bool:
        """Whether a file lies there."""
        return path.is_file()

    def watched(self, path: Path) -> list[Path]:
        """The manifest itself."""
        return [path] if path.is_file() else []

    def read(self, path: Path) -> Listing:
        """List the rows."""
        blocks: list[pd.DataFrame] = []
        cases: list[Case] = []
        try:
            for rows in _blocks(path, self.columns or {}, REQUIRED):
                block, faults = _understand(rows, path)
                blocks.append(block)
                cases += faults
        except InputError as error:
            return Listing(_table([]), error.problems)
        return Listing(_table(blocks), grouped(cases, path), [] if blocks else [path])


BLOCK = 10_000
"""Rows that are read at once: as Python's own texts they take many times the memory that they take in a table."""

Row = namedtuple("Row", KNOWN)
"""What a row says, without spaces around it; empty where it says nothing."""


class Read(NamedTuple):
    """A row of a manifest as it was read.

    Attributes:
        source: where it stands, as ``file: line n``
        row: what it says; ``None`` if it has more values than there are columns
        problems: what is wrong with it, a sentence each
    """

    source: str
    row: Row | None
    problems: Problems


def read_rows(file: Path, *, required: Sequence[Meaning], only: Sequence[Meaning]) -> Iterator[Read]:
    """Read a manifest row by row.

    Args:
        file: the manifest
        required: the columns that must be in it, and that no row may leave empty
        only: the columns that are read, whatever else it has

    Raises:
        InputError: with what is wrong with the file as a whole
    """
    for block in _blocks(file, {}, required, only):
        for line, row in block:
            yield Read(f"{file}: line {line}", row, _wrong(row, required))


def turn_start(row: Row) -> float:
    """When an utterance begins in its dialog; NaN where it has none, or where that is not told."""
    return float((row.dialog and (row.turn_start or row.start)) or "nan")


def _understand(rows: Sequence[tuple[int, Row | None]], path: Path) -> tuple[pd.DataFrame, list[Case]]:
    """The rows that are right as a table, and what is wrong with the others."""
    cases: list[Case] = []
    right: list[tuple[int, Row]] = []
    for line, row in rows:
        problems = _wrong(row, REQUIRED)
        if row and not problems:
            right.append((line, row))
        cases += [Case(problem, f"{path}: line {line}: {problem}") for problem in problems]
    columns = {name: [getattr(row, name) for _, row in right] for name in KNOWN}
    files = [posixpath.normpath(file) for file in columns["path"]]
    starts, ends = (_numbers(columns[name]) for name in ("start", "end"))
    texts = {
        "utterance": columns["utterance"],
        "speaker": columns["speaker"],
        "session": [
            session or speaker for session, speaker in zip(columns["session"], columns["speaker"], strict=True)
        ],
        "dialog": [dialog or None for dialog in columns["dialog"]],
        "condition": columns["condition"],
        "path": files,
        "label": columns["emotion"],
        "reference": [words(transcript) for transcript in columns["transcript"]],
        "given_fold": [fold or None for fold in columns["fold"]],
        "given_split": [split or None for split in columns["split"]],
        "source": [f"{path}: line {line}" for line, _ in right],
        "part": list(map(_part, columns["start"], columns["end"])),
    }
    turns = np.array([turn_start(row) for _, row in right], dtype=float)
    table = pd.DataFrame({name: pd.array(values, dtype="str") for name, values in texts.items()})
    return table.assign(start=starts, end=ends, turn_start=turns), cases


ENDING = r"([^/])\.[^./]+$"
"""The ending of a file's name and the letter before it, which a name that begins with a dot has not."""


def _table(blocks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The listing, in which each utterance has a name: that of its row, or one that its file and part give."""
    columns = [*COLUMNS, "given_fold", "given_split"]
    if not blocks:
        return pd.DataFrame(columns=columns)
    table = pd.concat(blocks, ignore_index=True)
    is_unnamed = table["utterance"] == ""
    if is_unnamed.any():
        files = table.loc[is_unnamed, "path"]
        whole = files.str.replace(ENDING, r"\1", regex=True)
        names = whole.str.replace("^.*/", "", regex=True)
        of_files = names[~files.duplicated()]
        if of_files.duplicated().any():
            names = names.where(~names.isin(of_files[of_files.duplicated()]), whole)
        table["utterance"] = table["utterance"].where(~is_unnamed, names + table["part"])
    return table[columns]


def _part(*limits: str) -> str:
    """What the name of a part of a recording ends in."""
    return "".join(f"_{np.format_float_positional(float(limit), trim='-')}" for limit in limits if limit)


def _numbers(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.array([float(text or "nan") for text in texts], dtype=float)


def _wrong(row: Row | None, required: Sequence[Meaning]) -> Problems:
    """What is wrong with a row; ``None`` is one that has more values than there are columns."""
    if row is None:
        return ["has more values than the header has columns; quote commas"]
    problems: Problems = [f"{name} is empty" for name in required if not getattr(row, name)]
    problems += _wrong_names(row.speaker, row.session, row.fold, row.split, row.condition)
    if row.start or row.end:
        problems += _wrong_part(row.start, row.end)
    if row.turn_start:
        if _seconds(row.turn_start) is None:
            problems.append(f"turn_start is {row.turn_start!r}; should be a number, 0 or more")
        if not row.dialog:
            problems.append(
                f"turn_start is {row.turn_start!r} and dialog is empty; should be both, or turn_start empty"
            )
    return problems


@lru_cache(maxsize=1000)
def _wrong_names(speaker: str, session: str, fold: str, split: str, condition: str) -> Problems:
    """What is wrong with what many rows have in common."""
    # Folds are named after speakers and sessions, and each fold has a folder.
    problems: Problems = [
        f"{name} is {value!r}; {FOLDER_NAME}"
        for name, value in {"speaker": speaker, "session": session, "fold": fold}.items()
        if not names_a_folder(value)
    ]
    if split not in ("", *SPLITS):
        problems.append(f"split is {split!r}; {should_be_one_of(split, SPLITS)}")
    if fold and not split:
        problems.append(f"fold is {fold!r} and split is empty; should be both, or fold empty")
    if condition == "all":
        problems.append("condition is 'all', which stands for all conditions together; should have another name")
    return problems


def _wrong_part(start: str, end: str) -> Problems:
    """What is wrong with where a part of a recording begins and ends."""
    if not start or not end:
        given, missing = ("start", "end") if start else ("end", "start")
        return [f"{given} is {start or end!r} and {missing} is empty; should be both, in seconds, or neither"]
    seconds = {"start": _seconds(start), "end": _seconds(end)}
    wrong = [name for name, value in seconds.items() if value is None]
    if wrong:
        text = {"start": start, "end": end}
        return [f"{name} is {text[name]!r}; should be a number of seconds, 0 or more" for name in wrong]
    if seconds["end"] <= seconds["start"]:  # type: ignore[operator]
        return [f"end is {end!r}; should be after start, which is {start!r}"]
    return []


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value >= 0 else None


def _blocks(
    file: Path,
    columns: Mapping[str, Meaning | None],
    required: Sequence[Meaning],
    only: Sequence[Meaning] | None = None,
) -> Iterator[list[tuple[int, Row | None]]]:
    """The rows of a manifest, each with the number of its last line, :data:`BLOCK` at once.

    Args:
        file: the manifest
        columns: what the file's own columns are, where that is not what they are called; ``None`` for those left out
        required: the columns that must be in it
        only: the columns that are read, whatever else it has; ``None`` for all, and then it may have no other

    Raises:
        InputError: with what is wrong with the file as a whole
    """
    with open_text(file) as text:
        # Strict, since a quote that is never closed would else swallow the rows after it.
        table = csv.reader(text, strict=True)
        begin = 1
        block: list[tuple[int, Row | None]] = []
        try:
            header = next(filter(None, table), [])
            meaning: list[str | None] = [columns.get(name, name) for name in header]
            if only is not None:
                meaning = [known if known in only else None for known in meaning]
            if problems := _wrong_header(header, columns, meaning, required, file):
                raise InputError(problems)
            places = [meaning.index(name) if name in meaning else len(header) for name in KNOWN]
            begin = table.line_num + 1
            for values in table:
                if values:
                    # The last is for the columns that the file does not have.
                    texts = [value.strip() for value in values] + [""] * (len(header) + 1 - len(values))
                    row = Row(*[texts[place] for place in places]) if len(values) <= len(header) else None
                    block.append((table.line_num, row))
                if len(block) == BLOCK:
                    yield block
                    block = []
                begin = table.line_num + 1
        except csv.Error as error:
            right: Problem = "should have each quote closed, and doubled within a quoted value"
            problem: Problem = f"{file}: line {begin}: the row that begins here cannot be read ({error}); {right}"
            raise InputError([problem]) from None
        if block:
            yield block


def _wrong_header(
    header: Sequence[str],
    columns: Mapping[str, Meaning | None],
    meaning: Sequence[str | None],
    required: Sequence[Meaning],
    file: Path,
) -> Problems:
    """What is wrong with the columns of a manifest."""
    place = f"{file}: line 1"
    problems: Problems = [
        f"columns: {name!r} is no column of {file}; {should_be_one_of(name, header)}"
        for name in columns
        if name not in header
    ]
    twice = sorted({name for name in header if header.count(name) > 1})
    problems += [f"{place}: column {name!r} appears more than once" for name in twice]

    of = dict(zip(header, meaning, strict=True))
    for name in KNOWN:
        same = [column for column, known in of.items() if known == name]
        if len(same) > 1:
            names = " and ".join(map(repr, same))
            problems.append(f"{place}: columns {names} are both {name}; should be one, and the other null in columns")
    has = ", ".join(header) or "none"
    problems += [
        f"{place}: column {name!r} is missing; has {has}; should be CSV in UTF-8, with commas"
        for name in required
        if name not in of.values()
    ]
    for name, known in of.items():
        if known not in (None, *KNOWN):
            similar = nearest(name.strip().casefold(), KNOWN)
            shown = name if name.isidentifier() else repr(name)
            problems.append(
                f"{place}: column {name!r} is not known; should be one of {', '.join(KNOWN)}; or the config's key "
                f"columns says what it is, as in columns: {{{shown}: speaker}}, or {{{shown}: null}} to leave it out"
                f"{similar}"
            )
    return problems
