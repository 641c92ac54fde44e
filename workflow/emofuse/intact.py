"""What a job wrote, so that a result which was damaged or edited since is noticed, and made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from emofuse import provenance, tables
from emofuse.places import RESULTS
from emofuse.tables import InputError, Problem


class File(NamedTuple):
    """A file as it was written.

    Args:
        size: in bytes
        modified: the time of its last change, in ns; while that and the size stay, the file counts as the same
        sha256: of its content, in hexadecimal
        is_output: whether Snakemake knows of it
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


def record(
    inputs: Iterable[str | Path], outputs: Iterable[str | Path], beside: str | Path | None = None
) -> dict[str, Any]:
    """What a job read and wrote, as JSON holds it.

    Args:
        inputs: the files that it read
        outputs: the files that it wrote and Snakemake knows of
        beside: the file, or the folder with all its files, that it wrote besides, where there is such a one

    Returns:
        ``read``, the paths of the results of other jobs, and ``written``, by its path, the fields of :class:`File`
    """
    read = [str(path) for path in map(Path, inputs) if path.is_relative_to(RESULTS)]
    known = dict.fromkeys(map(Path, outputs), True)
    others = [Path(beside), *sorted(Path(beside).rglob("*"))] if beside else []
    files = dict.fromkeys(filter(Path.is_file, others), False) | known
    written = {str(path): File.at(path, is_output) for path, is_output in files.items()}
    return {"read": read, "written": _as_json(written)}


def damaged(records: Iterable[Path]) -> Iterator[tuple[Problem, list[str]]]:
    """What is no longer as jobs have left it.

    A file counts as damaged if it is gone or its content is another. Content is read only where time or size are
    others, and these are recorded anew where it is the same. Of what is gone Snakemake notices by itself only what is
    asked for: what made it, or else what reads it, has to run again.

    Args:
        records: of the jobs, JSON with :func:`record`; others are passed over

    Yields:
        what there is to say of a file, and the outputs whose jobs have to run again
    """
    for path in records:
        content, before = _read(path)
        now = {name: found for name, file in before.items() if (found := _now(Path(name), file))}
        outputs = [name for name, file in now.items() if file.is_output]
        gone = [name for name in [*content["read"], *before] if name not in now and not Path(name).exists()]
        other = [name for name in now if now[name].sha256 != before[name].sha256]
        if outputs:
            yield from ((f"{name}: gone; is made anew", outputs) for name in gone)
            yield from ((f"{name}: not as it was written; is made anew", outputs) for name in other)
        if now != before and not gone and not other:
            with suppress(OSError):  # a study of somebody else may be looked at
                tables.write_json(content | {"written": _as_json(now)}, path)


def _read(record: Path) -> tuple[dict[str, Any], Files]:
    with suppress(InputError, KeyError, TypeError, AttributeError):
        content = tables.read_json(record)
        return {"read": []} | content, {name: File(**file) for name, file in content["written"].items()}
    return {"read": []}, {}


def _as_json(files: Files) -> dict[str, dict[str, Any]]:
    return {name: file._asdict() for name, file in files.items()}


def _now(path: Path, before: File) -> File | None:
    with suppress(OSError):
        return before if _state(path) == before[:2] else File.at(path, before.is_output)
    return None


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
