"""What a person wants to have heard: files, folders and manifests become a table of utterances.

Nothing is trusted. Whatever cannot be heard gets a row with the reason, and the rest is heard all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from emofuse import audio
from emofuse.corpora.manifest import read_rows, turn_start
from emofuse.model import activity
from emofuse.tables import InputError, Problem

FOREIGN = frozenset((".m4a", ".mp4", ".aac", ".wma", ".amr", ".webm", ".3gp"))
"""What audio is called that libsndfile does not read: such files of a folder get a row that says so."""

ENDINGS = FOREIGN | {
    *(".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3"),
    *(".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".sph", ".nist", ".voc"),
}
"""What audio is called in a folder."""

MANIFEST = ".csv"
"""What a manifest is called."""

WHOLE = 15.0
"""Seconds; a file that lasts no longer is one utterance, a longer one is searched for them.

Of the 5531 utterances of IEMOCAP that the paper uses, 1.4 % last longer.
"""

LONGEST_UTTERANCE = 30.0
"""Seconds; no utterance lasts longer: Whisper hears so much at once."""

LONGEST_RECORDING = 2 * 3600.0
"""Seconds; a recording that lasts longer is refused, lest one file keeps all the rest waiting."""

SHORTEST = 0.1
"""Seconds; what is shorter is no utterance, as in a study unless its config says otherwise."""

COLUMNS = {
    "recording": str,
    "path": str,
    "start": float,
    "duration": float,
    "speaker": str,
    "dialog": str,
    "turn_start": float,
    "problem": str,
}
"""The columns of :func:`collect`'s table, and their types."""


@dataclass(frozen=True)
class Part:
    """A file, or a part of one, before it is heard.

    Attributes:
        recording: its name for the user
        path: the file, absolute
        root: the folder that ``recording`` is relative to, as the user named it
        place: the file, folder or manifest that the user named
        whole: up to how many seconds it is one utterance
        start: where the part begins, in seconds; NaN for the whole file
        end: where it ends; NaN for the whole file
        speaker: who speaks, or ``None``
        dialog: the conversation that it belongs to, or ``None``
        turn_start: when it begins there, in seconds, or NaN
        problem: why it cannot be heard, or ``None``
    """

    recording: str
    path: Path
    root: Path
    place: str
    whole: float = WHOLE
    start: float = np.nan
    end: float = np.nan
    speaker: str | None = None
    dialog: str | None = None
    turn_start: float = np.nan
    problem: Problem | None = None


def collect(
    places: Sequence[str | Path],
    *,
    longest: float = LONGEST_RECORDING,
    progress: Callable[[Iterable], Iterable] | None = None,
) -> pd.DataFrame:
    """The utterances of files, folders and manifests.

    A folder is searched with all folders in it, but for what is hidden, for files with one of :data:`ENDINGS`.
    A manifest is a CSV file as of a corpus (see :class:`emofuse.corpora.manifest.Manifest`) of which only the column
    `path` is required; `start` and `end`, `speaker`, `dialog` and `turn_start` are read too, any other is not.

    A row of a manifest is an utterance, as is a file of up to :data:`WHOLE` seconds.
    In a longer file, or in a row of a manifest that lasts more than :data:`LONGEST_UTTERANCE`, voice activity says
    where the utterances are; unless the manifest names their dialog, the recording is the dialog.
    Audio that is named twice is listed once, where it is named first.

    Args:
        places: paths of files, folders and manifests
        longest: the most that a recording may last, in seconds
        progress: is given the recordings, and passes them on as they are awaited, as ``tqdm`` does

    Returns:
        a row per utterance, or per recording that holds none, in the order of the places; those of a folder by path,
        those of a recording by time; with the columns

        - ``recording``: the path of a file as it was given, or within its folder or manifest's folder;
          where that is the path of two files, the folder comes before it
        - ``path``: the audio file, absolute
        - ``start``, ``duration``: in seconds, within the file; NaN where it cannot be read
        - ``speaker``, ``dialog``: missing where unknown
        - ``turn_start``: when it begins in the dialog, in seconds; NaN where there is none
        - ``problem``: why it cannot be used; missing where it can
    """
    return heard(_unambiguous(_once(part for place in places for part in _parts(str(Path(place))))), longest, progress)


def heard(
    parts: Sequence[Part],
    longest: float = LONGEST_RECORDING,
    progress: Callable[[Iterable], Iterable] | None = None,
) -> pd.DataFrame:
    """The utterances of parts of files, in the order of the parts; arguments and result as of :func:`collect`."""
    rows: list[dict[str, Any]] = []
    # Each recording is heard on one core: after each of the network's many small steps, more cores would wait.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        awaited: Iterable[Future] = [pool.submit(_utterances, part, longest) for part in parts]
        for future in progress(awaited) if progress else awaited:
            rows += future.result()
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


# --- From places to files --------------------------------------------------------------------------------------------


def _parts(place: str) -> list[Part]:
    """What a place holds, in order."""
    path = Path(place)
    if path.is_dir():
        return _of_folder(path, place)
    if path.suffix.lower() == MANIFEST and path.is_file():
        return _of_manifest(path, place)
    return [_part(place, Path(), place)]


def _part(name: str, root: Path, place: str, **values: Any) -> Part:
    path = (root / name).absolute()  # links stay: where equal files are stored once, each has its own name
    if str(path) != _text(str(path)):
        values.setdefault("problem", "has a path that is not UTF-8; should be renamed")
    return Part(name, path, root, place, **values)


def _of_folder(folder: Path, place: str) -> list[Part]:
    closed: list[Part] = []

    def note(error: OSError) -> None:
        problem: Problem = f"cannot be read ({error.strerror})"
        closed.append(_part(os.path.relpath(error.filename, folder), folder, place, problem=problem))

    names: list[str] = []
    for inner, folders, files in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        where = Path(inner).relative_to(folder)
        names += [
            str(where / name) for name in files if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS
        ]
    if not names and not closed:
        problem: Problem = "holds no audio; should hold files such as .wav, .flac, .ogg or .mp3"
        return [_part(place, Path(), place, problem=problem)]
    return [_part(name, folder, place) for name in sorted(names)] + closed


def _of_manifest(manifest: Path, place: str) -> list[Part]:
    try:
        rows, problems = read_rows(
            manifest,
            {},
            required=("path",),
            only=("path", "start", "end", "speaker", "dialog", "turn_start"),
        )
    except InputError as error:
        rows, problems = [], error.problems
    if not rows and not problems:
        problems = [f"{manifest}: holds no recording; should have a row for each"]
    parts = [_part(place, Path(), place, problem=problem) for problem in problems]
    for source, record, faults in rows:
        if not record.get("path"):
            parts.append(_part(place, Path(), place, problem=f"{source}: {'; '.join(faults)}"))
        elif faults:
            parts.append(_part(record["path"], manifest.parent, place, problem=f"{source}: {'; '.join(faults)}"))
        else:
            values = {name: float(record[name] or "nan") for name in ("start", "end")}
            values |= {name: record[name] or None for name in ("speaker", "dialog")}
            values |= {"turn_start": turn_start(record), "whole": LONGEST_UTTERANCE}
            parts.append(_part(record["path"], manifest.parent, place, **values))
    return parts


def _once(parts: Iterable[Part]) -> list[Part]:
    """The first of those that are the same audio; what has a problem stays."""
    first: dict[tuple[str, ...], Part] = {}
    for part in parts:
        # NaN is unequal to itself, but not its text.
        first.setdefault((str(part.path), str(part.start), str(part.end), str(part.problem)), part)
    return list(first.values())


def _unambiguous(parts: Sequence[Part]) -> list[Part]:
    """Longer names for recordings, and for dialogs of several manifests, that would share one."""
    recordings = _shared((part.recording, str(part.path)) for part in parts)
    dialogs = _shared((part.dialog, part.place) for part in parts if part.dialog)
    return [
        replace(
            part,
            recording=str(part.root / part.recording) if part.recording in recordings else part.recording,
            dialog=f"{part.place}: {part.dialog}" if part.dialog in dialogs else part.dialog,
        )
        for part in parts
    ]


def _shared(named: Iterable[tuple[str | None, str]]) -> set[str | None]:
    """The names that several have.

    >>> _shared([("a", "x"), ("b", "x"), ("a", "y"), ("b", "x")])
    {'a'}
    """
    owner: dict[str | None, str] = {}
    return {name for name, who in named if owner.setdefault(name, who) != who}


# --- From files to utterances ----------------------------------------------------------------------------------------


def _utterances(part: Part, longest: float) -> list[dict[str, Any]]:
    """The rows of a part."""
    if part.problem is not None:
        return [_row(part, problem=part.problem)]
    try:
        length = audio.duration(part.path)
        start, end = (0.0, length) if np.isnan(part.start) else (part.start, part.end)
        duration = end - start
        if duration > longest:
            problem: Problem = f"lasts {duration:.0f} s; should last at most {longest:.0f} s"
            return [_row(part, start, duration, problem=problem)]
        if duration <= part.whole:
            _, reason = audio.check(part.path, part.start, part.end, min_duration=SHORTEST)
            return [_row(part, start, duration, problem=reason)]
        heard = activity.listen(_finite(audio.blocks(part.path, part.start, part.end)))
    except ValueError as error:
        right: Problem = "; should be converted to WAV or FLAC" if part.path.suffix.lower() in FOREIGN else ""
        return [_row(part, problem=f"{error}{right}")]
    except OSError as error:
        return [_row(part, problem=f"cannot be read ({error.strerror})")]
    # In a dialog that the manifest names, time goes on from where the part begins; else the recording is the dialog.
    began = start if part.dialog is None else part.turn_start
    rows = []
    for first, last in activity.utterances(heard, LONGEST_UTTERANCE):
        last = min(last, duration)  # where it was resampled, rounding may add a sample
        turn = {"dialog": part.dialog or part.recording, "turn_start": began + first}
        rows.append(_row(part, start + first, last - first, **turn))
    return rows or [_row(part, start, duration, problem="holds no speech")]


def _finite(blocks: Iterable[audio.Samples]) -> Iterator[audio.Samples]:
    """The same blocks, or a ValueError at the first one that holds what is no sound."""
    for block in blocks:
        if bad := np.count_nonzero(~np.isfinite(block)):
            raise ValueError(f"{bad} of {len(block)} samples are NaN or infinite")
        yield block


def _row(part: Part, start: float = np.nan, duration: float = np.nan, **values: Any) -> dict[str, Any]:
    row = {
        "recording": part.recording,
        "path": str(part.path),
        "start": start,
        "duration": duration,
        "speaker": part.speaker,
        "dialog": part.dialog,
        "turn_start": part.turn_start,
        "problem": None,
    } | values
    return {name: _text(value) if isinstance(value, str) else value for name, value in row.items()}


def _text(text: str) -> str:
    """A text as far as it can be written down: the name of a file may hold any bytes."""
    return text.encode(errors="replace").decode()
