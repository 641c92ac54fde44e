"""One sync at a time per experiment of MLflow, wherever the clones of a study are.

MLflow has no locks, but it orders what is written to an experiment's tags.
So clones draw numbers there, as customers of a bakery do (Lamport 1974, A new solution of Dijkstra's concurrent
programming problem): each takes a number above all that it sees, and waits until nobody has a smaller one.
Each clone writes a tag of its own, and again every few seconds.
Whose tag stays as it is has died, and the tag is removed.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mlflow import MlflowClient

from emofuse.tracking import connection

TURN = "emofuse.turn."
"""How the tag of an experiment begins that a sync writes while it waits or works.

Its value is a number, 0 while one is drawn, how often the tag was written, and who writes it.
"""

BEAT = 5.0
"""Seconds between two writes of a tag."""

DEAD = 30.0
"""Seconds after which a tag that nobody has written again belongs to a process that has ended."""

FAREWELL = 5.0
"""Seconds to remove a tag in: a server that is down should not be waited for twice."""


@contextmanager
def turn(client: MlflowClient, experiment_id: str) -> Iterator[None]:
    """Have an experiment alone among all syncs, while the block lasts.

    A process that was stopped for longer than :data:`DEAD` and goes on is not alone: it may write runs twice, which
    the next sync puts right.

    Args:
        client: of a server or a database that several clones use
        experiment_id: the experiment's in MLflow
    """
    own = f"{TURN}{uuid.uuid4().hex}"
    who = f"{socket.gethostname()}, process {os.getpid()}"

    def write(drawn: int, beat: int = 0) -> None:
        client.set_experiment_tag(experiment_id, own, f"{drawn} {beat} {who}")

    try:
        write(0)
        drawn = 1 + max((number for number, _ in _others(client, experiment_id, own).values()), default=0)
        write(drawn)
        with _again_and_again(functools.partial(write, drawn)):
            _wait(client, experiment_id, own, drawn)
            yield
    finally:
        with suppress(*connection.UNREACHABLE):
            connection.within(FAREWELL, lambda: client.delete_experiment_tag(experiment_id, own))


@contextmanager
def _again_and_again(write: Callable[[int], None]) -> Iterator[None]:
    """Write every :data:`BEAT` seconds how often that was done, while the block lasts."""
    left = threading.Event()

    def beat() -> None:
        count = 0
        while not left.wait(BEAT):
            count += 1
            with suppress(*connection.UNREACHABLE):  # which the work itself will meet and tell
                write(count)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join(FAREWELL)  # or a last one might come after the tag was removed


def _wait(client: MlflowClient, experiment_id: str, own: str, drawn: int) -> None:
    """Wait until nobody has a smaller number, or is about to draw one."""
    seen: dict[str, tuple[str, float]] = {}
    while True:
        others = _others(client, experiment_id, own)
        ahead = {name: value for name, (number, value) in others.items() if not number or (number, name) < (drawn, own)}
        now = time.monotonic()
        for name, value in ahead.items():
            if name not in seen:
                logging.info("waiting for the sync of %s to end", value.split(" ", 2)[2])
            if seen.get(name, ("", now))[0] != value:
                seen[name] = (value, now)
        dead = {name for name in ahead if now - seen[name][1] > DEAD}
        for name in dead:
            with suppress(*connection.UNREACHABLE):  # another may have removed it
                client.delete_experiment_tag(experiment_id, name)
        if dead == ahead.keys():
            return
        time.sleep(0.5)


def _others(client: MlflowClient, experiment_id: str, own: str) -> dict[str, tuple[int, str]]:
    """The tags of all other syncs: the number that each has drawn, and its whole value."""
    tags = client.get_experiment(experiment_id).tags
    others = {name: value for name, value in tags.items() if name.startswith(TURN) and name != own}
    return {name: (int(value.split(" ", 1)[0]), value) for name, value in others.items()}
