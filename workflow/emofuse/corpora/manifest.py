"""Any corpus: a CSV file that lists it.

path,speaker,emotion,session,condition,transcript
anna/001.wav,anna,happy,1,interview,What a lovely day.
"""

from __future__ import annotations

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from pydantic import Field

from emofuse.corpora.base import COLUMNS, Case, Listing, Reader, grouped, read_text, words
from emofuse.parts import nearest, should_be_one_of
from emofuse.places import FOLDER_NAME, names_a_folder
from emofuse.tables import EMOTIONS, SPLITS, Problem, Problems

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

Record = dict[str, str]
"""A row of a manifest: its values by the meaning of their columns, all of :data:`KNOWN`, empty where there is none."""


class Row(NamedTuple):
    """A row of a manifest as it was read.

    Attributes:
        source: where it stands, as ``file: line n``
        record: its values
        faults: what is wrong with them, a sentence each
    """

    source: str
    record: Record
    faults: Problems


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
        read, problems = read_rows(path, self.columns or {})
        cases = [Case(fault, f"{row.source}: {fault}") for row in read for fault in row.faults]
        sources = [row.source for row in read if not row.faults]
        rows = [row.record for row in read if not row.faults]
        names = _names(rows)
        utterances = [
            {
                "utterance": name,
                "speaker": row["speaker"],
                "session": row["session"] or row["speaker"],
                "dialog": row["dialog"] or None,
                "condition": row["condition"],
                "path": row["path"],
                "start": float(row["start"] or "nan"),
                "end": float(row["end"] or "nan"),
                "turn_start": turn_start(row),
                "label": row["emotion"],
                "reference": words(row["transcript"]),
                "given_fold": row["fold"] or None,
                "given_split": row["split"] or None,
                "source": source,
            }
            for row, name, source in zip(rows, names, sources, strict=True)
        ]
        unlabelled = [] if read or problems else [path]
        table = pd.DataFrame(utterances, columns=[*COLUMNS, "given_fold", "given_split"])
        return Listing(table, problems + grouped(cases, path), unlabelled)


def turn_start(row: Record) -> float:
    """When an utterance begins in its dialog; NaN where it has none, or where that is not told."""
    return float((row["dialog"] and (row["turn_start"] or row["start"])) or "nan")


def read_rows(
    file: Path,
    columns: Mapping[str, Meaning | None],
    *,
    required: Sequence[Meaning] = REQUIRED,
    only: Sequence[Meaning] | None = None,
) -> tuple[list[Row], Problems]:
    """Read a manifest row by row.

    Args:
        file: the manifest
        columns: what the file's own columns are, where that is not what they are called; ``None`` for those left out
        required: the columns that must be in it, and that no row may leave empty
        only: the columns that are read, whatever else it has; ``None`` for all, and then it may have no other

    Returns:
        the rows, and what is wrong with the file as a whole, which then has none
    """
    records, problems = _records(file, columns, required, only)
    return [Row(f"{file}: line {line}", *_understand(values, required)) for line, values in records], problems


def _understand(values: dict[str | None, str | None], required: Sequence[Meaning]) -> tuple[Record, Problems]:
    """A row, and what is wrong with it."""
    if None in values:
        return {}, ["has more values than the header has columns; quote commas"]
    row = dict.fromkeys(KNOWN, "") | {name: (text or "").strip() for name, text in values.items() if name is not None}
    problems: Problems = [f"{name} is empty" for name in required if not row[name]]
    # Folds are named after speakers and sessions, and each fold has a folder.
    problems += [
        f"{name} is {row[name]!r}; {FOLDER_NAME}"
        for name in ("speaker", "session", "fold")
        if not names_a_folder(row[name])
    ]
    if row["split"] not in ("", *SPLITS):
        problems.append(f"split is {row['split']!r}; {should_be_one_of(row['split'], SPLITS)}")
    if row["fold"] and not row["split"]:
        problems.append(f"fold is {row['fold']!r} and split is empty; should be both, or fold empty")
    if row["condition"] == "all":
        problems.append("condition is 'all', which stands for all conditions together; should have another name")
    problems += _wrong_part(row["start"], row["end"])
    if row["turn_start"] and _seconds(row["turn_start"]) is None:
        problems.append(f"turn_start is {row['turn_start']!r}; should be a number, 0 or more")
    if row["turn_start"] and not row["dialog"]:
        problems.append(f"turn_start is {row['turn_start']!r} and dialog is empty; should be both, or turn_start empty")
    if row["path"]:
        row["path"] = posixpath.normpath(row["path"])
    return row, problems


def _wrong_part(start: str, end: str) -> Problems:
    """What is wrong with where a part of a recording begins and ends."""
    if not start and not end:
        return []
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


def _names(rows: Sequence[Record]) -> list[str]:
    """The name of each utterance: that of its row, or one that its file and part give."""
    unnamed = {PurePosixPath(row["path"]) for row in rows if not row["utterance"]}
    files = Counter(path.stem for path in unnamed)
    names = []
    for row in rows:
        path = PurePosixPath(row["path"])
        name = path.stem if files[path.stem] == 1 else str(path.with_suffix(""))
        limits = [np.format_float_positional(float(row[limit]), trim="-") for limit in ("start", "end") if row[limit]]
        names.append(row["utterance"] or "_".join([name, *limits]))
    return names


def _records(
    file: Path, columns: Mapping[str, Meaning | None], required: Sequence[Meaning], only: Sequence[Meaning] | None
) -> tuple[list[tuple[int, dict[str | None, str | None]]], Problems]:
    """The rows of a manifest, each with the number of its last line, or what is wrong with the file as a whole."""
    # Strict, since a quote that is never closed would else swallow the rows after it.
    table = csv.DictReader(io.StringIO(read_text(file), newline=""), strict=True)
    records: list[tuple[int, dict[str | None, str | None]]] = []
    begin = 1
    try:
        header = list(table.fieldnames or [])
        meaning: dict[str | None, str | None] = {name: columns.get(name, name) for name in header}
        if only is not None:
            meaning = {name: known if known in only else None for name, known in meaning.items()}
        if problems := _wrong_header(header, columns, meaning, required, file):
            return [], problems
        while True:
            begin = table.line_num + 1
            try:
                record = next(table)
            except StopIteration:
                return records, []
            values = {meaning.get(name): text for name, text in record.items() if name is None or meaning[name]}
            records.append((table.line_num, values))
    except csv.Error as error:
        right: Problem = "should have each quote closed, and doubled within a quoted value"
        return [], [f"{file}: line {begin}: the row that begins here cannot be read ({error}); {right}"]


def _wrong_header(
    header: Sequence[str],
    columns: Mapping[str, Meaning | None],
    meaning: Mapping[str | None, str | None],
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

    for name in KNOWN:
        same = [column for column, known in meaning.items() if known == name]
        if len(same) > 1:
            names = " and ".join(map(repr, same))
            problems.append(f"{place}: columns {names} are both {name}; should be one, and the other null in columns")
    has = ", ".join(header) or "none"
    problems += [
        f"{place}: column {name!r} is missing; has {has}; should be CSV in UTF-8, with commas"
        for name in required
        if name not in meaning.values()
    ]
    for name in dict.fromkeys(header):
        if meaning[name] not in (None, *KNOWN):
            similar = nearest(name.strip().casefold(), KNOWN)
            shown = name if name.isidentifier() else repr(name)
            problems.append(
                f"{place}: column {name!r} is not known; should be one of {', '.join(KNOWN)}; or the config's key "
                f"columns says what it is, as in columns: {{{shown}: speaker}}, or {{{shown}: null}} to leave it out"
                f"{similar}"
            )
    return problems
