"""A run is killed at random moments, resumed and killed again until it ends: is its tree that of an undisturbed run?"""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import IO, NamedTuple

import psutil
from faults import damage
from faults.finished import MADE, Finished
from faults.outcomes import Outcomes


def _without(*patterns: str) -> Callable[[Finished, random.Random], None]:
    return lambda study, choice: study.delete(*patterns)


BEGINNINGS: dict[str, Callable[[Finished, random.Random], None]] = {
    "no methods": _without("results/*/*/fusion", "results/*/*/figures"),
    "no leaderboard": _without("results/*/*/leaderboard.md", "results/*/report.html"),
    "no database": _without("results/mlflow.db", "results/mlartifacts", "results/*/tracking.json"),
    "no runs": _without("results/*/tracking.json"),
    "every result damaged": damage.everything,
    "nothing": _without(*MADE),
}
"""What a chain of kills begins with, and how that comes about."""

WAIT = 300
"""Seconds after which a run that was told to end counts as hanging."""

SINCE_START, SINCE_FIRST_JOB = "the start", "the first job"

MOMENTS = ((SINCE_START, 3.0), (SINCE_FIRST_JOB, 1.0), (SINCE_FIRST_JOB, 5.0))
"""Since when the moment of a kill is counted, and the latest, in seconds; drawn evenly among the three."""


class Kill(NamedTuple):
    """A signal to a run.

    Args:
        whom: a key of ``WHOM``
        number: the signal
        since: one of ``MOMENTS``
        after: how many seconds
    """

    whom: str
    number: signal.Signals
    since: str
    after: float

    def __str__(self) -> str:
        return f"{self.number.name} to {self.whom} {self.after:.1f} s after {self.since}"


def _to_group(run: subprocess.Popen[str], number: int, choice: random.Random) -> None:
    os.killpg(run.pid, number)


def _to_parent(run: subprocess.Popen[str], number: int, choice: random.Random) -> None:
    run.send_signal(number)


def _to_job(run: subprocess.Popen[str], number: int, choice: random.Random) -> None:
    if jobs := _jobs(run):
        choice.choice(jobs).send_signal(number)


def _jobs(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes of the jobs of a run, as soon as there are any; none if it ends before."""
    while run.poll() is None:
        if jobs := psutil.Process(run.pid).children():
            return jobs
        time.sleep(0.05)
    return []


WHOM: dict[str, Callable[[subprocess.Popen[str], int, random.Random], None]] = {
    "the group": _to_group,
    "the parent": _to_parent,
    "a job": _to_job,
}
"""Who gets a signal, and how."""

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def draw(choice: random.Random) -> Iterator[Kill]:
    """Kills of every kind in turn, each at a random moment."""
    while True:
        kinds = list(itertools.product(WHOM, SIGNALS))
        choice.shuffle(kinds)
        for whom, number in kinds:
            since, latest = choice.choice(MOMENTS)
            yield Kill(whom, number, since, choice.uniform(0, latest))


def chain(study: Finished, beginning: str, kills: Iterable[Kill], choice: random.Random, outcomes: Outcomes) -> int:
    """Break something, then kill and resume until a run ends by itself.

    Args:
        study: is broken, and restored if that fails
        beginning: a key of ``BEGINNINGS``
        kills: as many as it may need
        choice: draws jobs and damages
        outcomes: where they are noted

    Returns:
        how many kills there were
    """
    BEGINNINGS[beginning](study, choice)
    struck: list[Kill] = []
    orphans: list[psutil.Process] = []
    problems: list[str] = []
    for kill in kills:
        run = _killed(study, kill, choice)
        orphans += run.orphans
        if run.was_hit:
            struck.append(kill)
            outcomes.struck.update(run.rules)
        if run.status is None:
            problems.append(f"does not end within {WAIT} s:\n{run.said[-2000:]}")
        elif run.status and not run.was_hit and not study.obey(run.said):
            problems.append(f"fails, and says no file to delete:\n{run.said[-2000:]}")
        if problems or run.status == 0:
            break
        study.unlock()
    psutil.wait_procs(orphans, timeout=WAIT)
    problems = problems or study.end()
    outcomes.add(*(f"{kill.number.name} to {kill.whom}" for kill in struck), lost=bool(problems))
    outcomes.say(f"{study.name}, {beginning}: {', '.join(map(str, struck))}", problems)
    if problems:
        study.restore()
    return len(struck)


class _Run(NamedTuple):
    """A run that was to be killed: whether it was, when these rules ran; its exit status, if it ended; its jobs."""

    was_hit: bool
    rules: list[str]
    status: int | None
    said: str
    orphans: list[psutil.Process]


def _killed(study: Finished, kill: Kill, choice: random.Random) -> _Run:
    """Run, send a signal unless the run ends before, and wait for the end of what was run; its jobs may live on."""
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as any job lives
        run = study.project.start(*study.arguments, popen={"stdout": output})
        was_hit, jobs = False, []
        with suppress(subprocess.TimeoutExpired, psutil.NoSuchProcess):
            if kill.since == SINCE_FIRST_JOB:
                _jobs(run)
            run.wait(kill.after)
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            jobs = psutil.Process(run.pid).children(recursive=True)
            if run.poll() is None:
                WHOM[kill.whom](run, kill.number, choice)
                was_hit = run.returncode is None
        rules = _running(_said(output))
        with suppress(subprocess.TimeoutExpired):
            run.wait(WAIT)
        status = run.returncode
        if status is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        return _Run(was_hit, rules, status, _said(output), jobs)


def _said(output: IO[bytes]) -> str:
    """What was written, read without moving the place at which jobs write on."""
    return os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0).decode(errors="replace")


def _running(said: str) -> list[str]:
    """The rules of the jobs that have begun and not ended, by what Snakemake has said."""
    ended = set(re.findall(r"^Finished jobid: (\d+)", said, re.MULTILINE))
    begun = re.findall(r"^Job (\d+): (\w+)", said, re.MULTILINE)
    return [rule for job, rule in begun if job not in ended] or ["none"]
