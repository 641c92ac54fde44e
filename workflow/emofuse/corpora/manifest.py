"""Any corpus: a CSV file that lists it.

path,speaker,emotion,session,condition,transcript
anna/001.wav,anna,happy,1,interview,What a lovely day.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from emofuse.corpora.base import COLUMNS, Listing, read_text, words
from emofuse.tables import EMOTIONS

REQUIRED = ("path", "speaker", "emotion")


def read(path: str, emotions: Mapping[str, str | None] | None = None) -> Listing:
    """List the corpus of a manifest.

    Columns `path`, `speaker` and `emotion` are required. A path is relative to the manifest's folder.
    Where a column or value is missing, `utterance` is the file's name without its ending, `session` the speaker,
    `condition` empty and `transcript` absent. Other columns are not read.

    Args:
        path: the CSV file, with a header
        emotions: what the corpus's own names of emotions mean, in any case: one of the four, or ``None`` to leave
            utterances with that label out. The four names themselves need not be listed.
    """
    file = Path(path)
    if not file.is_file():
        return Listing(pd.DataFrame(columns=COLUMNS), [f"{path}: no such file; should be a CSV file"])
    records, problems = _records(file)
    if problems:
        return Listing(pd.DataFrame(columns=COLUMNS), problems)

    meaning = {name: name for name in EMOTIONS} | {
        str(name).casefold(): emotion for name, emotion in (emotions or {}).items()
    }
    rows: list[dict[str, str | None]] = []
    for line, record in records:
        source = f"{path}: line {line}"
        if None in record:
            problems.append(f"{source}: has more values than the header has columns; quote commas")
            continue
        value = {name: (text or "").strip() for name, text in record.items()}
        faults = [f"{name} is empty" for name in REQUIRED if not value[name]]
        if value["emotion"] and value["emotion"].casefold() not in meaning:
            faults.append(f"emotion is {value['emotion']!r}; should be one of {', '.join(meaning)}")
        # Folds are named after speakers and sessions, and each fold has a folder.
        faults += [
            f"{name} is {value[name]!r}; should have no '/', brace or control character, and not be . or .."
            for name in ("speaker", "session")
            if _breaks_a_folder(value.get(name, ""))
        ]
        if value.get("condition") == "all":
            faults.append("condition is 'all', which stands for all conditions together; should have another name")
        problems += [f"{source}: {fault}" for fault in faults]
        if not faults:
            rows.append(
                {
                    "utterance": value.get("utterance") or Path(value["path"]).stem,
                    "speaker": value["speaker"],
                    "session": value.get("session") or value["speaker"],
                    "condition": value.get("condition", ""),
                    "path": str(file.parent / value["path"]),
                    "emotion": meaning[value["emotion"].casefold()],
                    "reference": words(value.get("transcript", "")),
                    "source": source,
                }
            )
    return Listing(pd.DataFrame(rows, columns=COLUMNS), problems)


def _records(file: Path) -> tuple[list[tuple[int, dict[str | None, str]]], list[str]]:
    """The rows of a manifest, each with the number of its last line, or what is wrong with the file as a whole."""
    # Strict, since a quote that is never closed would else swallow the rows after it.
    table = csv.DictReader(io.StringIO(read_text(file), newline=""), strict=True)
    records: list[tuple[int, dict[str | None, str]]] = []
    begin = 1
    try:
        header = list(table.fieldnames or [])
        missing = [name for name in REQUIRED if name not in header]
        if missing:
            has = ", ".join(header) or "none"
            return [], [
                f"{file}: line 1: column {name!r} is missing; has {has}; should be CSV in UTF-8, with commas"
                for name in missing
            ]
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            return [], [f"{file}: line 1: column {name!r} is there more than once" for name in twice]
        while True:
            begin = table.line_num + 1
            try:
                record = next(table)
            except StopIteration:
                return records, []
            records.append((table.line_num, record))
    except csv.Error as error:
        right = "should have each quote closed, and doubled within a quoted value"
        return [], [f"{file}: line {begin}: the row that begins here cannot be read ({error}); {right}"]


def _breaks_a_folder(name: str) -> bool:
    return name in (".", "..") or any(letter in "/{}" or not letter.isprintable() for letter in name)
