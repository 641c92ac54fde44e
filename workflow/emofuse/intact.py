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
        state = path.stat()
        return cls(state.st_size, state.st_mtime_ns, provenance.sha256(path), is_output)


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


class Job(NamedTuple):
    """What a job recorded.

    Args:
        record: where
        content: all of it
        read: the results of other jobs that it read
        written: the files that it wrote
    """

    record: Path
    content: dict[str, Any]
    read: list[str]
    written: Files


def damaged(records: Iterable[Path], targets: Iterable[str]) -> Iterator[tuple[Problem, list[str]]]:
    """What a study needs that is no longer as jobs have left it.

    A file counts as damaged if it is gone or its content is another. Content is read only where time or size are
    others, and these are recorded anew where it is the same. Snakemake makes anew only what is asked for, so that of
    what is gone the jobs run again that have read it.

    Args:
        records: of the jobs, JSON with :func:`record`; others are passed over
        targets: the files that the study makes; of the records those count that these were made from, since an
            experiment, a fold or a shard may be left from an earlier config

    Yields:
        what there is to say of a file, and the outputs whose jobs have to run again
    """
    jobs = list(_needed([job for path in records if (job := _read(path))], targets))
    now = {name: _now(Path(name), file) for job in jobs for name, file in job.written.items()}
    there = {name for name, file in now.items() if file}
    there |= {name for name in {name for job in jobs for name in job.read} - now.keys() if _state(Path(name))}
    for job in jobs:
        outputs = [name for name, file in job.written.items() if file.is_output and name in there]
        gone = [name for name in dict.fromkeys([*job.read, *job.written]) if name not in there]
        found = {name: file for name in job.written if (file := now[name])}
        other = [name for name, file in found.items() if file.sha256 != job.written[name].sha256]
        if outputs:
            yield from ((f"{name}: gone; is made anew", outputs) for name in gone)
            yield from ((f"{name}: not as it was written; is made anew", outputs) for name in other)
        if found.keys() == job.written.keys() and found != job.written and not other:
            with suppress(OSError):  # a study of somebody else may be looked at
                tables.write_json(job.content | {"written": _as_json(found)}, job.record)


def _read(record: Path) -> Job | None:
    with suppress(InputError, KeyError, TypeError, AttributeError):
        content = tables.read_json(record)
        written = {name: File(**file) for name, file in content["written"].items()}
        return Job(record, content, content.get("read", []), written)
    return None


def _needed(jobs: list[Job], targets: Iterable[str]) -> Iterator[Job]:
    """The jobs that have made the targets, or what these were made from, each once."""
    makers = {name: job for job in jobs for name in job.written}
    asked, done = [*targets], set[Path]()
    while asked:
        job = makers.get(asked.pop())
        if job and job.record not in done:
            done.add(job.record)
            asked += job.read
            yield job


def _as_json(files: Files) -> dict[str, dict[str, Any]]:
    return {name: file._asdict() for name, file in files.items()}


def _now(path: Path, before: File) -> File | None:
    with suppress(OSError):
        return before if _state(path) == before[:2] else File.at(path, before.is_output)
    return None


def _state(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        state = path.stat()
        return state.st_size, state.st_mtime_ns
    return None
