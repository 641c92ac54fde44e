"""What every reader shares: what it returns, the published counts, and the check of labels and audio together."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from emofuse import audio
from emofuse.corpora import load_reader
from emofuse.tables import InputError

log = logging.getLogger(__name__)

COLUMNS = ["utterance", "speaker", "session", "condition", "path", "emotion", "reference", "source"]
"""What a reader says of each labelled utterance.

``emotion`` is ``None`` if it is none of the four, and ``reference``, the transcript, if there is none;
``source`` is where the label was read, as ``file: line n``.
"""


class Count(NamedTuple):
    """A published number of utterances.

    Attributes:
        name: what is counted, in words
        where: the values of a listing's columns that are counted
        published: how many there are
        exact: whether a copy of the whole corpus has exactly that many
    """

    name: str
    where: Mapping[str, str]
    published: int
    exact: bool = True


class Listing(NamedTuple):
    """What a reader found, before any audio is opened.

    Attributes:
        utterances: a row per labelled utterance, with :data:`COLUMNS`
        problems: what could not be understood, a sentence each
        published: what a copy of the whole corpus holds
    """

    utterances: pd.DataFrame
    problems: list[str]
    published: Sequence[Count] = ()


class Corpus(NamedTuple):
    """A corpus that was read and checked.

    Attributes:
        utterances: the `utterances` table
        rejects: the `rejects` table: utterances whose audio cannot be used, and why
        problems: what should stop a study, a sentence each
    """

    utterances: pd.DataFrame
    rejects: pd.DataFrame
    problems: list[str]


def read(
    corpus: str,
    reader: str,
    path: str,
    partial: bool = False,
    rejects: Literal["stop", "leave_out"] = "stop",
    min_duration: float = 0.1,
    threads: int = 1,
    **options: Any,
) -> Corpus:
    """List a corpus, compare it with the published counts, and check every audio file.

    Utterances of other emotions than the four are not used, and their audio is not opened.
    Audio paths begin with ``path``: they are relative if it is.

    Args:
        corpus: the name for the `corpus` column
        reader: a key of :data:`emofuse.corpora.READERS`
        path: where the corpus is: a folder, or the file of a manifest
        partial: whether only a part of the corpus is here: differences from the published counts are then logged
        rejects: whether audio that cannot be used is a problem, or is left out
        min_duration: what is shorter, in seconds, is rejected
        threads: how many audio files are read at once
        options: what else that reader takes

    Returns:
        both tables, sorted by utterance, and every problem of labels, counts and audio
    """
    listing = load_reader(reader)(path, **options)
    found, problems = listing.utterances.sort_values("utterance", kind="stable"), list(listing.problems)

    first = found.drop_duplicates("utterance").set_index("utterance")["source"]
    for row in found[found["utterance"].duplicated()].itertuples():
        problems.append(f"{row.source}: utterance {row.utterance!r} is there already ({first[row.utterance]})")
    found = found.drop_duplicates("utterance")

    if not problems:  # counts of what was only half understood would be noise
        present = found[np.array([Path(audio_path).is_file() for audio_path in found["path"]], dtype=bool)]
        differences = compare(present, listing.published)
        if differences and not partial:
            problems.append(f"{corpus}: is not the whole corpus; if that is meant, the config says `partial: true`")
            problems += differences
        for difference in differences if partial else []:
            log.warning("%s: a part of the corpus: %s", corpus, difference)

    found = found[found["emotion"].notna()]
    checked = audio.check_all(found["path"], min_duration, threads)
    found = found.assign(corpus=corpus, duration=[item[0] for item in checked], reason=[item[1] for item in checked])
    bad = found["reason"].notna()
    rejected = found.loc[bad, ["utterance", "path", "reason"]].reset_index(drop=True)
    for row in rejected.itertuples():
        line = f"{row.path}: utterance {row.utterance!r} has audio that cannot be used: {row.reason}"
        if rejects == "stop":
            problems.append(line)
        else:
            log.warning("left out: %s", line)

    utterances = found[~bad].drop(columns=["source", "reason"]).reset_index(drop=True)
    if utterances.empty and not problems:
        problems.append(f"{corpus}: has no utterance of the four emotions")
    return Corpus(utterances, rejected, problems)


def compare(found: pd.DataFrame, published: Sequence[Count]) -> list[str]:
    """Say where a listing and the published counts differ, both numbers side by side.

    Counts that are not exact are told only beside one that is and differs.

    >>> frame = pd.DataFrame({"emotion": ["sad", "sad", "happy"]})
    >>> compare(frame, [Count("sad", {"emotion": "sad"}, 3), Count("happy", {"emotion": "happy"}, 1)])
    ['sad: 2 read, 3 published']
    """
    numbers = [int((found[list(count.where)] == pd.Series(count.where)).all(axis=1).sum()) for count in published]
    pairs = [(count, number) for count, number in zip(published, numbers, strict=True) if number != count.published]
    if not any(count.exact for count, _ in pairs):
        return []
    return [
        f"{count.name}: {number} read, {'' if count.exact else 'about '}{count.published} published"
        for count, number in pairs
    ]


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, or in Latin-1 if it is not UTF-8.

    Raises:
        InputError: if the file cannot be read
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError([f"{path}: cannot be read ({error.strerror})"]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_lines(path: Path) -> list[str]:
    r"""The lines of a text file, as :func:`read_text` reads it, without their ends.

    Only ``\n``, ``\r\n`` and ``\r`` end a line:
    ``str.splitlines`` would also break at what is an ellipsis in files from Windows.
    """
    return io.StringIO(read_text(path), newline=None).read().split("\n")


def words(text: str) -> str | None:
    """The words of a transcript, without tokens such as ``[LAUGHTER]``.

    An empty transcript is none; one of tokens only says that there were no words.

    >>> words("[LAUGHTER]  Excuse me. [BREATHING]"), words("[LAUGHTER]"), words(" ")
    ('Excuse me.', '', None)
    """
    return " ".join(re.sub(r"\[[^\]]*\]", " ", text).split()) if text.strip() else None
