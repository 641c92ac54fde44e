"""MLflow, brought into line with what the files of a study say its runs hold.

A family of runs is written whole or not at all.
Each run has a key, which says what it is, and a digest of everything that was put into it.
Params cannot be changed in MLflow, so a family is kept as it is where all its digests are the same,
and is else written anew, with the parent marked as finished last, before the old one is deleted.
A family without a finished parent is what a crash left behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any

# MLflow reads these when it is first imported. By its own defaults it would try a server that is down for four minutes,
# print two lines per run, and report its use to its makers.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient, MlflowException
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
)
from mlflow.utils.validation import MAX_EXPERIMENT_TAG_VAL_LENGTH, MAX_PARAM_VAL_LENGTH, MAX_TAG_VAL_LENGTH

from emofuse import credentials, provenance
from emofuse.places import DATABASE
from emofuse.tables import InputError, Problem
from emofuse.tracking import connection, models, turns
from emofuse.tracking.content import (
    AcrossInput,
    Content,
    Experiment,
    ExperimentInput,
    Family,
    ModelInput,
    Scores,
    read_model,
    read_study,
    sha256_of_each,
)
from emofuse.tracking.models import DIGEST, EXISTS, STUDY

KEY = "emofuse.key"
"""Tag of a run: what it is, ``study/experiment/method`` or ``study/experiment/method/fold``."""

SHARED = "emofuse.shared"
"""Tag of a parent: digest of the config, the leaderboard and the pictures that all methods share."""

CONFIG = "config_digest"
"""Tag of a run: digest of the study's config."""

MADE = ("runtime.", "version.", "machine.")
"""How the tags of a parent begin that say what made its results."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""The tag that says that an experiment is model training; the UI of 3.17.2 goes by its own switch instead."""

VALUES_PER_REQUEST = 900
"""Metrics that are sent at once: the most that one request may hold is 1000 values, 100 of them params."""

PARAMS_PER_REQUEST = 100
"""Params that are sent at once, beside the metrics."""


def synchronise(
    uri: str,
    results: str | Path,
    study: str,
    experiments: Mapping[str, ExperimentInput],
    config: Mapping[str, Any],
    config_digest: str,
    across: AcrossInput | Mapping[str, Any],
    model: ModelInput | Mapping[str, Any],
) -> dict[str, Any]:
    """Make MLflow show exactly the runs of a study, and the model, that its files describe.

    Families of runs whose content is as it was are kept.
    The config, the leaderboard and the pictures that all methods share, what a run's description says,
    and what its results were made with (versions, machine, seconds) are no part of that content:
    they are brought up to date within the kept runs, lest one method's change replaces all.
    Runs and experiments of the study that no longer belong are deleted,
    which in MLflow means hidden: ``mlflow gc`` frees their space.

    Args:
        uri: any tracking URI of MLflow, such as ``sqlite:////home/me/mlflow.db`` or ``http://127.0.0.1:5000``;
            the empty one stands for the database ``mlflow.db`` in ``results``
        results: the folder in which MLflow without a server keeps its artifacts, as ``mlartifacts``
        study: its name
        experiments: by name, what each has written
        config: the study's whole config, for the artifact ``config.yaml``
        config_digest: what the tag of that name says
        across: what the comparison of its experiments has written; empty where none is compared
        model: the model to take away; empty where there is none

    Returns:
        ``uri`` without its credentials; ``runs``, a row per run: experiment, method, fold (``None`` for a parent),
        run_id, digest, status (``kept`` or ``written``); and ``model``, as :func:`emofuse.tracking.models.synchronise`
        says

    Raises:
        InputError: if files are missing or bad, before MLflow is touched; if MLflow cannot be reached or refuses:
            run again and nothing is lost or doubled
    """
    results = Path(results).resolve()
    uri = uri or f"sqlite:///{results / DATABASE}"
    contents = read_study(study, experiments, config, across, results / "logs")
    packaged = read_model(study, model)
    tags = {MLFLOW_GIT_COMMIT: _git_commit(), CONFIG: config_digest}
    rows: list[dict[str, Any]] = []
    try:
        with connection.connected(uri) as client, ExitStack() as held:
            ids: dict[str, str] = {}
            for name in contents:
                location = None if uri.startswith("http") else str(results / "mlartifacts" / study / name)
                ids[name] = _get_or_create_experiment(client, study, name, location)
            if not uri.startswith("sqlite:"):  # which one process at a time has anyway
                for experiment_id in sorted(ids.values()):  # in one order, or two would wait for one another
                    held.enter_context(turns.turn(client, experiment_id))
            _delete_experiments(client, study, keep=[f"{study}/{name}" for name in contents])
            for name, experiment in contents.items():
                _describe(client, ids[name], experiment.description)
                runs = _synchronise_experiment(client, ids[name], experiment, tags, results)
                rows += [{"experiment": name} | row for row in runs]
            parents = {(row["experiment"], row["method"]): row["run_id"] for row in rows if row["fold"] is None}
            run = packaged and client.get_run(parents[packaged.experiment, packaged.method])
            logged = models.synchronise(client, study, list(ids.values()), packaged, run)
    except connection.UNREACHABLE as error:
        problem: Problem = (
            f"MLflow at {uri} could not be brought into line with the files of study {study}:"
            f" {connection.explained(uri, error)}.\n"
            "    No result is lost: the files have it all. Once that is right, run the same command again."
        )
        raise InputError([credentials.hidden(problem)]) from None
    return {"uri": credentials.hidden(uri), "runs": rows, "model": logged}


def _get_or_create_experiment(client: MlflowClient, study: str, name: str, location: str | None) -> str:
    # Not mlflow.set_experiment: two processes that set a new name at once end up in one another's experiment.
    experiment = client.get_experiment_by_name(f"{study}/{name}")
    if experiment is None:
        try:
            # Without a location of its own, the artifacts would land in ./mlruns of whoever was first.
            return client.create_experiment(f"{study}/{name}", location, tags={STUDY: study})
        except MlflowException as error:
            if error.error_code != EXISTS:
                raise
            return client.get_experiment_by_name(f"{study}/{name}").experiment_id  # another clone was first
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return experiment.experiment_id


def _describe(client: MlflowClient, experiment_id: str, description: str) -> None:
    """What the UI shows of an experiment itself."""
    existing = client.get_experiment(experiment_id).tags
    wanted = KIND | {MLFLOW_RUN_NOTE: _shortened(description, MAX_EXPERIMENT_TAG_VAL_LENGTH)}
    for name, value in wanted.items():
        if existing.get(name) != value:
            client.set_experiment_tag(experiment_id, name, value)


def _delete_experiments(client: MlflowClient, study: str, keep: Sequence[str]) -> None:
    for experiment in client.search_experiments(filter_string=f"tags.`{STUDY}` = '{study}'"):
        if experiment.name not in keep:
            client.delete_experiment(experiment.experiment_id)


def _synchronise_experiment(
    client: MlflowClient, experiment_id: str, experiment: Experiment, tags: dict[str, str], results: Path
) -> list[dict[str, Any]]:
    """Keep or write each family, then delete every other run of ours; a row per run.

    Args:
        client: of the store
        experiment_id: the experiment's in MLflow
        experiment: what it should hold
        tags: of all runs that are written
        results: the folder below which tags say where a run's files lie
    """
    existing = _search_runs(client, experiment_id)
    rows: list[dict[str, Any]] = []
    for family in experiment.families:
        runs = _find_whole(existing, family)
        status = "kept" if runs else "written"
        if not runs:
            source = os.path.relpath(family[0].folder, results)
            runs = _write(client, experiment_id, family, tags | {MLFLOW_SOURCE_NAME: source})
        _update_tags(client, runs, family, tags[CONFIG])
        _update_shared(client, runs[0], experiment.shared)
        for content, run in zip(family, runs, strict=True):
            row = {"method": content.tags["method"], "fold": content.fold, "run_id": run.info.run_id}
            rows.append(row | {"digest": content.digest, "status": status})

    current = {row["run_id"] for row in rows}
    for run in existing:
        if run.info.run_id not in current:
            client.delete_run(run.info.run_id)
    return rows


def _search_runs(client: MlflowClient, experiment_id: str) -> list[Run]:
    """All runs of an experiment that were written here, whole or not."""
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], f"tags.`{KEY}` LIKE '%'", max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _find_whole(existing: Sequence[Run], family: Family) -> list[Run]:
    """The runs of a family, in its order, if all exist and are finished with the same digests; else none."""
    parent, *children = family
    for candidate in existing:
        if not _is_finished(candidate, parent):
            continue
        nested = [run for run in existing if run.data.tags.get(MLFLOW_PARENT_RUN_ID) == candidate.info.run_id]
        finished = [run for child in children for run in nested if _is_finished(run, child)]
        if len(nested) == len(finished) == len(children):
            return [candidate, *finished]
    return []


def _is_finished(run: Run, content: Content) -> bool:
    """Whether a run holds this content, and all of it."""
    tags = run.data.tags
    return run.info.status == "FINISHED" and tags[KEY] == content.key and tags[DIGEST] == content.digest


def _write(client: MlflowClient, experiment_id: str, family: Family, tags: dict[str, str]) -> list[Run]:
    """Write a family: the parent is made first, for its id, and marked as finished last."""
    runs: list[Run] = []
    for content in family:
        own = content.tags | {KEY: content.key, DIGEST: content.digest} | tags | _changing_tags(content)
        if runs:
            own[MLFLOW_PARENT_RUN_ID] = runs[0].info.run_id
        run = client.create_run(experiment_id, run_name=content.name, tags=own)
        _fill(client, run, content)
        runs.append(run)
    for run in reversed(runs):
        client.set_terminated(run.info.run_id)
    return runs


def _fill(client: MlflowClient, run: Run, content: Content) -> None:
    """Put metrics, params, dataset and artifacts into a run."""
    run_id = run.info.run_id
    # In order, because the comparison of runs begins with the metric that was written first.
    metrics = [Metric(name, value, run.info.start_time, 0) for name, value in sorted(content.metrics.items())]
    params = [Param(name, _shortened(value, MAX_PARAM_VAL_LENGTH)) for name, value in content.params.items()]
    requests = zip_longest(_parts(metrics, VALUES_PER_REQUEST), _parts(params, PARAMS_PER_REQUEST), fillvalue=())
    for some_metrics, some_params in requests:
        client.log_batch(run_id, metrics=some_metrics, params=some_params)
    if content.scores:
        evaluated = InputTag(MLFLOW_DATASET_CONTEXT, "evaluation")
        client.log_inputs(run_id, datasets=[DatasetInput(_dataset(content.scores), [evaluated])])
    _log_artifacts(client, run_id, content.artifacts)


def _changing_tags(content: Content) -> dict[str, str]:
    """The tags of a run that are no part of its digest, and are brought up to date within it."""
    return content.made | {MLFLOW_RUN_NOTE: _shortened(content.description, MAX_TAG_VAL_LENGTH)}


def _update_tags(client: MlflowClient, runs: Sequence[Run], family: Family, config_digest: str) -> None:
    """Bring the tags up to date that are no part of the digest of a run."""
    for run, content in zip(runs, family, strict=True):
        existing = run.data.tags
        wanted = _changing_tags(content) | {CONFIG: config_digest}
        changed = [RunTag(name, value) for name, value in wanted.items() if existing.get(name) != value]
        if changed:
            client.log_batch(run.info.run_id, tags=changed)
        for name in existing.keys() - wanted.keys():
            if name.startswith(MADE):
                client.delete_tag(run.info.run_id, name)


def _update_shared(client: MlflowClient, parent: Run, shared: Mapping[str, bytes]) -> None:
    """Bring what all methods share up to date within the parent of a family."""
    digest = provenance.digest(sha256_of_each(shared))
    if parent.data.tags.get(SHARED) == digest:
        return
    _log_artifacts(client, parent.info.run_id, shared)
    # Last, so that what a crash cuts short is done again.
    client.set_tag(parent.info.run_id, SHARED, digest)


def _log_artifacts(client: MlflowClient, run_id: str, artifacts: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, data in artifacts.items():
            file = Path(folder, path)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)
        client.log_artifacts(run_id, folder)


def _dataset(scores: Scores) -> Dataset:
    """The scores in MLflow's words; its UI lists the columns."""
    kinds = {name: "double" if dtype.kind == "f" else "string" for name, dtype in scores.dtypes.items()}
    return Dataset(
        name=scores.name,
        digest=scores.digest,
        source_type="local",
        source=json.dumps({"uri": str(scores.path.resolve())}),
        schema=json.dumps({"mlflow_colspec": [{"name": name, "type": kind} for name, kind in kinds.items()]}),
        profile=json.dumps({"num_rows": scores.rows}),
    )


def _shortened(value: str, most: int) -> str:
    """A value as far as MLflow takes it; ``parameters.json`` and ``leaderboard.md`` have params and boards whole."""
    return value if len(value) <= most else value[: most - 1] + "…"


def _parts(values: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _git_commit() -> str:
    """The commit of the code that writes a run; it is no part of the digest, or each commit would rewrite all."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()
