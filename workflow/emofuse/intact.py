"""What a job wrote, so that a result which was damaged or edited since is noticed, and made anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from emofuse import tables
from emofuse.tables import InputError, Problem


class File(NamedTuple):
    """A file as it was written.

    Args:
        size: in bytes
        modified: the time of its last change, in ns; while that and the size stay, the file counts as the same
        sha256: of its content, in hexadecimal
    """

    size: int
    modified: int
    sha256: str

    @classmethod
    def at(cls, path: Path) -> File:
        """A file as it is now."""
        with path.open("rb") as file:
            return cls(*_state(path), hashlib.file_digest(file, "sha256").hexdigest())


def record(outputs: Iterable[str | Path], folder: str | Path | None = None) -> dict[str, Any]:
    """What a job wrote.

    Args:
        outputs: the files that Snakemake knows of, and misses itself where they are gone
        folder: that all of which the job wrote, where there is such a one

    Returns:
        ``outputs`` and ``beside``, what else is in the folder: of each file, by its path, the fields of :class:`File`
    """
    known = dict.fromkeys(map(Path, outputs))
    beside = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()] if folder else []
    groups = {"outputs": known, "beside": [path for path in beside if path not in known]}
    return {group: {str(path): File.at(path)._asdict() for path in paths} for group, paths in groups.items()}


def damaged(records: Iterable[Path]) -> Iterator[tuple[Problem, list[str]]]:
    """What is no longer as a job wrote it; a file that was copied or touched is.

    Args:
        records: files of JSON with a key ``written``, as :func:`record` gives it; one that cannot be read says nothing.
            It takes over the new time of a file that was copied or touched, so that it is read once

    Yields:
        per such job what there is to say, and those of its outputs that are there
    """
    for path in records:
        with suppress(InputError, KeyError, TypeError, AttributeError):
            content = tables.read_json(path)
            files = {
                group: {name: File(**file) for name, file in content["written"][group].items()} for group in GROUPS
            }
            now = {group: {name: _now(Path(name), file) for name, file in files[group].items()} for group in GROUPS}
            there = [name for name, file in now["outputs"].items() if file]
            problems = [
                f"{name}: {'not as it was written' if file else 'gone'}; is made anew"
                for group in GROUPS
                for name, file in now[group].items()
                if (file.sha256 != files[group][name].sha256 if file else group == "beside")
            ]
            if problems and there:
                yield "\n".join(problems), there
            elif now != files and len(there) == len(files["outputs"]):
                with suppress(OSError):  # a study of somebody else may be looked at
                    same = {group: {name: file._asdict() for name, file in now[group].items()} for group in GROUPS}
                    tables.write_json(content | {"written": same}, path)


GROUPS = ("outputs", "beside")


def _now(path: Path, file: File) -> File | None:
    try:
        return file if _state(path) == file[:2] else File.at(path)
    except OSError:
        return None


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
