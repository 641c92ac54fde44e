"""MLflow, brought into line with the files.

The files of a study are the truth and MLflow is a view of them: nothing is ever read back from it.
So a sync may come late (the server was down), stop half-way or run twice, and the next one puts everything right.

One experiment of MLflow is one experiment of a study.
In it, a method is a *family* of runs: a parent with the means over folds and the intervals, and a child per fold,
with the same metric names on both, because the charts show parents when families are folded up.

A family is written whole or not at all.
Each run has a key, which says what it is, and a digest of everything that was put into it;
params cannot be changed in MLflow, so a family is kept as it is where all its digests are the same,
and is else written anew, with the parent marked as finished last, before the old one is deleted.
A family without a finished parent is what a crash left behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

# MLflow reads these when it is first imported. By its own defaults it would try a server that is down for four minutes,
# print two lines a run, and report its use to its makers.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import filelock
import numpy as np
import pandas as pd
import sqlalchemy
import yaml
from mlflow import MlflowClient, MlflowException
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
)
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

from emofuse import contracts, tables

STUDY = "emofuse.study"
"""Tag of an experiment: the study that it belongs to."""

KEY = "emofuse.key"
"""Tag of a run: what it is, ``study/experiment/method`` or ``study/experiment/method/fold``."""

DIGEST = "emofuse.digest"
"""Tag of a run: SHA-256 of all that was put into it, but for what all runs of the experiment share."""

SHARED = "emofuse.shared"
"""Tag of a parent: SHA-256 of the config and of the pictures that all methods share."""

CONFIG = "config_digest"
"""Tag of a run: digest of the study's config."""


@dataclass(frozen=True)
class Content:
    """All that goes into one run.

    Args:
        fold: the fold of a child, ``None`` for a parent
        name: what MLflow shows
        tags: what the run is, its key among them
        params: the settings and, of a child, what was learned
        metrics: finite values
        files: artifacts by their path
        dataset: the scores
    """

    fold: str | None
    name: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    files: dict[str, bytes]
    dataset: Dataset

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything."""
        files = {path: _sha256(data) for path, data in self.files.items()}
        content = [self.name, self.tags, self.params, self.metrics, files, self.dataset.digest]
        return _sha256(json.dumps(content, sort_keys=True).encode())


def synchronise(
    uri: str,
    results: Path,
    study: str,
    experiments: Mapping[str, Mapping[str, Any]],
    config: Mapping[str, Any],
    config_digest: str,
) -> list[dict[str, Any]]:
    """Make MLflow show exactly the runs of a study whose files are in ``results/<study>``.

    Families of runs whose content is as it was are kept.
    The config and the pictures that all methods share are no part of that content:
    they are brought up to date within the kept runs, lest one method's change replaces all.
    Runs and experiments of the study that no longer belong are deleted,
    which in MLflow means hidden: ``mlflow gc`` frees their space.

    Args:
        uri: any tracking URI of MLflow, such as ``sqlite:////home/me/results/mlflow.db`` or ``http://127.0.0.1:5000``
        results: the folder that holds the study's folder
        study: its name
        experiments: by name, each as :func:`read_families` takes it
        config: the study's whole config, for the artifact ``config.yaml``
        config_digest: what the tag of that name says

    Returns:
        a row per run: experiment, method, fold (``None`` for a parent), run_id, digest,
        status (``kept`` or ``written``)

    Raises:
        InputError: if files of an experiment are missing or bad, before MLflow is touched
        RuntimeError: if MLflow cannot be reached or refuses; run again and nothing is lost or doubled
    """
    results = Path(results).resolve()
    families: dict[str, list[list[Content]]] = {}
    problems: list[str] = []
    for experiment, settings in experiments.items():
        try:
            families[experiment] = read_families(results, study, experiment, settings)
        except tables.InputError as error:
            problems += error.problems
    if problems:
        raise tables.InputError(problems)

    config_file = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True).encode()
    rows: list[dict[str, Any]] = []
    try:
        with _connected(uri) as client:
            _delete_experiments(client, study, keep=[f"{study}/{experiment}" for experiment in experiments])
            for experiment in experiments:
                location = None if uri.startswith("http") else str(results / "mlartifacts" / study / experiment)
                experiment_id = _get_or_create_experiment(client, study, experiment, location)
                shared = _pictures(results / study / experiment / "figures") | {"config.yaml": config_file}
                written = _synchronise_experiment(client, experiment_id, families[experiment], shared, config_digest)
                rows += [{"experiment": experiment} | row for row in written]
    except (MlflowException, OSError, sqlalchemy.exc.SQLAlchemyError) as error:
        raise RuntimeError(
            f"MLflow at {without_password(uri)} could not be brought into line with {results / study}: {error}\n"
            "No result is lost: the files have it all. Once that address answers, run the same command again."
        ) from None
    return rows


def read_families(results: Path, study: str, experiment: str, settings: Mapping[str, Any]) -> list[list[Content]]:
    """What the runs of an experiment should hold, read from its files.

    Args:
        results: the folder that holds the study's folder
        study: its name
        experiment: the name of the experiment
        settings: its ``corpus``, ``protocol`` and list of ``methods``;
            if it began with audio, also ``models``, params of all runs that say which models heard and read,
            and, if Whisper wrote the words down, ``wer``, the ``wer`` table of the test corpus

    Returns:
        a list per method: the parent, then a child per fold

    Raises:
        InputError: if a file is missing or bad, or ``metrics.parquet`` does not know a method
    """
    folder = results / study / experiment
    scores = tables.read_parquet(folder / "scores.parquet")
    metrics = tables.read(contracts.METRICS, folder / "metrics.parquet")
    comparison = tables.read(contracts.COMPARISON, folder / "comparison.parquet")
    source = Dataset(
        name=f"{study}/{experiment} scores",
        digest=_sha256((folder / "scores.parquet").read_bytes())[:12],  # MLflow allows 36, of which a person can see 12
        source_type="local",
        source=json.dumps({"uri": str(folder / "scores.parquet")}),
        schema=_schema(scores),
        profile=json.dumps({"num_rows": len(scores)}),
    )
    models = flatten(settings.get("models", {}))
    errors = word_error_rates(tables.read(contracts.WER, settings["wer"])) if settings.get("wer") else {}
    families: list[list[Content]] = []
    problems: list[str] = []
    for method in settings["methods"]:
        tags = {
            "study": study,
            "experiment": experiment,
            "corpus": str(settings["corpus"]),
            "protocol": str(settings["protocol"]),
            "method": method,
        }
        of_method = metrics[metrics["method"] == method]
        if of_method.empty:
            problems.append(f"{folder / 'metrics.parquet'}: has no row of method {method!r}")
            continue
        try:
            against_speech = comparison[comparison["method"] == method]
            families.append(_read_family(folder, tags, of_method, against_speech, source, models, errors))
        except tables.InputError as error:
            problems += error.problems
    if problems:
        raise tables.InputError(problems)
    return families


def _read_family(
    folder: Path,
    tags: dict[str, str],
    metrics: pd.DataFrame,
    comparison: pd.DataFrame,
    dataset: Dataset,
    models: dict[str, str],
    errors: dict[str, float],
) -> list[Content]:
    method = tags["method"]
    fusion = folder / "fusion" / method
    predictions = tables.read(contracts.PREDICTIONS, fusion / "predictions.parquet")
    learned = tables.read_json(fusion / "parameters.json")
    given = {"estimator": learned["estimator"], "fit_on": ", ".join(learned["fit_on"])} | learned["parameters"]
    key = f"{tags['study']}/{tags['experiment']}/{method}"
    tags = tags | {MLFLOW_SOURCE_NAME: f"{tags['study']}/{tags['experiment']}/fusion/{method}"}
    files = {path.name: path.read_bytes() for path in sorted(fusion.glob("[!.]*.*"))}
    family = [
        Content(
            fold=None,
            name=method,
            tags=tags | {KEY: key},
            params=models | flatten(given),
            metrics=means(metrics) | intervals(comparison) | errors,
            files=files | _pictures(folder / "figures" / method) | {"confusion.csv": confusion(predictions)},
            dataset=dataset,
        )
    ]
    for fold, values in metrics.groupby("fold"):
        tested = predictions[predictions["fold"] == fold]
        parameters = learned["folds"].get(fold, {})
        family.append(
            Content(
                fold=str(fold),
                name=f"{method}/{fold}",
                tags=tags | {KEY: f"{key}/{fold}", "fold": str(fold)},
                params=models | flatten(given) | flatten(parameters),
                metrics=means(values),
                files={
                    "predictions.parquet": tested.to_parquet(None, index=False),
                    "parameters.json": json.dumps(parameters, indent=2, sort_keys=True).encode(),
                    "confusion.csv": confusion(tested),
                },
                dataset=dataset,
            )
        )
    return family


def means(metrics: pd.DataFrame) -> dict[str, float]:
    """Mean over folds of each metric in each condition, by its name in MLflow.

    Args:
        metrics: rows of one method

    >>> means(pd.DataFrame({
    ...     "fold": ["Ses01F", "Ses01M", "Ses01F"],
    ...     "condition": ["all", "all", "improvised"],
    ...     "metric": ["UA", "UA", "UA"],
    ...     "value": [0.5, 0.75, 0.25],
    ... }))
    {'UA': 0.625, 'improvised/UA': 0.25}
    """
    mean = metrics.groupby(["condition", "metric"])["value"].mean()
    return _finite({name_of(metric, condition): value for (condition, metric), value in mean.items()})


def intervals(comparison: pd.DataFrame) -> dict[str, float]:
    """What a method's comparison against speech says, by name in MLflow.

    ``UA_difference`` and its bounds ``UA_difference_low`` and ``UA_difference_high`` for each metric and condition,
    and ``mcnemar_p`` for each condition: that test is about all predictions, whatever the metric.

    Args:
        comparison: rows of one method
    """
    values = {}
    for row in comparison.to_dict("records"):
        metric, condition = row["metric"], row["condition"]
        values[name_of(f"{metric}_difference", condition)] = row["difference"]
        values[name_of(f"{metric}_difference_low", condition)] = row["low"]
        values[name_of(f"{metric}_difference_high", condition)] = row["high"]
        values[name_of("mcnemar_p", condition)] = row["p"]
    return _finite(values)


def word_error_rates(wer: pd.DataFrame) -> dict[str, float]:
    """Word error rate in each condition, over all emotions, by name in MLflow.

    Args:
        wer: a ``wer`` table of one corpus

    >>> word_error_rates(pd.DataFrame({
    ...     "condition": ["all", "all", "improvised"],
    ...     "emotion": ["all", "sad", "all"],
    ...     "WER": [0.15, 0.2, 0.25],
    ... }))
    {'WER': 0.15, 'improvised/WER': 0.25}
    """
    whole = wer[wer["emotion"] == "all"]
    return _finite({name_of("WER", row["condition"]): row["WER"] for row in whole.to_dict("records")})


def name_of(metric: str, condition: str) -> str:
    """The name in MLflow of a metric in a condition; that of ``all`` is the metric's own.

    The UI makes a section of charts of what stands before the ``/``.

    >>> name_of("UA", "all"), name_of("recall_sad", "improvised")
    ('UA', 'improvised/recall_sad')
    """
    return legal(metric if condition == "all" else f"{condition}/{metric}")


def legal(name: str) -> str:
    """A name as MLflow allows it for a metric or a param: different names stay different.

    MLflow takes letters, digits, ``_``, ``-``, space and, as long as the name stays the same when it is read as a path,
    ``.`` and ``/``. Any other character is written as its code point in hexadecimal between colons.

    >>> legal("wrong_to_right/neutral_happy"), legal("sad→happy"), legal("a//b")
    ('wrong_to_right/neutral_happy', 'sad:2192:happy', 'a:2f::2f:b')
    """
    return re.sub(r"[^\w\-./ ]|(?<!\w)[./]|[./](?!\w)", lambda found: f":{ord(found[0]):x}:", name)


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Params of MLflow from nested values: keys are joined by dots, and what is no text is written as JSON.

    Values end where MLflow ends them, at 6 000 characters; ``parameters.json`` has them whole.

    >>> flatten({"thresholds": {"angry": {"entropy": 0.25, "varentropy": None}}, "excluded": [["sad", "happy"]]})
    {'thresholds.angry.entropy': '0.25', 'thresholds.angry.varentropy': 'null', 'excluded': '[["sad", "happy"]]'}
    """
    params: dict[str, str] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            params |= flatten(item, f"{name}.")
        else:
            text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
            too_long = len(text) > MAX_PARAM_VAL_LENGTH
            params[legal(name)] = text[: MAX_PARAM_VAL_LENGTH - 1] + "…" if too_long else text
    return params


def confusion(predictions: pd.DataFrame) -> bytes:
    """Counts of predicted emotions (columns) by true emotion (rows): a CSV, which the MLflow UI shows as a table."""
    names = list(tables.EMOTIONS)
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, tuple(pd.Categorical(predictions[name], names).codes for name in ("emotion", "predicted")), 1)
    return pd.DataFrame(counts, index=names, columns=names).to_csv(index_label="emotion").encode()


def without_password(uri: str) -> str:
    """A URI that can be shown.

    >>> without_password("postgresql://me:secret@db/mlflow")
    'postgresql://me:***@db/mlflow'
    """
    return re.sub(r"(?<=://)([^:/@]*):[^@]*@", r"\1:***@", uri)


def _do_not_wait_for_the_disk(connection: Any, record: Any) -> None:
    """Let sqlite trust the operating system with what it writes.

    By default it waits for the disk at each of some 600 commits of a study, for half of the time that a sync takes.
    Without that only a power cut can harm the database, and the files bring it back: delete it and run again.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def _connected(uri: str) -> Iterator[MlflowClient]:
    """A client of the store at a URI.

    One process at a time works on an sqlite database: two that migrate the same fresh one break it for good.
    A fresh one gets its name once it is whole, so that being killed half-way does not break it either.
    """
    if not uri.startswith("sqlite:"):
        yield MlflowClient(uri)
        return
    database = Path(str(sqlalchemy.make_url(uri).database)).resolve()
    database.parent.mkdir(parents=True, exist_ok=True)
    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _do_not_wait_for_the_disk)
    with filelock.FileLock(f"{database}.lock"):
        if not database.exists():
            with tables.replacing(database) as temporary:
                MlflowClient(f"sqlite:///{temporary}").search_experiments()
        yield MlflowClient(uri)


def _get_or_create_experiment(client: MlflowClient, study: str, experiment: str, location: str | None) -> str:
    # Not mlflow.set_experiment: two processes that set a new name at once end up in one another's experiment.
    name = f"{study}/{experiment}"
    found = client.get_experiment_by_name(name)
    if found is None:
        # Without a location of its own, the artifacts would land in ./mlruns of whoever was first.
        return client.create_experiment(name, location, tags={STUDY: study})
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def _delete_experiments(client: MlflowClient, study: str, keep: Sequence[str]) -> None:
    for experiment in client.search_experiments(filter_string=f"tags.`{STUDY}` = '{study}'"):
        if experiment.name not in keep:
            client.delete_experiment(experiment.experiment_id)


def _synchronise_experiment(
    client: MlflowClient,
    experiment_id: str,
    families: Sequence[Sequence[Content]],
    shared: Mapping[str, bytes],
    config_digest: str,
) -> list[dict[str, Any]]:
    """Keep or write each family, then delete every other run of ours."""
    shared_digest = _sha256(json.dumps([config_digest, *(f"{p} {_sha256(d)}" for p, d in shared.items())]).encode())
    tags = {MLFLOW_GIT_COMMIT: _git_commit(), CONFIG: config_digest}
    existing = _search_runs(client, experiment_id)
    rows = []
    for family in families:
        runs = _find_whole(existing, family)
        status = "kept" if runs else "written"
        if not runs:
            runs = _write(client, experiment_id, family, tags)
        parent, *children = runs
        if parent.data.tags.get(SHARED) != shared_digest:
            _log_files(client, parent.info.run_id, shared)
            for run in [*children, parent]:
                if run.data.tags[CONFIG] != config_digest:
                    client.set_tag(run.info.run_id, CONFIG, config_digest)
            # Last, so that what a crash cuts short is done again.
            client.set_tag(parent.info.run_id, SHARED, shared_digest)
        for content, run in zip(family, runs, strict=True):
            row = {"method": content.tags["method"], "fold": content.fold, "run_id": run.info.run_id}
            rows.append(row | {"digest": run.data.tags[DIGEST], "status": status})

    stay = {row["run_id"] for row in rows}
    for run in existing:
        if run.info.run_id not in stay:
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


def _find_whole(existing: Sequence[Run], family: Sequence[Content]) -> list[Run]:
    """The runs of a family, in its order, if all are there and finished with the same digests; else none."""
    parent, *children = family
    for candidate in existing:
        if not _is(candidate, parent):
            continue
        own = [run for run in existing if run.data.tags.get(MLFLOW_PARENT_RUN_ID) == candidate.info.run_id]
        found = [run for child in children for run in own if _is(run, child)]
        if len(own) == len(found) == len(children):
            return [candidate, *found]
    return []


def _is(run: Run, content: Content) -> bool:
    tags = run.data.tags
    same = tags[KEY] == content.tags[KEY] and tags[DIGEST] == content.digest
    return same and run.info.status == "FINISHED"


def _write(client: MlflowClient, experiment_id: str, family: Sequence[Content], tags: dict[str, str]) -> list[Run]:
    """Write a family: the parent is made first, for its id, and marked as finished last."""
    runs: list[Run] = []
    for content in family:
        own = content.tags | {DIGEST: content.digest} | tags
        if runs:
            own[MLFLOW_PARENT_RUN_ID] = runs[0].info.run_id
        run = client.create_run(experiment_id, run_name=content.name, tags=own)
        run_id = run.info.run_id
        metrics = [Metric(name, value, run.info.start_time, 0) for name, value in content.metrics.items()]
        params = [Param(name, value) for name, value in content.params.items()]
        # The most that one request may hold is 1000 values, 100 of them params.
        for values, settings in zip_longest(_parts(metrics, 900), _parts(params, 100), fillvalue=()):
            client.log_batch(run_id, metrics=values, params=settings)
        use = InputTag(MLFLOW_DATASET_CONTEXT, "evaluation")
        client.log_inputs(run_id, datasets=[DatasetInput(content.dataset, [use])])
        _log_files(client, run_id, content.files)
        runs.append(run)
    for run in reversed(runs):
        client.set_terminated(run.info.run_id)
    return runs


def _log_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, data in files.items():
            file = Path(folder, path)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)
        client.log_artifacts(run_id, folder)


def _pictures(folder: Path) -> dict[str, bytes]:
    return {f"figures/{path.name}": path.read_bytes() for path in sorted(folder.glob("[!.]*.png"))}


def _schema(frame: pd.DataFrame) -> str:
    """The columns of a table in MLflow's words, which its UI lists."""
    kinds = {name: "double" if dtype.kind == "f" else "string" for name, dtype in frame.dtypes.items()}
    return json.dumps({"mlflow_colspec": [{"name": name, "type": kind} for name, kind in kinds.items()]})


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Without NaN, which MLflow cannot store everywhere, and infinity, which it would turn into 1.8e308 and plot."""
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}


def _parts(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_commit() -> str:
    """The commit of the code that writes a run; it is no part of the digest, or each commit would rewrite all."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
