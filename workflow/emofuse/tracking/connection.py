"""How MLflow's store is reached: within a stated time, or with a sentence that says what would be right.

A server answers each call within :data:`ANSWER`, or is given up.
A database in a file is looked at before MLflow is let near it, for MLflow would try a broken one for a minute.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
import sqlalchemy
from mlflow import MlflowClient, MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES

from emofuse import credentials, tables
from emofuse.tables import InputError, Problem

ANSWER = 60.0
"""Seconds within which a server answers a call, else it is given up; a byte now and then is no answer."""

UPLOAD = 100_000
"""Bytes per second that a server takes at least: sending files may take as much longer."""

PATIENCE = 60.0
"""Seconds to wait for a database in a file that another program has locked."""

TURN = 900.0
"""Seconds to wait for another sync to end with the same database in a file."""

UNREACHABLE = (MlflowException, OSError, sqlalchemy.exc.SQLAlchemyError)
"""What is raised where a store does not do what it is asked."""

UPLOADS = ("log_artifacts", "log_model_artifacts")
"""Calls whose second argument is a folder to send."""


@contextmanager
def connected(uri: str) -> Iterator[MlflowClient]:
    """A client of the store at a URI.

    One process at a time works on an sqlite database: two that migrate the same fresh one break it for good.
    A fresh one gets its name once it is whole, so that being killed half-way does not break it either.

    Raises:
        InputError: if a driver is absent, or a database in a file is broken, locked or cannot be written
    """
    if not uri.startswith("sqlite:"):
        _check_driver(uri)
        yield within(ANSWER, lambda: Client(uri))
        return
    database = Path(str(sqlalchemy.make_url(uri).database)).resolve()
    database.parent.mkdir(parents=True, exist_ok=True)
    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _do_not_wait_for_the_disk)
    lock = filelock.FileLock(f"{database}.lock", timeout=TURN)
    try:
        held = lock.acquire()
    except filelock.Timeout:
        problem: Problem = (
            f"{database}: another sync works on it since {TURN:.0f} s ({_holders(Path(lock.lock_file))}); should have"
            " ended. Wait for that process, or end it, and run the same command again"
        )
        raise InputError([problem]) from None
    with held:
        if database.exists():
            _check_database(database)
        if not database.exists() or database.stat().st_size == 0:
            _make(database)
        yield MlflowClient(uri)


class Client(MlflowClient):
    """A client each of whose calls ends within a stated time, whatever the server does.

    MLflow's own limit is one for the silence between two bytes.
    """

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value):
            return value
        return functools.partial(_call, value, name in UPLOADS)


def _call(method: Callable[..., Any], uploads: bool, *args: Any, **kwargs: Any) -> Any:
    sent = sum(file.stat().st_size for file in Path(args[1]).rglob("*") if file.is_file()) if uploads else 0
    return within(ANSWER + sent / UPLOAD, functools.partial(method, *args, **kwargs))


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """What some work returns or raises, if it ends in time.

    Raises:
        TimeoutError: if it does not; a thread goes on with it, for as long as the process lasts
    """
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    with suppress(TimeoutError):
        return outcome.result(seconds)
    if outcome.done():
        return outcome.result()  # a TimeoutError of the work's own, or what came in the last moment
    raise TimeoutError(f"no whole answer within {seconds:.0f} s")


def explained(uri: str, error: Exception) -> Problem:
    """What was wrong with a store, and what would be right.

    Args:
        uri: of the store
        error: one of :data:`UNREACHABLE`
    """
    status = error.get_http_status_code() if isinstance(error, MlflowException) else None
    text = textwrap.shorten(str(error), 600, placeholder=" …")
    advice: Problem
    if status == 401:
        advice = (
            "The user or the password is wrong, or absent: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"
            " MLFLOW_TRACKING_TOKEN, in the environment, or the first two in ~/.mlflow/credentials, should be those of"
            " a user of that server"
        )
    elif status == 403:
        advice = (
            "The user may not do that: should have MLflow's permission MANAGE for the experiments of this study, which"
            " whoever made them has and can give; or the study should have another name"
        )
    elif status == 404 or "valid JSON" in text or "redirects" in text:
        advice = "What answers is no MLflow server: should be the address at which a browser shows MLflow's UI"
    elif "database is locked" in text:
        database = Path(str(sqlalchemy.make_url(uri).database)).resolve()
        advice = f"Another program has locked {database} ({_holders(database)}): should let go of it"
    else:
        advice = "Should be the address of a server or a database that answers; its own log may say why it does not"
    return f"{text}. {advice}"


def _make(database: Path) -> None:
    """Make a database without runs, and remove what a killed process has left of one.

    What sqlite left beside an old database it would take for the new one's.
    """
    tables.sweep(database)
    for suffix in ("-journal", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    with tables.replacing(database) as temporary:
        MlflowClient(f"sqlite:///{temporary}").search_experiments()


def _check_database(database: Path) -> None:
    """Check that a database in a file is whole, and nobody else's for now.

    Raises:
        InputError: naming the file, and what to do
    """
    try:
        with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            said = " ".join(connection.execute("PRAGMA quick_check(1)").fetchone()[0].split())  # it has line breaks
            code = sqlite3.SQLITE_OK if said == "ok" else sqlite3.SQLITE_CORRUPT
    except sqlite3.DatabaseError as error:
        said, code = str(error), error.sqlite_errorcode & 0xFF
    problem: Problem
    if code == sqlite3.SQLITE_OK:
        return
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        problem = (
            f"{database}: is no whole sqlite database ({said}); should be one that MLflow has made. Delete it and run"
            " the same command again: it is made anew with all runs of this study, and with those of another study"
            " when that one is run again"
        )
    elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        problem = (
            f"{database}: locked for {PATIENCE:.0f} s by another program ({_holders(database)}); should be free. No"
            " result is lost: once that program has let go, run the same command again"
        )
    else:
        problem = f"{database}: cannot be written ({said}); should be a file of this user's, on a disk with room"
    raise InputError([problem])


def _holders(path: Path) -> str:
    """Which processes have a file open, as far as Linux tells: their ids and commands."""
    holders = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(process.name) != os.getpid() and any(path == file.readlink() for file in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                holders.append(f"process {process.name}: {textwrap.shorten(command, 100, placeholder=' …')}")
    return "; ".join(holders) or "which one is not known"


def _do_not_wait_for_the_disk(connection: Any, record: Any) -> None:
    """Let sqlite trust the operating system with what it writes.

    By default it waits for the disk at each of some 600 commits of a study, for half of the time that a sync takes.
    Without that only a power cut can harm the database, and the files bring it back: delete it and run again.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def _check_driver(uri: str) -> None:
    """Check that what speaks to a database is installed.

    Raises:
        InputError: naming the address and the package
    """
    if not uri.startswith(tuple(DATABASE_ENGINES)):
        return  # a server, which needs none
    try:
        sqlalchemy.make_url(uri).get_dialect().import_dbapi()
    except (ImportError, ValueError, sqlalchemy.exc.ArgumentError) as error:
        problem: Problem = (
            f"tracking.uri is {credentials.hidden(uri)!r}, to which nothing here can speak ({error}); should be the"
            " address of an MLflow server, http://…, or of a database whose driver is installed, as"
            " postgresql+psycopg2://… after `pip install psycopg2-binary`"
        )
        raise InputError([credentials.hidden(problem)]) from None
