"""Runs of studies are killed, run out of room and have their results damaged: what comes back, what is lost?

Killed are two small studies, of published scores and from audio, and the shipped ones with the same stages: that of the
authors' scores and the demo, wherever they have run. The small ones run out of room besides, and have files damaged.
Each runs undisturbed once. Whatever then happens, run again it has to come to the same tree, byte for byte, with each
run once in MLflow, nothing left over, and nothing left to be done. What is not compared, and why: ``NOT_COMPARED`` in
``finished.py``.
Beside them servers of MLflow that do not answer well, databases that are broken or locked, and clones that write at
once; then small faults in the library (``mutants.py``).

    python tests/faults/run.py                           # 15 minutes
    python tests/faults/run.py --kills 0                 # full disks and damaged files alone
    python tests/faults/run.py --kills 500 --minutes 90 --mutants 500  # more of all
    python tests/faults/run.py --studies demo --minutes 120  # all that is done to a small study
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import multiprocessing
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from faults import damage, disks, kills, servers
from faults.finished import Finished
from faults.outcomes import Outcomes
from helpers import ROOT
from project import Project
from studies import of_audio, of_demo, of_published_scores, of_released_scores

STUDIES: dict[str, Callable[[Path], Project]] = {
    "published": of_published_scores,
    "audio": of_audio,
    "released": of_released_scores,
    "demo": of_demo,
}

SMALL = ["published", "audio"]

SHIPPED = {"published": "released", "audio": "demo"}
"""Which shipped study has the stages of a small one."""

DISKS = {"published": (disks.full,), "audio": (disks.limited,)}
"""What keeps a study from being written; each takes as long as making it."""

KILLS = 0.6
"""The share of the time after which no kill is tried any more, lest nothing else is."""

DAMAGES = 0.93
"""The share of the time after which nothing new begins."""


def shipped(name: str, folder: Path) -> Project | None:
    """A shipped study, if it has run here as it would now: from nothing it takes too long."""
    folder.mkdir(parents=True)
    with suppress(pytest.skip.Exception):  # without its data
        if (ROOT / "results" / name / "report.html").exists():
            project = STUDIES[name](folder)
            if project.planned() <= {"track"}:  # MLflow's runs stay where they are
                return project
    return None


def broken(
    name: str,
    folder: Path,
    cores: int,
    seed: int,
    of_all: list[kills.Kill],
    number: int,
    per_chain: int,
    seconds: float,
) -> Outcomes:
    """Run a study, then break it again and again.

    Args:
        name: a key of ``STUDIES``; the shipped study with the stages of a small one is killed besides, in turn
        folder: for them
        cores: for each run
        seed: of all that is random
        of_all: the kills of this study and those beside it
        number: of kills of all
        per_chain: runs that are killed until one may end
        seconds: how long all may take

    Returns:
        what came of it
    """
    began = time.monotonic()
    outcomes, choice = Outcomes(), random.Random(seed)

    def left(share_of_time: float) -> bool:
        return time.monotonic() < began + share_of_time * seconds

    def wanted() -> bool:
        return len(of_all) < number and left(KILLS)

    def finished(project: Project) -> Finished:
        study = Finished(project, folder / project.config["study"] / "kept", cores)
        print(f"{study.name}: has run, {time.monotonic() - began:.0f} s", flush=True)
        return study

    (folder / "project").mkdir(parents=True)
    study = finished(STUDIES[name](folder / "project"))
    beginnings = {study: itertools.cycle(kills.BEGINNINGS)}
    if beside := SHIPPED.get(name):
        if project := shipped(beside, folder / "shipped"):
            beginnings = {finished(project): itertools.cycle(kills.SOON_MADE_GOOD)} | beginnings
        else:
            print(f"{beside}: has not run here as it is now, and is not killed", flush=True)
    drawn, turns = kills.draw(choice), itertools.cycle([*beginnings, study])
    while wanted():
        some = itertools.takewhile(lambda _: wanted(), itertools.islice(drawn, per_chain))
        killed = next(turns)
        beginning = next(beginnings[killed])
        kills.chain(killed, beginning, some, choice, outcomes, of_all)
        print(f"{killed.name}: {beginning}, {len(of_all)} kills of all, {time.monotonic() - began:.0f} s", flush=True)
    for attack in DISKS.get(name, (disks.limited, disks.full)):
        attack(study, outcomes)
        print(f"{name}: {attack.__name__}", flush=True)
    passes = list(damage.passes(study, choice))
    for tried, (title, damages) in enumerate(passes):
        if not left(DAMAGES):
            print(f"{name}: no time for {len(passes) - tried} of {len(passes)} passes of damages", flush=True)
            break
        (damage.noticed if title == damage.RESULTS else damage.damaged)(study, title, damages, choice, outcomes)
        print(f"{name}: damaged {len(damages)} {title}", flush=True)
    return outcomes


def of_servers(folder: Path) -> Outcomes:
    """Attack servers and databases.

    Args:
        folder: for them
    """
    outcomes = Outcomes()
    for number, (kind, attack) in enumerate(servers.cases()):
        place = folder / str(number)
        place.mkdir(parents=True)
        problems = []
        try:
            attack(place)
        except Exception:  # an assertion, or whatever else an attack brings about
            problems.append(traceback.format_exc())
        outcomes.add(kind, lost=bool(problems))
        outcomes.say(kind, problems)
        print(f"servers: {kind}", flush=True)
    return outcomes


def of_mutants(number: int, seed: int) -> tuple[bool, str]:
    """Try small faults in the library: whether the tests notice enough of them, and what was said."""
    command = [sys.executable, str(Path(__file__).with_name("mutants.py")), "--cores", "1"]
    done = subprocess.run(
        [*command, "--sample", str(number), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print("mutants: tried", flush=True)
    return done.returncode == 0, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=15, help="how long, in all")
    parser.add_argument("--kills", type=int, default=102, help="how many, of all studies")
    parser.add_argument(
        "--per-chain",
        type=int,
        default=10,
        help="runs that are killed until one may end; few give all beginnings a turn",
    )
    parser.add_argument("--seed", type=int, default=0, help="draws moments, jobs and damages")
    parser.add_argument("--cores", type=int, default=2, help="of all studies")
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=SMALL, help="side by side")
    parser.add_argument("--servers", action=argparse.BooleanOptionalAction, default=True, help="beside them")
    parser.add_argument("--mutants", type=int, default=40, help="how many, after the servers")
    arguments = parser.parse_args()
    if arguments.mutants and not importlib.util.find_spec("mutmut"):
        parser.error("mutmut is not installed: make .venv/mutmut installs it, and --mutants 0 does without")

    # What a shell runs in the background ignores it, and all that this starts would.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end, of_all = time.monotonic() + 60 * arguments.minutes, list[kills.Kill]()
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor() as side_by_side,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart,  # where what MLflow waits for is changed
    ):
        runs = [apart.submit(of_servers, Path(folder, "servers"))] if arguments.servers else []
        mutants = apart.submit(of_mutants, arguments.mutants, arguments.seed) if arguments.mutants else None
        runs += [
            side_by_side.submit(
                broken,
                name,
                Path(folder, name),
                max(1, arguments.cores // len(arguments.studies)),
                arguments.seed,
                of_all,
                arguments.kills,
                arguments.per_chain,
                end - time.monotonic(),
            )
            for name in arguments.studies
        ]
        outcomes = sum((run.result() for run in runs), Outcomes())
        enough, said = mutants.result() if mutants else (True, "")
    print(said + outcomes.table())
    raise SystemExit(bool(outcomes.lost) or not enough)


if __name__ == "__main__":
    main()
