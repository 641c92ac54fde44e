"""Runs of two small studies are killed, run out of room and have their results damaged: what comes back, what is lost?

The studies, of published scores and from audio, are small; their stages are the real ones. Each runs undisturbed once.
Whatever then happens, run again it has to come to the same tree, byte for byte, with each run once in MLflow, nothing
left over, and nothing left to be done. What is not compared, and why: ``NOT_COMPARED`` in ``finished.py``.

    python tests/faults/run.py                          # 15 minutes on 2 cores
    python tests/faults/run.py --kills 500 --minutes 90 # more of all
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from faults import damage, disks, kills
from faults.finished import Finished
from faults.outcomes import Outcomes
from project import Project
from studies import of_audio, of_published_scores

STUDIES: dict[str, tuple[Callable[[Path], Project], float, float]] = {
    "published": (of_published_scores, 0.6, 9.0),
    "audio": (of_audio, 0.4, 12.0),
}
"""What makes a study, its share of the kills, and the latest moment of one, in seconds from a start."""

KILLS = 0.6
"""The share of the time after which no kill is tried any more, lest nothing else is."""

TO_END = 90
"""Seconds before the end after which nothing new begins."""


def broken(name: str, folder: Path, seed: int, number: int, seconds: float) -> Outcomes:
    """Run a study, then break it again and again.

    Args:
        name: a key of ``STUDIES``
        folder: for it
        seed: of all that is random
        number: of kills of all studies
        seconds: how long all may take

    Returns:
        what came of it
    """
    began = time.monotonic()
    make, share, latest = STUDIES[name]
    (folder / "project").mkdir(parents=True)
    study, outcomes, choice = Finished(make(folder / "project"), folder / "kept"), Outcomes(), random.Random(seed)

    drawn, left = kills.draw(choice, latest), round(number * share)
    for beginning in itertools.cycle(kills.BEGINNINGS):
        in_time = itertools.takewhile(lambda _: time.monotonic() < began + KILLS * seconds, drawn)
        killed = kills.chain(study, beginning, itertools.islice(in_time, left), choice, outcomes)
        left -= killed
        print(f"{name} from {beginning}: {killed} kills", flush=True)
        if not left or time.monotonic() > began + KILLS * seconds:
            break
    disks.limited(study, outcomes)
    disks.full(study, outcomes)
    for title, damages in damage.passes(study, choice):
        if time.monotonic() > began + seconds - TO_END:
            break
        damage.damaged(study, title, damages, choice, outcomes)
        print(f"{name}: damaged {len(damages)} {title}", flush=True)
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=15, help="how long, in all")
    parser.add_argument("--kills", type=int, default=110, help="how many, of both studies")
    parser.add_argument("--seed", type=int, default=0, help="draws moments, jobs and damages")
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=list(STUDIES), help="side by side")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as side_by_side:
        runs = [
            side_by_side.submit(
                broken, name, Path(folder, name), arguments.seed, arguments.kills, 60 * arguments.minutes
            )
            for name in arguments.studies
        ]
        outcomes = sum((run.result() for run in runs), Outcomes())
    print(outcomes.table())
    raise SystemExit(bool(outcomes.lost))


if __name__ == "__main__":
    main()
