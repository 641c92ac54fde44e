"""Writing fails for want of room: is that said, is nothing half written, and does the run go on once there is room?"""

from __future__ import annotations

import os
import re
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from faults.finished import MADE, Finished, tree
from faults.outcomes import Outcomes

KIB = 1024

LARGEST_FILES = (2 * KIB, 16 * KIB, 128 * KIB, 512 * KIB)
"""Bytes that a file may have, from one run to the next."""

DISKS = (256 * KIB, 1024 * KIB, 3072 * KIB)
"""Bytes that all results may have, from one run to the next."""

ROOM = 1024**3

SAID = re.compile("File too large|No space left|disk is full|disk I/O error")
"""What the system, or sqlite, says of a write that fails."""


def limited(study: Finished, outcomes: Outcomes) -> None:
    """From nothing, with a limit on the size of each file that is raised from run to run."""
    study.delete(*MADE)
    problems: list[str] = []
    for size in LARGEST_FILES:
        problems += fails(study, f"files of {size // KIB} KiB at most", outcomes, limit(size))
    _ends(study, "files of any size again", outcomes, problems)


def full(study: Finished, outcomes: Outcomes) -> None:
    """From nothing, on a disk that is enlarged from run to run; where none may be mounted, that is said."""
    study.delete(*MADE)
    problems: list[str] = []
    with _disk(study, DISKS[0]) as mounted:
        if not mounted:
            print(f"{study.name}: no full disk, since no tmpfs may be mounted here", flush=True)
        for size in DISKS if mounted else ():
            _mount(study, size, "remount,")
            problems += fails(study, f"a disk of {size // KIB} KiB", outcomes)
        if mounted:
            _mount(study, ROOM, "remount,")
            _ends(study, "a disk with room again", outcomes, problems)
    study.restore()


def limit(size: int) -> dict[str, Any]:
    """What lets a process and its children write no file of more bytes."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}


def fails(study: Finished, title: str, outcomes: Outcomes, popen: Mapping[str, Any] | None = None) -> list[str]:
    """Run without room; all in which that is no failure as it should be.

    Args:
        study: lacks results
        title: what is tried
        outcomes: where it is noted
        popen: how processes start, if that is what leaves no room
    """
    done = study.project.snakemake(*study.arguments, popen=popen)
    problems = [] if done.returncode else ["a run ends well for which there is no room"]
    if not SAID.search(done.stdout):
        problems.append(f"the failure is not said:\n{done.stdout[-2000:]}")
    now = tree(study.results)
    problems += [f"{name} is not whole" for name in now if now[name] != study.tree.get(name)]
    outcomes.add(title, lost=bool(problems))
    outcomes.say(f"{study.name}, {title}", problems)
    return problems


def _ends(study: Finished, title: str, outcomes: Outcomes, before: list[str]) -> None:
    """Run with room; the study is restored if that does not make it whole."""
    problems = study.end()
    outcomes.add(title, lost=bool(problems))
    outcomes.say(f"{study.name}, {title}", problems)
    if problems or before:
        study.restore()


@contextmanager
def _disk(study: Finished, size: int) -> Iterator[bool]:
    """Results on a disk of their own, if one may be mounted."""
    study.results.mkdir()
    mounted = os.geteuid() == 0 and _mount(study, size)
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", study.results], check=True)


def _mount(study: Finished, size: int, how: str = "") -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"{how}size={size}", "tmpfs", study.results]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
