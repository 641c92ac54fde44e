"""Servers that do not answer, clones that write to one server at once, and databases that are broken or locked."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import re
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from mlflow import MlflowClient
from tracked import Study, assert_in_line, free_port, ids, serving

from emofuse.tables import InputError
from emofuse.tracking import connection, server, turns

SECONDS = 1.0
"""For an answer, and for a lock to go away; a minute each where nobody waits for a test."""

BESIDE = 10.0
"""Seconds that a call may take besides, on a machine that does other work."""

PAGE = b"<html><body>Welcome to the hotel's network." + b" " * 5000 + b"</body></html>"


def _http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _hang(connection: Any) -> None:
    time.sleep(3600)


def _drip(connection: Any) -> None:
    for byte in _http("200 OK", b"{" + b" " * 3600):
        connection.sendall(bytes([byte]))
        time.sleep(SECONDS / 10)  # soon enough that no silence is too long


def _say(answer: bytes, connection: Any) -> None:
    connection.sendall(answer)


BROKEN = {
    "hanging": (_hang, r"timed out|no whole answer within 1 s"),
    "dripping": (_drip, r"no whole answer within 1 s"),
    "answering 500": (functools.partial(_say, _http("500 Oops", b"")), r"500 error.*its own log may say why"),
    "answering HTML": (functools.partial(_say, _http("200 OK", PAGE)), r"is no MLflow server: should be the address"),
    "answering 404": (functools.partial(_say, _http("404 No", PAGE)), r"is no MLflow server: should be the address"),
    "refusing the password": (
        functools.partial(_say, _http("401 No", b"Who are you?")),
        r"MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.*should be those of a user",
    ),
    "refusing the user": (
        functools.partial(_say, _http("403 No", b"Permission denied")),
        r"permission MANAGE for the experiments of this study",
    ),
    "hanging up": (lambda connection: None, r"its own log may say why"),
}
"""What a server does with each connection, and what is said of it."""


@contextmanager
def answering(answer: Callable[[Any], None]) -> Iterator[str]:
    """A server, while the block lasts; its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with contextlib.suppress(OSError):
                answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads, listening.block_on_close = True, False
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


@contextmanager
def impatient() -> Iterator[None]:
    """Wait for servers and locks for :data:`SECONDS` only."""
    settings = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": str(int(SECONDS))}
    with (
        mock.patch.dict(os.environ, settings),
        mock.patch.multiple(connection, ANSWER=SECONDS, PATIENCE=SECONDS, TURN=SECONDS),
    ):
        yield


def refused(study: Study, uri: str | None = None) -> str:
    """What a sync says that cannot be done."""
    try:
        study.synchronise(uri)
    except InputError as error:
        return str(error)
    raise AssertionError("was accepted")


def server_that_is(kind: str, study: Study) -> None:
    """A sync ends in time and says what would be right; a server that is well gets all runs afterwards."""
    answer, said = BROKEN[kind]
    with impatient(), answering(answer) as address:
        began = time.monotonic()
        text = refused(study, address)
        assert time.monotonic() - began < SECONDS + BESIDE, text
    assert address in text and re.search(said, text), text
    assert "run the same command again" in text and len(text) < 1500, text


PAGE_SIZE = 4096
"""Bytes of a page of a sqlite database."""


def emptied(data: bytes, draw: random.Random) -> bytes:
    return b""


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(1, len(data) - 1)]


def garbled(data: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(len(data))


def garbled_in_a_page(data: bytes, draw: random.Random) -> bytes:
    """Other bytes where sqlite says what a page of a table or an index holds."""
    pages = [start for start in range(PAGE_SIZE, len(data), PAGE_SIZE) if data[start] in (2, 5, 10, 13)]
    start = draw.choice(pages)
    return data[:start] + draw.randbytes(16) + data[start + 16 :]


def overwritten(data: bytes, draw: random.Random) -> bytes:
    """Zeros from some place on, as after a power cut."""
    start = draw.randrange(len(data) // 2)
    return data[:start] + bytes(len(data) - start)


def database_that_is(damage: Callable[[bytes, random.Random], bytes], study: Study, seed: str) -> None:
    """A damaged database is made anew, at once or after it was deleted as the error says, with all runs."""
    whole = study.results / "whole.db"  # this process keeps a connection to it
    study.synchronise(f"sqlite:///{whole}")
    database = study.results / "mlflow.db"
    database.write_bytes(damage(whole.read_bytes(), random.Random(seed)))
    began = time.monotonic()
    if database.stat().st_size:
        text = refused(study)
        assert re.search(f"{database}: .*Delete it and run the same command again", text), text
        assert time.monotonic() - began < BESIDE
        database.unlink()
        Path(f"{database}-journal").write_bytes(b"what a kill has left")
    study.synchronise()
    assert_in_line(study)


def locked_database(study: Study, seconds: float, by: type[contextlib.AbstractContextManager]) -> None:
    """A sync waits for whoever has locked the database, and else says who it is."""
    study.synchronise()
    study.write_method("paper", seed=1)
    with by(study.results / "mlflow.db", seconds):
        if seconds < SECONDS:
            study.synchronise()
            return
        with impatient():
            began = time.monotonic()
            text = refused(study)
            assert time.monotonic() - began < SECONDS + BESIDE
        assert re.search(r"process \d+: .*python", text), text
    study.synchronise()
    assert_in_line(study)


@contextmanager
def process_with(code: str, seconds: float, *arguments: str) -> Iterator[None]:
    """Another process, from its first line of output on, for some seconds."""
    code = f"import sys, time\n{code}\nprint(flush=True)\ntime.sleep({seconds})"
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


def locking(database: Path, seconds: float) -> contextlib.AbstractContextManager[None]:
    """Another program that has a database for itself."""
    code = "import sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE')"
    return process_with(code, seconds, str(database))


def stopped_sync(database: Path, seconds: float) -> contextlib.AbstractContextManager[None]:
    """A sync that was stopped in the middle."""
    return process_with("import filelock; l = filelock.FileLock(sys.argv[1]); l.acquire()", seconds, f"{database}.lock")


def _child(beat: float, dead: float) -> None:
    """Bring MLflow into line, once per line of input."""
    turns.BEAT, turns.DEAD = beat, dead
    for line in sys.stdin:
        print(json.dumps(server.synchronise(**json.loads(line))), flush=True)


class Writers:
    """Processes that synchronise studies when they are told to."""

    def __init__(self, count: int) -> None:
        path = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-c", "from faults import servers; servers._child(0.3, 3.0)"]
        self.processes = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": path},
            )
            for _ in range(count)
        ]

    def tell(self, studies: Sequence[Study]) -> None:
        """Let each process synchronise one of the studies, in turn."""
        for number, process in enumerate(self.processes):
            study = studies[number % len(studies)]
            process.stdin.write(json.dumps({"uri": study.uri, **study.recipe}) + "\n")
        for process in self.processes:
            process.stdin.flush()

    def records(self) -> list[dict[str, Any]]:
        """What each that lives has returned."""
        lines = [process.stdout.readline() for process in self.processes]
        for line, process in zip(lines, self.processes, strict=True):
            assert line or process.wait() < 0, process.stderr.read()[-3000:]
        return [json.loads(line) for line in lines if line]

    def __enter__(self) -> Writers:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def clones(address: str, folder: Path, count: int = 2) -> list[Study]:
    """The same study in several folders."""
    methods = ["speech", "paper"]
    return [Study(folder / f"clone{number}" / "results", address, methods=methods).write() for number in range(count)]


def assert_agreed(studies: Sequence[Study], records: Sequence[dict[str, Any]]) -> None:
    """Every run exists once, every record names these, and no process left a tag."""
    assert_in_line(studies[0])
    alive = set(ids(studies[0]).values())
    for record in records:
        assert {row["run_id"] for row in record["runs"]} == alive
    tags = MlflowClient(studies[0].uri).get_experiment(studies[0].experiment_id).tags
    assert not [name for name in tags if name.startswith("emofuse.turn.")]


def write_anew(studies: Sequence[Study], seed: int) -> None:
    """The same other predictions in each clone."""
    for study in studies:
        for method in study.methods:
            study.write_method(method, seed=seed)


def two_clones_four_threads(address: str, folder: Path) -> None:
    """A new experiment, and an existing one that is not as it should be."""
    studies = clones(address, folder)
    with ThreadPoolExecutor(4) as pool:
        for seed in (0, 1):
            write_anew(studies, seed)
            jobs = [pool.submit(server.synchronise, study.uri, **study.recipe) for study in 2 * studies]
            assert_agreed(studies, [job.result() for job in jobs])


def two_clones_four_processes(address: str, folder: Path) -> None:
    """A new experiment, an existing one as it should be, and one that is not."""
    studies = clones(address, folder)
    with Writers(4) as writers:
        for seed in (0, 0, 1):
            write_anew(studies, seed)
            writers.tell(studies)
            records = writers.records()
            assert len(records) == 4
            assert_agreed(studies, records)


def killed_clones(address: str, folder: Path, seed: int) -> None:
    """Two of four processes are killed at random moments; the other two, and a later sync, put everything right."""
    draw = random.Random(seed)
    studies = clones(address, folder)
    for study in studies:
        study.name = f"killed{seed}"
        study.write()
    with Writers(4) as writers:
        if draw.random() < 0.5:
            writers.tell(studies)
            writers.records()
            write_anew(studies, seed + 1)
        writers.tell(studies)
        for process in draw.sample(writers.processes, 2):
            time.sleep(draw.uniform(0, 2))
            process.kill()
        records = writers.records()
        assert len(records) >= 2
    with Writers(2) as writers:  # which remove what the dead have left
        writers.tell(studies)
        assert_agreed(studies, records + writers.records())


def on_a_server(attack: Callable[[str, Path], None], folder: Path) -> None:
    """Run an attack on a server with a database of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving(free_port(), f"sqlite:///{folder / 'mlflow.db'}", folder) as address:
        attack(address, folder)


def on_a_study(attack: Callable[[Study], None], folder: Path) -> None:
    """Run an attack on a study with a database of its own."""
    results = folder / "results"
    attack(Study(results, f"sqlite:///{results / 'mlflow.db'}").write())


def killed_seeds(seeds: Sequence[int], address: str, folder: Path) -> None:
    for seed in seeds:
        killed_clones(address, folder / str(seed), seed)


def cases() -> Iterator[tuple[str, Callable[[Path], None]]]:
    """All attacks, each with its kind; it wants an empty folder and raises AssertionError where something is lost."""

    def study(name: str, attack: Callable[..., None], **settings: Any) -> tuple[str, Callable[[Path], None]]:
        return name, functools.partial(on_a_study, functools.partial(attack, **settings))

    for kind in BROKEN:
        yield study(f"server {kind}", lambda study, kind: server_that_is(kind, study), kind=kind)
    for damage in (emptied, cut, garbled, garbled_in_a_page, overwritten):
        for number in range(1 if damage in (emptied, garbled) else 3):
            yield study(
                f"mlflow.db {damage.__name__}",
                lambda study, damage, seed: database_that_is(damage, study, seed),
                damage=damage,
                seed=f"{damage.__name__} {number}",
            )
    for by in (locking, stopped_sync):
        for seconds in (SECONDS / 2, 60):
            yield study(f"mlflow.db locked for {seconds:g} s, {by.__name__}", locked_database, seconds=seconds, by=by)
    yield "two clones, four processes", functools.partial(on_a_server, two_clones_four_processes)
    yield "two clones, four threads", functools.partial(on_a_server, two_clones_four_threads)
    attack = functools.partial(killed_seeds, range(3))
    yield "two of four processes killed, three times", functools.partial(on_a_server, attack)
