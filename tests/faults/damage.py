"""Files are damaged between two runs: does the next one notice, and does it, or what it says, bring all back?"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from faults.finished import Finished
from faults.outcomes import Outcomes

GARBLED = 16
"""Bytes in the middle of a garbled file."""


def _empty(path: Path, choice: random.Random) -> None:
    path.write_bytes(b"")


def _halve(path: Path, choice: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _garble(path: Path, choice: random.Random) -> None:
    content = bytearray(path.read_bytes())
    middle = max(0, len(content) // 2 - GARBLED // 2)
    for place in range(middle, min(middle + GARBLED, len(content))):
        content[place] ^= choice.randrange(1, 256)
    path.write_bytes(content)


def _delete(path: Path, choice: random.Random) -> None:
    path.unlink()


KINDS: dict[str, Callable[[Path, random.Random], None]] = {
    "emptied": _empty,
    "cut in half": _halve,
    "garbled": _garble,
    "deleted": _delete,
}

RESULTS = "results"
"""What files that jobs write are called."""

DATABASE = "MLflow's database"

KEPT = {"cache": "cache", "logs": "records", "mlflow.db": DATABASE}
"""What is damaged besides results, by its place in ``results``, and what it is called."""

Damages = list[tuple[str, str]]
"""A file and a key of ``KINDS`` each."""


def everything(study: Finished, choice: random.Random) -> None:
    """Damage every result, each in some way."""
    for name in study.tree:
        _damage(study.project.folder / name, choice.choice(list(KINDS)), choice)


def passes(study: Finished, choice: random.Random) -> Iterator[tuple[str, Damages]]:
    """All results with each kind of damage, in passes of one kind; then what is kept besides, a pass of each sort.

    Of that each file is damaged in one way, which is drawn, since each pass is a run. A result that is damaged is
    named. One that is deleted would be made anew along with one that it is made from, seen or not: so there are passes
    of those of which none is made from another.

    Args:
        study: whose files
        choice: draws orders and kinds

    Yields:
        what the files are called, and the files with their damages
    """
    turns: list[tuple[str, Damages]] = []
    for kind in KINDS:
        stages = _stages(study) if kind == "deleted" else [list(study.tree)]
        turns += [(RESULTS, [(name, kind) for name in files]) for files in stages]
    choice.shuffle(turns)
    yield from turns
    for place, title in KEPT.items():
        yield title, [(name, choice.choice(list(KINDS))) for name in _kept(study, place)]


def _stages(study: Finished) -> Iterator[list[str]]:
    """The results by how many jobs stand before them."""
    depths = {name: _depth(study, name) for name in study.tree}
    for _, names in groupby(sorted(depths, key=depths.__getitem__), depths.__getitem__):
        yield list(names)


def _depth(study: Finished, name: str) -> int:
    """The jobs before a file."""
    return 1 + max((_depth(study, other) for other in study.jobs[name].read), default=0)


def _kept(study: Finished, place: str) -> list[str]:
    top = study.results / place
    paths = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.suffix not in ("", ".log"))
    return [path.relative_to(study.project.folder).as_posix() for path in paths]


def noticed(study: Finished, title: str, damages: Damages, choice: random.Random, outcomes: Outcomes) -> None:
    """Damage results: does a dry run name each, and would the next run make it anew? Then the study is restored."""
    done_to = [(name, kind) for name, kind in damages if _damage(study.project.folder / name, kind, choice)]
    said = study.project.snakemake("--dry-run").stdout
    missing = re.findall("^Reason: Missing output files: (.*)", said, re.MULTILINE)
    runs_again = study.incomplete() | {name for names in missing for name in re.split("[,;] ", names)}
    for name, kind in done_to:
        problems = [f"{name} {kind} is not named"] if _silent(name, kind, said) else []
        problems += [f"{name} {kind} would stay"] if runs_again.isdisjoint(study.jobs[name].written) else []
        outcomes.add(f"{title} {kind}", lost=bool(problems))
        outcomes.say(study.name, problems)
    study.restore()


def damaged(study: Finished, title: str, damages: Damages, choice: random.Random, outcomes: Outcomes) -> None:
    """Damage files, run again as a user would, and restore the study if that does not make it whole.

    Of a damaged result the run has to say so, since another one of the same job would bring it back as well.
    """
    done_to = [(name, kind) for name, kind in damages if _damage(study.project.folder / name, kind, choice)]
    if title == DATABASE:
        study.delete("results/*/tracking.json")  # it is looked at when runs are written
    done = study.resume()
    problems = study.differences(done)
    if title == RESULTS:
        silent = [name for name, kind in done_to if _silent(name, kind, done.stdout)]
        problems += [f"{name} is made anew in silence" for name in silent]
    named = {name for name, _ in done_to if any(name in problem for problem in problems)}
    for name, kind in done_to:
        outcomes.add(f"{title} {kind}", lost=bool(problems) and (not named or name in named))
    outcomes.say(f"{study.name}: {', '.join(f'{name} {kind}' for name, kind in done_to)}", problems)
    if problems or title != RESULTS:
        study.restore()


def _damage(path: Path, kind: str, choice: random.Random) -> bool:
    """Whether that has changed the file: not one that was empty, nor one that only an earlier run has kept."""
    if not path.exists():
        return False
    before = path.read_bytes()
    KINDS[kind](path, choice)
    return not path.exists() or path.read_bytes() != before


def _silent(name: str, kind: str, said: str) -> bool:
    """Whether nothing was said of a damage; that a file is gone may be seen by Snakemake alone."""
    return kind != "deleted" and f"{name}: not as it was written; is made anew" not in said
