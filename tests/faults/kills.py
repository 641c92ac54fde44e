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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

import psutil
from faults import damage
from faults.finished import MADE, Finished
from faults.outcomes import Outcomes

FEW = 10
"""Jobs that run after some job, at most."""


def _without(*patterns: str) -> Callable[[Finished, random.Random], None]:
    return lambda study, choice: study.delete(*patterns)


def _some_job(study: Finished, choice: random.Random) -> None:
    jobs, last = sorted(set(study.jobs.values())), study.jobs[f"results/{study.name}/tracking.json"]
    choice.shuffle(jobs)
    # Jobs of other studies may have run here.
    some = next(job for job in jobs if last in (after := study.after(job)) and len(after) <= FEW)
    study.delete(*some.written)


BEGINNINGS: dict[str, Callable[[Finished, random.Random], None]] = {
    "no results of some job": _some_job,
    "no methods": _without("results/*/*/fusion", "results/*/*/figures"),
    "every result damaged": damage.everything,
    "no leaderboard": _without("results/*/*/leaderboard.md", "results/*/report.html"),
    "no database": _without("results/mlflow.db", "results/mlartifacts", "results/*/tracking.json"),
    "no runs": _without("results/*/tracking.json"),
    "nothing": _without(*MADE),
}
"""What a chain of kills begins with, and how that comes about."""

SOON_MADE_GOOD = ("no results of some job", "no database", "no leaderboard", "no runs")
"""The beginnings after which not even a large study takes long."""

WAIT = 120
"""Seconds after which a run that was told to end counts as hanging."""

SINCE_START, SINCE_JOB = "the start", "a job's start"

MOMENTS = ((SINCE_START, 3.0), (SINCE_JOB, 1.0), (SINCE_JOB, 5.0))
"""Since when the moment of a kill is counted, and the latest, in seconds; drawn evenly among the three."""

JOBS = 2
"""Jobs that are killed in a run before it is killed itself, unless that is before any job; they are tried again."""


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
        if jobs := [job for job in psutil.Process(run.pid).children() if job.status() != psutil.STATUS_ZOMBIE]:
            return jobs
        time.sleep(0.1)
    return []


WHOM: dict[str, Callable[[subprocess.Popen[str], int, random.Random], None]] = {
    "the group": _to_group,
    "the parent": _to_parent,
    "a job": _to_job,
}
"""Who gets a signal, and how."""

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def draw(choice: random.Random) -> Iterator[list[Kill]]:
    """The kills of a run, of every kind in turn, each at a random moment."""

    def kinds(*whom: str) -> Iterator[tuple[str, signal.Signals]]:
        every = list(itertools.product(whom, SIGNALS))
        while True:
            choice.shuffle(every)
            yield from every

    def kill(kind: tuple[str, signal.Signals], moments: Sequence[tuple[str, float]]) -> Kill:
        since, latest = choice.choice(moments)
        return Kill(*kind, since, choice.uniform(0, latest))

    of_jobs, of_runs = kinds("a job"), kinds("the group", "the parent")
    while True:
        last = kill(next(of_runs), MOMENTS)
        before = [kill(next(of_jobs), MOMENTS[1:]) for _ in range(JOBS)] if last.since == SINCE_JOB else []
        yield [*before, last]


def chain(
    study: Finished,
    beginning: str,
    kills: Iterable[Sequence[Kill]],
    choice: random.Random,
    outcomes: Outcomes,
    of_all: list[Kill],
) -> None:
    """Break something, then kill and resume until a run ends by itself.

    Args:
        study: is broken, and restored if that fails
        beginning: a key of ``BEGINNINGS``
        kills: of each run, as many runs as it may need
        choice: draws jobs and damages
        outcomes: where what came of them is noted
        of_all: where the kills are noted as they strike, beside those of other chains
    """
    BEGINNINGS[beginning](study, choice)
    struck: list[Kill] = []
    orphans: list[psutil.Process] = []
    problems: list[str] = []
    done = None
    for of_run in kills:
        run = _killed(study, of_run, choice)
        orphans += run.orphans
        struck += run.struck
        of_all += run.struck
        outcomes.struck.update(run.rules)
        if run.status is None and not run.deaf:
            problems.append(f"does not end within {WAIT} s:\n{run.said[-2000:]}")
        elif run.status and all(kill.whom == "a job" for kill in run.struck) and not study.obey(run.said):
            problems.append(f"fails, and says no file to delete:\n{run.said[-2000:]}")
        elif run.status == 0:
            done = subprocess.CompletedProcess([], 0, run.said)
        if problems or done:
            break
        study.unlock()
    psutil.wait_procs(orphans, timeout=WAIT)
    problems = problems or study.differences(done or study.resume())
    outcomes.add(*(f"{kill.number.name} to {kill.whom}" for kill in struck), lost=bool(problems))
    outcomes.say(f"{study.name}, {beginning}: {', '.join(map(str, struck))}", problems)
    if problems:
        study.restore()


class _Run(NamedTuple):
    """A run that was to be killed: signals that it got, rules that ran then, its exit status if any, its jobs."""

    struck: list[Kill]
    rules: list[str]
    status: int | None
    said: str
    orphans: list[psutil.Process]

    @property
    def deaf(self) -> bool:
        """Whether Snakemake got a SIGTERM, after which it may wait for ever.

        Its handler takes a lock that is not reentrant, and that the interrupted code may hold (9.27). Whoever asked it
        to end will kill it then, as clusters do.
        """
        return bool(self.struck) and self.struck[-1].number == signal.SIGTERM and self.struck[-1].whom != "a job"


def _killed(study: Finished, kills: Sequence[Kill], choice: random.Random) -> _Run:
    """Run, send signals unless the run ends before, and wait for the end of what was run; its jobs may live on."""
    struck: list[Kill] = []
    rules: list[str] = []
    jobs: set[psutil.Process] = set()
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as any job lives
        run = study.project.start(*study.arguments, "--retries", str(JOBS), popen={"stdout": output})
        for kill in kills:
            with suppress(subprocess.TimeoutExpired, psutil.NoSuchProcess):
                if kill.since == SINCE_JOB:
                    _jobs(run)
                run.wait(kill.after)
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                jobs.update(psutil.Process(run.pid).children(recursive=True))
                if run.poll() is None:
                    WHOM[kill.whom](run, kill.number, choice)
                    if run.returncode is None:
                        struck.append(kill)
                        rules += _running(_said(output))
        with suppress(subprocess.TimeoutExpired):
            run.wait(WAIT)
        status = run.returncode
        if status is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        return _Run(struck, rules, status, _said(output), list(jobs))


def _said(output: IO[bytes]) -> str:
    """What was written, read without moving the place at which jobs write on."""
    return os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0).decode(errors="replace")


def _running(said: str) -> list[str]:
    """The rules of the jobs that have begun and not ended, by what Snakemake has said."""
    ended = set(re.findall(r"^Finished jobid: (\d+)", said, re.MULTILINE))
    begun = re.findall(r"^Job (\d+): (\w+)", said, re.MULTILINE)
    return [rule for job, rule in begun if job not in ended] or ["none"]
