"""What every reader shares: what it says of itself, the check of labels and of audio, and the tables of a corpus.

A reader lists what a corpus's labels say. :func:`list_corpus` makes emotions of them and compares their numbers with
the published ones, without any audio; :func:`check_audio` then opens the audio. Both say all problems at once.
"""

from __future__ import annotations

import difflib
import io
import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

from emofuse import audio, checking, tables
from emofuse.contracts import UTTERANCES
from emofuse.parts import load, nearest
from emofuse.tables import EMOTIONS, InputError, Problem, Problems

log = logging.getLogger(__name__)

COLUMNS = [
    "utterance",
    "speaker",
    "session",
    "dialog",
    "condition",
    "path",
    "start",
    "end",
    "turn_start",
    "label",
    "reference",
    "source",
]
"""What a reader says of each labelled utterance.

``path`` is relative to the corpus's folder, with ``/``; ``start`` and ``end`` are in seconds, NaN for the whole file;
``dialog`` is the conversation that it belongs to, or missing, and ``turn_start`` when it begins there, in seconds;
where a corpus tells no times, a number that rises from turn to turn; NaN where it tells neither;
``label`` is the corpus's own;
``reference`` is the transcript, or missing;
``source`` is where the label was read, as ``file: line n``.
A corpus that says itself who trains, validates and tests may have ``given_fold`` and ``given_split`` besides.
"""


class Count(NamedTuple):
    """A published number of utterances.

    Attributes:
        name: what is counted, in words
        where: the values of the columns that are counted; ``emotion`` is what the reader's own mapping gives
        published: how many there are
        exact: whether a copy of the whole corpus has exactly that many
    """

    name: str
    where: Mapping[str, str]
    published: int
    exact: bool = True


class Listing(NamedTuple):
    """What a reader says of a corpus.

    Attributes:
        utterances: a row per labelled utterance, with :data:`COLUMNS`, in the order of their sources
        problems: what could not be understood, a sentence each
        unlabelled: the files and folders that should hold labels and hold none
    """

    utterances: pd.DataFrame
    problems: Problems
    unlabelled: Sequence[Path] = ()


class Reader(ABC):
    """How one kind of corpus lies on disk.

    A reader derives from this class, in a file of its own. Parameters that it alone takes stand in its ``__init__``.
    ``path`` is always that of the config: a folder, or the file of a manifest.
    A class that other readers derive from says ``abstract=True`` in its header.
    """

    emotions: ClassVar[Mapping[str, str | None]]
    """What the corpus's own labels mean, in any case; ``None`` leaves those utterances out."""

    layout: Problem
    """What lies at the path, as in "should be a folder that holds …"."""

    published: ClassVar[Sequence[Count]] = ()
    """What a copy of the whole corpus holds."""

    note: ClassVar[str] = ""
    """What a reader of the results should know."""

    gives: ClassVar[Literal["audio", "scores"]] = "audio"
    """What a study begins with: audio, or scores that somebody else has computed."""

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__()

    def root(self, path: Path) -> Path:
        """The folder that the audio's paths are relative to."""
        return path

    @abstractmethod
    def is_at(self, path: Path) -> bool:
        """Whether such a corpus lies there."""

    @abstractmethod
    def watched(self, path: Path) -> list[Path]:
        """The files that labels and transcripts are read from, sorted; none is opened."""

    @abstractmethod
    def read(self, path: Path) -> Listing:
        """List the corpus from its labels; no audio is opened."""


class Published(NamedTuple):
    """The scores of a corpus that somebody else has computed.

    Attributes:
        scores: the `published` table
        transcripts: the `transcripts` table
    """

    scores: pd.DataFrame
    transcripts: pd.DataFrame


class ScoresReader(Reader, abstract=True):
    """How one kind of published scores lies on disk."""

    gives = "scores"

    @abstractmethod
    def folds(self, path: Path) -> list[str]:
        """The names of the folds, sorted; scores are not read.

        Raises:
            InputError: with each fold that has no name
        """

    @abstractmethod
    def read_published(self, path: Path, folds: Sequence[str] | None = None) -> Published:
        """Read the scores.

        Args:
            path: that of the config
            folds: which folds are read; ``None`` for all

        Raises:
            InputError: with every problem of every file
        """


# --- Labels ----------------------------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """A corpus whose labels were read and checked.

    Attributes:
        utterances: a row per utterance of the four emotions, sorted by name:
            :data:`COLUMNS`, with ``emotion`` in place of ``label`` and ``source``
        labelled: a row per labelled utterance, whatever its emotion, which is that of the reader's own mapping
        published: what a copy of the whole corpus holds
        problems: what should stop a study, a sentence each
        warnings: what should be said, and stops nothing
    """

    utterances: pd.DataFrame
    labelled: pd.DataFrame
    published: Sequence[Count]
    problems: Problems
    warnings: Problems


def list_corpus(
    reader: Reader,
    path: str | Path,
    *,
    emotions: Mapping[str, str | None] | None = None,
    partial: bool = False,
) -> Listed:
    """List a corpus from its labels, and compare it with the published counts.

    Args:
        reader: of the kind of corpus
        path: where the corpus lies: a folder, or the file of a manifest
        emotions: what labels mean, in any case, where that is not what the reader says; ``None`` leaves utterances
            out. Published counts are compared under the reader's own mapping: a variant is still the whole corpus.
        partial: whether only a part of the corpus is here: differences from the whole one are then warnings
    """
    path = Path(path)
    if not reader.is_at(path):
        place = _nearby(path, reader.is_at)
        problem: Problem = f"{path}: should be {reader.layout}" + (f"; {place} holds it" if place else "")
        nothing = pd.DataFrame(columns=[*COLUMNS, "emotion"])
        return Listed(nothing, nothing, (), [problem], [])

    listing = reader.read(path)
    labelled = listing.utterances.astype(dict.fromkeys(("start", "end", "turn_start"), float))
    label = _each(labelled["label"], lambda name: str(name).casefold())
    own = _casefold(reader.emotions)
    meaning = own | _casefold(emotions or {})
    labelled = labelled.assign(emotion=_each(label, own.get), meaning=_each(label, meaning.get))

    problems = [
        *listing.problems,
        *_unknown_labels(labelled[~label.isin(meaning)], [*reader.emotions, *(emotions or {})], path),
        *_listed_twice(labelled, reader.root(path), path),
    ]
    differences: Problems = [f"{file}: holds no label" for file in listing.unlabelled]
    used = set(own) | set(label)
    differences += [
        f"emotions: no utterance of {path} has the label {name!r}{nearest(str(name).casefold(), used)}"
        for name in emotions or {}
        if str(name).casefold() not in used
    ]
    labelled = labelled.sort_values("utterance", kind="stable").drop_duplicates("utterance", ignore_index=True)
    if not problems:  # counts of what was only half understood would be noise
        differences += compare(labelled, reader.published)
    if not partial:
        problems += _incomplete(path, differences)

    utterances = _used(labelled)
    if utterances.empty and not problems:
        problems.append(f"{path}: has no utterance of the four emotions")
    return Listed(utterances, labelled, reader.published, problems, differences if partial else [])


WARNINGS = b"warnings"
"""The key of the metadata of what is kept of labels under which its warnings stand, as JSON."""


def _used(labelled: pd.DataFrame) -> pd.DataFrame:
    """Of labelled utterances, those of the four emotions, as in :class:`Listed`."""
    utterances = labelled[labelled["meaning"].notna()].drop(columns=["label", "source", "emotion"])
    return utterances.rename(columns={"meaning": "emotion"}).reset_index(drop=True)


def keep(listed: Listed, path: str | Path) -> None:
    """Keep what was read of a corpus's labels in a Parquet file, from which :func:`listed_by` reads it.

    Args:
        listed: a corpus without problems
        path: the file, which is written whole or not at all
    """
    table = pa.Table.from_pandas(listed.labelled.assign(draw=tables.draws(listed.labelled["utterance"])))
    warnings = json.dumps(listed.warnings, ensure_ascii=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), WARNINGS: warnings})
    with tables.replacing(path) as temporary:
        pq.write_table(table, temporary)


def listed_by(
    recipe: Mapping[str, Any], path: str | Path, partial: bool, kept: str, shard: tuple[int, int] | None = None
) -> tuple[Reader, Listed]:
    """A corpus's reader, and what its labels say, as the recipe of a rule asks for it.

    Args:
        recipe: the ``reader``'s path, its ``parameters``, and ``emotions`` as in :func:`list_corpus`
        path: where the corpus lies
        partial: as in :func:`list_corpus`
        kept: the file of what the study has read of these labels at its start, see :func:`keep`;
            where it is missing, as for a corpus that the workflow makes, the labels are read
        shard: the number of a shard and how many there are, whose utterances alone are listed; ``None`` for all
    """
    reader = load(recipe["reader"])(**recipe["parameters"])
    try:
        with pq.ParquetFile(kept) as file:
            warnings = json.loads(file.schema_arrow.metadata[WARNINGS])
            parts = (_of_shard(batch, shard) for batch in file.iter_batches())
            labelled = pa.Table.from_batches(parts, file.schema_arrow).to_pandas().drop(columns="draw")
        return reader, Listed(_used(labelled), labelled, reader.published, [], warnings)
    except FileNotFoundError:
        listed = list_corpus(reader, path, emotions=recipe["emotions"], partial=partial)
        return reader, listed if shard is None else listed._replace(utterances=tables.shard(listed.utterances, *shard))


def _of_shard(batch: pa.RecordBatch, shard: tuple[int, int] | None) -> pa.RecordBatch:
    if shard is None:
        return batch
    number, shards = shard
    return batch.filter(pa.array(batch["draw"].to_numpy() % shards == number))


def compare(labelled: pd.DataFrame, published: Sequence[Count]) -> Problems:
    """Say where labelled utterances and the published counts differ, both numbers side by side.

    Counts that are not exact are told only beside one that is and differs.

    >>> frame = pd.DataFrame({"emotion": ["sad", "sad", "happy"]})
    >>> compare(frame, [Count("sad", {"emotion": "sad"}, 3), Count("happy", {"emotion": "happy"}, 1)])
    ['sad: 2 read, 3 published']
    """
    table = counts(labelled, published)
    return [
        f"{row.counted}: {row.read} read, {'' if row.exact else 'about '}{row.published} published"
        for row in table[table["differs"]].itertuples()
    ]


def counts(labelled: pd.DataFrame, published: Sequence[Count]) -> pd.DataFrame:
    """The `counts` table: what is published of a corpus beside what was read.

    Args:
        labelled: a row per labelled utterance, with the columns that are counted
        published: what a copy of the whole corpus holds
    """
    read = [int((labelled[list(count.where)] == pd.Series(count.where)).all(axis=1).sum()) for count in published]
    table = pd.DataFrame(
        [(count.name, number, count.published, count.exact) for count, number in zip(published, read, strict=True)],
        columns=["counted", "read", "published", "exact"],
    )
    is_other = table["read"] != table["published"]
    # Beside an exact count that differs, one that is not exact helps to see what is missing; alone it says nothing.
    return table.assign(differs=is_other & bool((is_other & table["exact"].astype(bool)).any()))


def _each(values: pd.Series, say: Callable[[Any], str | None]) -> pd.Series:
    """What a function says of each value; it is asked once for all that are the same."""
    codes, different = pd.factorize(values, use_na_sentinel=False)
    return pd.Series(pd.array([say(value) for value in different], dtype="str")[codes], index=values.index)


def _casefold(emotions: Mapping[str, str | None]) -> dict[str, str | None]:
    return {str(name).casefold(): emotion for name, emotion in emotions.items()}


def _unknown_labels(unknown: pd.DataFrame, known: Sequence[str], path: Path) -> Problems:
    cases: list[Case] = []
    labels = ", ".join(dict.fromkeys(map(str, known)))
    for row in unknown.itertuples():
        similar = [*difflib.get_close_matches(str(row.label).casefold(), EMOTIONS, n=1), "null"]
        problem: Problem = (
            f"emotion is {row.label!r}; should be one of {labels}; or the config's key emotions says "
            f"what it means, as in emotions: {{{row.label}: {similar[0]}}}"
        )
        cases.append(Case(problem, f"{row.source}: {problem}"))
    return grouped(cases, path)


def _listed_twice(labelled: pd.DataFrame, root: Path, path: Path) -> Problems:
    """Names that two utterances have, and audio that two utterances share."""
    cases: list[Case] = []
    by_name: dict[str, str] = {}
    by_audio: dict[tuple[str, float, float], tuple[str, ...]] = {}
    # Of a million rows the few that can matter: the same file may be named below the root, and from the top.
    files = labelled["path"].astype("str")
    if files.str.startswith("/").any():
        files = files.map(lambda file: str(root / file), na_action="ignore")
    of_audio = labelled[["start", "end"]].assign(file=files)
    for row in labelled[labelled["utterance"].duplicated(keep=False) | of_audio.duplicated(keep=False)].itertuples():
        if row.utterance in by_name:
            problem: Problem = f"utterance {row.utterance!r} is listed already ({by_name[row.utterance]})"
            cases.append(Case("an utterance is listed already", f"{row.source}: {problem}"))
            continue
        by_name[row.utterance] = row.source
        if not row.path:  # published scores have no audio
            continue
        # NaN is unequal to itself; -1 is no start or end.
        part = (-1.0, -1.0) if np.isnan(row.start) else (row.start, row.end)
        here = (row.source, row.utterance, row.speaker, row.label)
        first = by_audio.setdefault((str(root / row.path), *part), here)
        if first is not here:
            problem = (
                f"{row.path} is listed already ({first[0]}), as utterance {first[1]!r} of speaker {first[2]!r} with "
                f"label {first[3]!r}; the same audio should be listed once"
            )
            cases.append(Case("the same audio is listed already", f"{row.source}: {problem}"))
    return grouped(cases, path) + _overlapping(labelled, path)


def _overlapping(labelled: pd.DataFrame, path: Path) -> Problems:
    """Parts of one file that overlap although their speakers or labels differ."""
    cases: list[Case] = []
    parts = labelled.assign(start=labelled["start"].fillna(0), end=labelled["end"].fillna(np.inf))
    shared = parts[parts["path"].duplicated(keep=False) & parts["path"].ne("") & parts["path"].notna()]
    for _, of_file in shared.sort_values(["start", "end"]).groupby("path"):
        longest, *others = of_file.itertuples()
        for row in others:
            differs = (row.speaker, row.label) != (longest.speaker, longest.label)
            is_same = (row.start, row.end) == (longest.start, longest.end)  # which is a problem of its own
            if row.start < longest.end and differs and not is_same:
                problem: Problem = (
                    f"{row.path} from {row.start:g} s overlaps utterance {longest.utterance!r} of speaker "
                    f"{longest.speaker!r} with label {longest.label!r} ({longest.source}); should begin after it"
                )
                cases.append(Case("parts of one file overlap", f"{row.source}: {problem}"))
            longest = row if row.end > longest.end else longest  # of the parts so far, the one that ends last
    return grouped(cases, path)


def _incomplete(path: Path, differences: Problems) -> Problems:
    if not differences:
        return []
    return [f"{path}: is not the whole corpus; if that is meant, the config says `partial: true`", *differences]


def _nearby(path: Path, holds: Callable[[Path], bool]) -> Path | None:
    """The place one level up, down or beside a path that holds what is missing, if there is one."""

    def children(folder: Path) -> list[Path]:
        if not folder.is_dir():
            return []
        # Of files, which may be thousands, only manifests can be a corpus.
        return sorted(item for item in folder.iterdir() if item.suffix.lower() == ".csv" or item.is_dir())

    places = [path.parent, *children(path), *children(path.parent)]
    return next((place for place in places if place != path and holds(place)), None)


# --- Audio -----------------------------------------------------------------------------------------------------------


class Checked(NamedTuple):
    """A corpus whose audio was opened.

    Attributes:
        recordings: the `recordings` table
        rejects: the `rejects` table, with every utterance whose audio cannot be used
        problems: what should stop a study, a sentence each
        warnings: what should be said, and stops nothing
    """

    recordings: pd.DataFrame
    rejects: pd.DataFrame
    problems: Problems
    warnings: Problems


def check_audio(
    listed: Listed,
    root: str | Path,
    *,
    min_duration: float = 0.1,
    rejects: Literal["stop", "leave_out"] = "stop",
    partial: bool = False,
    threads: int = 1,
    progress: str | Path | None = None,
) -> Checked:
    """Open the audio of a corpus, and compare its files with the published counts.

    Utterances of other emotions than the four are not used, and their audio is not opened.

    Args:
        listed: the corpus
        root: the folder that paths are relative to
        min_duration: what is shorter, in seconds, is rejected
        rejects: whether audio that cannot be used is a problem, or is left out with a warning
        partial: whether only a part of the corpus is here: differences from the whole one are then warnings
        threads: how many audio files are read at once
        progress: as in :func:`emofuse.checking.check_all`
    """
    root = Path(root)
    recordings, rejected, problems, warnings = check_files(
        listed.utterances, root, min_duration=min_duration, rejects=rejects, threads=threads, progress=progress
    )
    if not problems:
        lies_there = np.array([(root / path).is_file() for path in listed.labelled["path"]], dtype=bool)
        differences = [] if lies_there.all() else compare(listed.labelled[lies_there], listed.published)
        if partial:
            warnings += differences
        else:
            problems += _incomplete(root, differences)
    if recordings.empty and not (problems or listed.problems):
        problems.append(f"{root}: has no utterance whose audio can be used")
    return Checked(recordings, rejected, problems, warnings)


def kind_of(reason: str) -> str:
    """What a reason to reject audio has in common with others: all but its numbers.

    >>> kind_of("too short: 0.020 s; should be at least 0.1 s")
    'too short: … s; should be at least … s'
    """
    return re.sub(r"[0-9]+([.][0-9]+)?", "…", reason)


def check_files(
    utterances: pd.DataFrame,
    root: str | Path,
    *,
    min_duration: float,
    rejects: Literal["stop", "leave_out"],
    threads: int = 1,
    progress: str | Path | None = None,
) -> Checked:
    """Open the audio of some utterances, whatever the rest of their corpus; arguments as in :func:`check_audio`.

    Args:
        utterances: rows of :class:`Listed`'s ``utterances``
        root: the folder that paths are relative to
        min_duration: what is shorter, in seconds, is rejected
        rejects: whether audio that cannot be used is a problem, or is left out with a warning
        threads: how many audio files are read at once
        progress: as in :func:`emofuse.checking.check_all`
    """
    root = Path(root)
    checked = checking.check_all(audio.resolve(utterances, root), min_duration, threads, progress)
    table = utterances.assign(
        duration=np.array([duration for duration, _ in checked], dtype=float),
        reason=np.array([reason for _, reason in checked], dtype=object),
    )
    is_bad = table["reason"].notna()
    recordings = table.loc[~is_bad, ["utterance", "path", "start", "end", "duration"]].reset_index(drop=True)
    rejected = table.loc[is_bad, ["utterance", "path", "reason"]].reset_index(drop=True)
    said = _rejected(rejected, root)
    problems: Problems = said if rejects == "stop" else []
    warnings: Problems = [] if rejects == "stop" else [f"left out: {problem}" for problem in said]
    return Checked(recordings, rejected, problems, warnings)


def shard(
    recipe: Mapping[str, Any], path: str | Path, *, number: int, shards: int, partial: bool, kept: str, threads: int
) -> pd.DataFrame:
    """The `recordings` table of a shard, whose paths lead to the files.

    It is read from labels and audio, not from the corpus's own table, which is made anew where any utterance is new.

    Args:
        recipe: as in :func:`listed_by`, with the ``min_duration`` and ``rejects`` of :func:`check_audio`
        path: where the corpus lies
        number: the shard's
        shards: how many there are
        partial: as in :func:`list_corpus`
        kept: as in :func:`listed_by`
        threads: how many audio files are read at once

    Raises:
        InputError: with everything that is wrong with the labels or with the shard's audio
    """
    reader, listed = listed_by(recipe, path, partial, kept, (number, shards))
    root = reader.root(Path(path))
    settings = {key: recipe[key] for key in ("min_duration", "rejects")}
    checked = check_files(listed.utterances, root, threads=threads, **settings)
    report(listed, checked)
    return audio.resolve(checked.recordings, root)


def _rejected(rejects: pd.DataFrame, root: Path) -> Problems:
    cases: list[Case] = []
    for row in rejects.itertuples():
        problem: Problem = f"utterance {row.utterance!r} has audio that cannot be used: {row.reason}"
        kind: Problem = f"audio cannot be used: {kind_of(row.reason)}"
        cases.append(Case(kind, f"{root / row.path}: {problem}"))
    problems = grouped(cases, root)
    missing = next((path for path in rejects["path"] if not (root / path).is_file()), None)
    if missing is not None:
        place = _nearby(root, lambda folder: folder.is_dir() and (folder / missing).is_file())
        problems += [f"{root}: the missing audio lies below {place}"] if place else []
    return problems


# --- Tables ----------------------------------------------------------------------------------------------------------


def utterances_of(listed: Listed, corpus: str, recordings: pd.DataFrame | None = None) -> pd.DataFrame:
    """The `utterances` table.

    Args:
        listed: the corpus
        corpus: its name
        recordings: the `recordings` table, whose utterances alone are used; ``None`` for a corpus without audio
    """
    table = listed.utterances if recordings is None else _heard(listed, recordings)
    return table.assign(corpus=corpus).reindex(columns=list(UTTERANCES.columns)).reset_index(drop=True)


def references(listed: Listed, recordings: pd.DataFrame) -> pd.DataFrame:
    """The `references` table, for the utterances of the `recordings` table."""
    return _heard(listed, recordings)[["utterance", "reference"]].reset_index(drop=True)


def _heard(listed: Listed, recordings: pd.DataFrame) -> pd.DataFrame:
    return listed.utterances[listed.utterances["utterance"].isin(recordings["utterance"])]


def report(listed: Listed, checked: Checked | None = None) -> None:
    """Log what should be said of a corpus, and stop where it cannot be used.

    Raises:
        InputError: with everything that should stop a study
    """
    parts = [listed, *([checked] if checked else [])]
    for problem in [problem for part in parts for problem in part.warnings]:
        log.warning("%s", problem)
    problems: Problems = [problem for part in parts for problem in part.problems]
    if problems:
        raise InputError(problems)


# --- What readers share ----------------------------------------------------------------------------------------------

FEW = 3
"""How many problems of one kind are told one by one."""


class Case(NamedTuple):
    """A problem of one file or row.

    Attributes:
        kind: what it has in common with others
        problem: all of it
    """

    kind: Problem
    problem: Problem


def grouped(cases: Iterable[Case], where: Path) -> Problems:
    """Tell the first :data:`FEW` problems of each kind, and how many more there are.

    >>> grouped([Case("speaker is empty", f"m.csv: line {line}: speaker is empty") for line in range(2, 12)], "m.csv")
    ['m.csv: line 2: speaker is empty',
     'm.csv: line 3: speaker is empty',
     'm.csv: line 4: speaker is empty',
     'm.csv: and 7 more, 10 in all: speaker is empty']
    """
    by_kind: dict[str, Problems] = {}
    for case in cases:
        by_kind.setdefault(case.kind, []).append(case.problem)
    problems: Problems = []
    for kind, lines in by_kind.items():
        problems += lines[:FEW]
        if len(lines) > FEW:
            problems.append(f"{where}: and {len(lines) - FEW} more, {len(lines)} in all: {kind}")
    return problems


def open_text(path: Path) -> TextIO:
    """Open a text file in UTF-8, or in Latin-1 if it is not UTF-8; lines end as they do in the file.

    Raises:
        InputError: if the file cannot be read
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            while file.read(2**20):
                pass
    except OSError as error:
        raise InputError([f"{path}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        return path.open(encoding="latin-1", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def read_text(path: Path) -> str:
    """Read a text file, as :func:`open_text` opens it.

    Raises:
        InputError: if the file cannot be read
    """
    with open_text(path) as file:
        return file.read()


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
    spoken = re.sub(r"\[[^\]]*\]", " ", text) if "[" in text else text
    return " ".join(spoken.split()) if text.strip() else None
