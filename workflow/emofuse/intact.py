"""What a job wrote, so that a result which was damaged or edited since is noticed, and made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from emofuse import provenance, tables
from emofuse.tables import InputError, Problem


class File(NamedTuple):
    """A file as it was written.

    Args:
        size: in bytes
        modified: the time of its last change, in ns; while that and the size stay, the file counts as the same
        sha256: of its content, in hexadecimal
        is_output: whether Snakemake knows of it, and misses it itself where it is gone
    """

    size: int
    modified: int
    sha256: str
    is_output: bool

    @classmethod
    def at(cls, path: Path, is_output: bool) -> File:
        """A file as it is now."""
        return cls(*_state(path), provenance.sha256(path), is_output)


Files = dict[str, File]
"""Files by their paths."""


def record(outputs: Iterable[str | Path], folder: str | Path | None = None) -> dict[str, Any]:
    """What a job wrote, as JSON holds it: of each file, by its path, the fields of :class:`File`.

    Args:
        outputs: the files that Snakemake knows of
        folder: that all of which the job wrote, where there is such a one
    """
    known = dict.fromkeys(map(Path, outputs), True)
    beside = sorted(Path(folder).rglob("*")) if folder else []
    files = dict.fromkeys(filter(Path.is_file, beside), False) | known
    return _as_json({str(path): File.at(path, is_output) for path, is_output in files.items()})


def damaged(records: Iterable[Path]) -> Iterator[tuple[Problem, list[str]]]:
    """What is no longer as a job wrote it; a file that was copied or touched is.

    Args:
        records: files of JSON with a key ``written``, as :func:`record` gives it; one that cannot be read says nothing.
            It takes over the new time of a file that was copied or touched, so that it is read once

    Yields:
        per such job what there is to say, and those of its outputs that are there
    """
    for path in records:
        content, before = _read(path)
        now = {name: found for name, file in before.items() if (found := _now(Path(name), file))}
        problems = [
            f"{name}: not as it was written; is made anew" for name in now if now[name].sha256 != before[name].sha256
        ]
        problems += [f"{name}: gone; is made anew" for name in before.keys() - now if not before[name].is_output]
        outputs = [name for name, file in now.items() if file.is_output]
        if problems and outputs:
            yield "\n".join(sorted(problems)), outputs
        elif now.keys() == before.keys() and now != before:
            with suppress(OSError):  # a study of somebody else may be looked at
                tables.write_json(content | {"written": _as_json(now)}, path)


def _read(record: Path) -> tuple[dict[str, Any], Files]:
    with suppress(InputError, KeyError, TypeError, AttributeError):
        content = tables.read_json(record)
        return content, {name: File(**file) for name, file in content["written"].items()}
    return {}, {}


def _as_json(files: Files) -> dict[str, dict[str, Any]]:
    return {name: file._asdict() for name, file in files.items()}


def _now(path: Path, before: File) -> File | None:
    with suppress(OSError):
        return before if _state(path) == before[:2] else File.at(path, before.is_output)
    return None


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
