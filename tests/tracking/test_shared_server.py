"""A server that several people share: MLflow with PostgreSQL, behind MLflow's own passwords."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests
from faults.servers import assert_agreed, refused
from helpers import ROOT
from tracked import Study, assert_in_line, free_port, ids, serving

from emofuse.tracking import server

PACKAGES = ROOT / ".venv" / "server"
"""What the server needs besides MLflow, as .ci/run installs it: emofuse itself has none of it."""

ADMIN = ("admin", "the admin's long password")
ANNA = ("anna", "anna's p@ss/word")
BEN = ("ben", "ben's long password")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """PostgreSQL in a folder of its own, reached by a socket in it; the options of an address of a database."""
    programs = [Path(found).parent for found in [shutil.which("initdb")] if found]
    programs += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is absent (as Debian's package postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path is short
    # PostgreSQL refuses to run as root.
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "nobody", "nogroup")

    def run(program: str, *arguments: str) -> None:
        command = [*user, str(programs[-1] / program), *arguments]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout

    data = f"--pgdata={folder / 'data'}"
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("initdb", data, "--no-sync", "--auth=trust", "--username=mlflow")
        run("pg_ctl", data, "start", "--wait", f"--log={folder / 'log'}", f"--options={settings}")
        try:
            for database in ("runs", "users"):
                run("createdb", f"--host={folder}", "--username=mlflow", database)
            yield f"user=mlflow&host={folder}"
        finally:
            run("pg_ctl", data, "stop", "--wait", "--mode=fast")
    finally:
        shutil.rmtree(folder)


@contextmanager
def shared(options: str, folder: Path, port: int) -> Iterator[str]:
    """The server, while the block lasts."""
    ini = folder / "auth.ini"
    # A check of a password takes a tenth of a second; it is remembered.
    ini.write_text(
        "[mlflow]\ndefault_permission = READ\nadmin_username = admin\nauth_cache_ttl_seconds = 60\n"
        f"database_uri = postgresql+psycopg2:///users?{options}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    settings = {
        "MLFLOW_AUTH_CONFIG_PATH": str(ini),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key of this test",
        "PYTHONPATH": str(PACKAGES),
    }
    backend = f"postgresql+psycopg2:///runs?{options}"
    with serving(port, backend, folder, "--app-name", "basic-auth", **settings) as address:
        yield address


@pytest.fixture
def login(monkeypatch, tmp_path):
    """Makes this process act for a user, by the environment or by MLflow's credentials file, or for nobody."""

    def act(user: tuple[str, str] | None, by_file: bool = False) -> None:
        home = tmp_path / f"home of {user}".replace("/", "")
        (home / ".mlflow").mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv("HOME", str(home))
        names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
        for name in names:
            monkeypatch.delenv(name, raising=False)
        if user and by_file:
            lines = [f"{name.lower()} = {value}" for name, value in zip(names, user, strict=True)]
            (home / ".mlflow" / "credentials").write_text("\n".join(["[mlflow]", *lines]))
        elif user:
            for name, value in zip(names, user, strict=True):
                monkeypatch.setenv(name, value)

    return act


def refused_at_once(study: Study) -> str:
    began = time.monotonic()
    text = refused(study)
    assert time.monotonic() - began < 10
    assert not any(password in text for _, password in (ADMIN, ANNA, BEN))
    return text


@pytest.mark.slow
def test_two_people_and_three_clones_share_a_server_with_passwords_and_postgresql(postgres, tmp_path, login):
    if not PACKAGES.is_dir():
        pytest.skip(f"what the server needs is absent: pip install --no-deps --target {PACKAGES} -r envs/server.txt")
    port = free_port()

    def serve() -> AbstractContextManager[str]:
        return shared(postgres, tmp_path, port)

    with serve() as address:
        for name, password in (ANNA, BEN):
            user = {"username": name, "password": password}
            requests.post(f"{address}/api/2.0/mlflow/users/create", json=user, auth=ADMIN).raise_for_status()
        annas, clone = (
            Study(tmp_path / place / "results", address, name="annas", methods=["speech", "paper"]).write()
            for place in ("anna", "clone")
        )
        bens = Study(tmp_path / "ben" / "results", address, name="bens", methods=["speech"]).write()

        login(ANNA)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(server.synchronise, address, **study.recipe) for study in (annas, clone)]
            assert_agreed([annas], [job.result() for job in jobs])
        login(BEN, by_file=True)
        bens.synchronise()
        assert_in_line(bens)
        of_anna, of_ben = ids(annas), ids(bens)

        # A study of Ben's own that has the name of Anna's, whose runs he may see.
        another = Study(tmp_path / "another" / "results", address, name="annas", methods=["oracle"]).write()
        assert "permission MANAGE for the experiments of this study" in refused_at_once(another)
        right = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        for user in ((BEN[0], ANNA[1]), None):
            login(user)
            assert right in refused_at_once(bens)

    login(ANNA)
    assert f"MLflow at {address}" in refused_at_once(annas)
    with serve():
        rows = clone.synchronise()
        assert {row["status"] for row in rows} == {"kept"}
        assert ids(annas) == of_anna
        annas.write_method("paper", seed=1)
        annas.synchronise()
        assert_in_line(annas)
        assert {key for key, run in ids(annas).items() if of_anna[key] != run} == {
            f"annas/iemocap/paper{fold}" for fold in ("", "/Ses01F", "/Ses01M")
        }
        login(BEN)
        assert {row["status"] for row in bens.synchronise()} == {"kept"}
        assert ids(bens) == of_ben
