"""What breaks on the way to MLflow: a share of ``make faults``."""

import runpy
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from faults import servers
from helpers import ROOT
from mlflow import MlflowClient, MlflowException
from tracked import assert_in_line

from emofuse.tracking import connection, turns


@pytest.mark.parametrize("kind", servers.BROKEN)
def test_a_server_that_does_not_answer_well_is_given_up_in_time(study, kind):
    servers.server_that_is(kind, study)


@pytest.mark.parametrize("damage", [servers.emptied, servers.cut, servers.garbled_in_a_page])
def test_a_broken_database_is_made_anew_as_the_error_says(study, damage):
    servers.database_that_is(damage, study, seed="0")


@pytest.mark.parametrize("by", [servers.locking, servers.stopped_sync])
@pytest.mark.parametrize("seconds", [servers.SECONDS / 2, 60])
def test_a_locked_database_is_waited_for_and_who_has_it_is_named(study, seconds, by):
    servers.locked_database(study, seconds, by)


@pytest.mark.slow
def test_two_clones_on_one_server_write_every_run_once(study, serve, tmp_path):
    with serve(study) as address:
        servers.two_clones_four_threads(address, tmp_path)


def test_a_turn_waits_for_who_is_ahead_unless_they_have_died(study, monkeypatch):
    monkeypatch.setattr(turns, "BEAT", 0.2)
    monkeypatch.setattr(turns, "DEAD", 1.0)
    client = MlflowClient(study.uri)
    experiment = client.create_experiment("shared")
    client.set_experiment_tag(experiment, f"{turns.TURN}dead", "1 17 elsewhere, process 4711")
    client.set_experiment_tag(experiment, f"{turns.TURN}drawing", "0 0 elsewhere, process 4712")
    order = []

    def second():
        with turns.turn(client, experiment):
            order.append("second")

    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        with turns.turn(client, experiment):
            assert time.monotonic() - began > turns.DEAD
            waiting = pool.submit(second)
            time.sleep(1.5 * turns.DEAD)  # it lives, and says so
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]
    assert not [name for name in client.get_experiment(experiment).tags if name.startswith(turns.TURN)]


def test_a_database_that_cannot_be_opened_is_named(study):
    (study.results / "mlflow.db").unlink()
    (study.results / "mlflow.db").mkdir()
    assert "mlflow.db: cannot be written (unable to open database file)" in servers.refused(study)


def test_what_a_kill_leaves_of_a_new_database_is_removed(study):
    (study.results / "mlflow.db").unlink()
    left = [study.results / f".mlflow.4711.db{suffix}" for suffix in ("", "-journal")]
    for file in left:
        file.write_bytes(b"half of it")
    other = study.results / ".mlflow_of_mine.db"
    other.touch()
    study.synchronise()
    assert_in_line(study)
    assert not any(file.exists() for file in left)
    assert other.exists()


def test_a_database_that_is_locked_in_the_middle_of_a_sync_is_named(study):
    with servers.locking(study.results / "mlflow.db", 60):
        said = connection.explained(study.uri, MlflowException("(sqlite3.OperationalError) database is locked"))
    assert f"has locked {study.results / 'mlflow.db'} (process " in said


def test_sending_files_may_take_longer_than_an_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "ANSWER", 0.1)
    monkeypatch.setattr(connection, "UPLOAD", 1000)
    (tmp_path / "large").write_bytes(bytes(1000))
    work = lambda *_: time.sleep(0.3) or "sent"  # noqa: E731
    assert connection._call(work, True, "run", str(tmp_path)) == "sent"
    with pytest.raises(TimeoutError, match="no whole answer within 0 s"):
        connection._call(work, False, "run")


def test_the_log_of_a_job_that_mlflow_refuses_has_no_traceback(study):
    log = study.results / "logs" / "track.log"
    snakemake = SimpleNamespace(input=[], output=[study.results / "tracking.json"], log=[log])
    answer, _ = servers.BROKEN["refusing the password"]
    with servers.impatient(), servers.answering(answer) as address:
        snakemake.params = SimpleNamespace(recipe={"uri": address, **study.recipe})
        with pytest.raises(SystemExit, match="1"):
            runpy.run_path(str(ROOT / "workflow/scripts/track.py"), init_globals={"snakemake": snakemake})
    assert "MLFLOW_TRACKING_PASSWORD" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert not snakemake.output[0].exists()
