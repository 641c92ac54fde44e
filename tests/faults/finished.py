"""A study that has run undisturbed, and how far a later state of it is the same."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from project import Project

from emofuse.tracking.server import KEY

NOT_COMPARED = {
    "logs": "times",
    "benchmarks": "times",
    "cache": "only kept, and may be deleted at any time",
    "mlartifacts": "named after runs: compared as these",
    "mlflow.db": "ids and times of runs: these are compared",
    "mlflow.db.lock": "empty",
}
"""What of ``results`` is not compared byte for byte, and why."""

RANDOM = {"run_id", "model_id", "version", "status", "uri"}
"""What of ``tracking.json`` differs from sync to sync, or from place to place."""

CHANGING = ("runtime.", "mlflow.parentRunId")
"""How tags of runs begin that hold times and ids."""

LOCKED = "--unlock"
"""What Snakemake says of a lock that a killed run has left."""

MADE = ("results", ".snakemake")
"""The folders that a run makes."""

ADVICE = re.compile(r"(results/[^\s:]+): .*\bdelete it\b", re.IGNORECASE)
"""A message that names a file, and says that it is to be deleted."""

ATTEMPTS = 5
"""How often a user runs the same command, doing what the messages say, before giving up."""


class Finished:
    """A study that has run undisturbed in its folder, in which it is then broken.

    Args:
        project: it, of which nothing has run
        kept: a folder for a copy of all that the run makes
        cores: for each run
    """

    def __init__(self, project: Project, kept: Path, cores: int) -> None:
        self.project, self.kept, self.name = project, kept, project.config["study"]
        self.results = project.folder / "results"
        self.arguments = ("--cores", str(cores))
        project.run(*self.arguments)
        self.tree = tree(self.results)
        self.runs = list(runs(self.results))
        self.jobs = jobs(self.results)
        for name in MADE:
            shutil.copytree(project.folder / name, kept / name)

    def delete(self, *patterns: str) -> None:
        """Delete what these patterns match, below the project's folder."""
        for path in [path for pattern in patterns for path in self.project.folder.glob(pattern)]:
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)

    def after(self, job: Job) -> set[Job]:
        """The jobs that read what a job wrote, or what these wrote, and so on."""
        jobs, found, asked = set(self.jobs.values()), set[Job](), [job]
        while asked:
            written = set(asked.pop().written)
            new = {other for other in jobs - found if not written.isdisjoint(other.read)}
            found |= new
            asked += new
        return found

    def incomplete(self) -> set[str]:
        """The results that Snakemake has marked, whose jobs run again."""
        marks = (self.project.folder / ".snakemake/incomplete").iterdir()
        return {b64decode(path.name).decode() for path in marks}

    def unlock(self) -> None:
        """Do what ``snakemake --unlock`` does, without its start."""
        self.delete(".snakemake/locks/*")

    def restore(self) -> None:
        """As after the first run, times included."""
        self.delete(*MADE)
        for name in MADE:
            shutil.copytree(self.kept / name, self.project.folder / name)

    def resume(self) -> subprocess.CompletedProcess[str]:
        """Run to the end as a user would: unlock what is locked, delete what a message says to delete, run again."""
        for _ in range(ATTEMPTS):
            done = self.project.snakemake(*self.arguments)
            if done.returncode == 0 or not self.obey(done.stdout):
                break
        return done

    def obey(self, said: str) -> bool:
        """Do what Snakemake, or the workflow, says has to be done first; whether it says so."""
        if LOCKED in said:
            self.project.snakemake("--unlock")
            return True
        advised = ADVICE.findall(said)
        for name in advised:
            (self.project.folder / name).unlink(missing_ok=True)
        return bool(advised)

    def end(self) -> list[str]:
        """Resume, and say all in which the study is not as after its first run."""
        return self.differences(self.resume())

    def differences(self, done: subprocess.CompletedProcess[str]) -> list[str]:
        """All in which the study is not as after its first run, each with the file or run that it is about.

        Args:
            done: what was resumed
        """
        if done.returncode:
            return [f"the run fails, and says no file to delete:\n{done.stdout[-2000:]}"]
        said = [f"{name} {how}" for name, how in _differences(self.tree, tree(self.results))]
        left_over = {path.relative_to(self.project.folder).as_posix() for path in temporaries(self.results)}
        said += [f"{name} is left over" for name in sorted(left_over - self.tree.keys())]
        try:
            said += _differences_of_runs(self.runs, list(runs(self.results)))
            said += _not_shown(self.results)
        except (sqlite3.Error, OSError, KeyError, ValueError) as error:
            said.append(f"results/mlflow.db: {error}")
        done = self.project.snakemake("--dry-run")
        if "Nothing to be done" not in done.stdout:
            said.append(f"the next run would do something: {done.stdout[-500:]}")
        return said


def tree(results: Path) -> dict[str, str]:
    """The SHA-256 of every file that is compared; of ``tracking.json``, of what does not differ from sync to sync."""
    return {
        path.relative_to(results.parent).as_posix(): hashlib.sha256(_content(path)).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in NOT_COMPARED
    }


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name != "tracking.json":
        return content
    with suppress(ValueError):
        record = json.loads(content, object_hook=lambda row: {key: row[key] for key in row.keys() - RANDOM})
        return json.dumps(record, sort_keys=True).encode()
    return content


def temporaries(results: Path) -> list[Path]:
    """What a writer that was killed leaves behind."""
    return [path for path in results.rglob("*") if path.name.startswith(".") or path.suffix in (".tmp", ".db-journal")]


class Job(NamedTuple):
    """The results that a job has read, and all files that it has written."""

    read: tuple[str, ...]
    written: tuple[str, ...]


def jobs(results: Path) -> dict[str, Job]:
    """By each file that a job has written, the job."""
    records = [json.loads(path.read_bytes()) for path in (results / "logs").rglob("*.json")]
    # Earlier versions have recorded neither.
    made = [Job(tuple(record["read"]), tuple(record["written"])) for record in records if "read" in record]
    return {name: job for job in made for name in job.written}


def _not_shown(results: Path) -> Iterator[str]:
    """The runs that a study says it has and that MLflow's database does not show."""
    with _database(results) as database:
        shown = {row[0] for row in database.execute("SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active'")}
    for record in results.glob("*/tracking.json"):
        for row in json.loads(record.read_bytes())["runs"]:
            if row["run_id"] not in shown:
                yield f"{record}: run {row['run_id']} is not in MLflow"


@contextmanager
def _database(results: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{results / 'mlflow.db'}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        yield database


def runs(results: Path) -> Iterator[dict[str, Any]]:
    """All that MLflow's database shows: each run and each model with what it holds, but for times and ids."""
    with _database(results) as database:

        def values(table: str, run: str) -> dict[str, Any]:
            rows = database.execute(f"SELECT key, value FROM {table} WHERE run_uuid = ?", (run,))
            return {row["key"]: row["value"] for row in rows if not row["key"].startswith(CHANGING)}

        for row in database.execute(
            "SELECT run_uuid, status, artifact_uri, experiments.name AS experiment FROM runs"
            " JOIN experiments USING (experiment_id) WHERE runs.lifecycle_stage = 'active'"
        ):
            kinds = {table: values(table, row["run_uuid"]) for table in ("tags", "params", "latest_metrics")}
            yield {
                "name": f"{row['experiment']}: run {kinds['tags'][KEY]}",
                "status": row["status"],
                "artifacts": _digests(Path(row["artifact_uri"])),
            } | kinds
        for row in database.execute(
            "SELECT name, status, artifact_location FROM logged_models WHERE lifecycle_stage = 'active'"
        ):
            yield {"name": f"model {row['name']}", "status": row["status"]} | {
                "artifacts": _digests(Path(row["artifact_location"]))
            }


def _digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _differences(before: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield name, "is gone"
        elif name not in before:
            yield name, "is new"
        elif before[name] != now[name]:
            yield name, "differs"


def _differences_of_runs(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> Iterator[str]:
    for name, count in sorted(Counter(run["name"] for run in now).items()):
        if count > 1:
            yield f"results/mlflow.db: {name} is there {count} times"
    held, holds = ({run["name"]: run for run in all_runs} for all_runs in (before, now))
    for name, how in _differences(held, holds):
        parts = [key for key in held[name] if held[name][key] != holds[name][key]] if how == "differs" else []
        yield f"results/mlflow.db: {name} {how} {parts or ''}".rstrip()
