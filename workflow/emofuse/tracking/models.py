"""The model to take away, in MLflow: a logged model of the run whose method it holds, and a version in the registry.

Its files are logged as they are, so that the copy that MLflow hands out is sealed as the original is. A logged model
cannot be changed: where the seal or the run is another, a new one is logged before the old one is deleted. One that
was registered stays, since a version is a promise to whoever loads it by its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow import MlflowClient, MlflowException
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric, Run
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS, MLFLOW_RUN_NOTE
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from emofuse.tracking.content import Packaged

STUDY = "emofuse.study"
"""Tag of an experiment and of a logged model: the study that it belongs to."""

DIGEST = "emofuse.digest"
"""Tag of a run: digest of all that was put into it, but for what all runs of the experiment share.
Tag of a logged model: digest of its seal, and with it of all its files."""

EXISTS = "RESOURCE_ALREADY_EXISTS"
"""The code of the error where another client has made a name first."""


def synchronise(
    client: MlflowClient, study: str, experiment_ids: Sequence[str], packaged: Packaged | None, run: Run | None
) -> dict[str, Any] | None:
    """Make MLflow hold the model of a study, and no other that is not registered.

    Args:
        client: of the store
        study: its name
        experiment_ids: of its experiments
        packaged: the model; ``None`` where the study makes none
        run: the parent run of its method

    Returns:
        ``model_id``, ``digest``, ``status`` (``kept`` or ``written``) and ``version`` in the registry (``None`` where
        it is not registered); ``None`` where the study makes no model
    """
    existing = list(_search(client, study, experiment_ids))
    record = None
    if packaged and run:
        model = next((model for model in existing if _is_whole(model, packaged, run)), None)
        status = "kept" if model else "written"
        model = model or _log(client, study, packaged, run)
        version = _register(client, model, packaged, run) if packaged.registered_as else None
        record = {"model_id": model.model_id, "digest": packaged.digest, "status": status, "version": version}
    for old in existing:
        if not (record and old.model_id == record["model_id"]) and not _versions(old):
            client.delete_logged_model(old.model_id)
    return record


def _search(client: MlflowClient, study: str, experiment_ids: Sequence[str]) -> Iterator[LoggedModel]:
    token = None
    while True:
        page = client.search_logged_models(
            list(experiment_ids), filter_string=f"tags.`{STUDY}` = '{study}'", page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _is_whole(model: LoggedModel, packaged: Packaged, run: Run) -> bool:
    """Whether a logged model holds these files, all of them, and belongs to this run."""
    of_this = model.tags.get(DIGEST) == packaged.digest and model.source_run_id == run.info.run_id
    return of_this and model.status == LoggedModelStatus.READY


def _log(client: MlflowClient, study: str, packaged: Packaged, run: Run) -> LoggedModel:
    """Log a model; it is ready last, so that what a crash cuts short is logged again."""
    tags = {STUDY: study, DIGEST: packaged.digest, MLFLOW_RUN_NOTE: packaged.card[:MAX_TAG_VAL_LENGTH]}
    model = client.create_logged_model(
        run.info.experiment_id, packaged.name, run.info.run_id, tags=tags, params=run.data.params
    )
    client.log_model_artifacts(model.model_id, str(packaged.folder))
    # The run's own metrics: as they are there already, they are added to the model alone.
    metrics = [
        Metric(name, value, run.info.start_time, 0, model_id=model.model_id)
        for name, value in sorted(run.data.metrics.items())
    ]
    client.log_batch(run.info.run_id, metrics=metrics)
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _register(client: MlflowClient, model: LoggedModel, packaged: Packaged, run: Run) -> str:
    """The version of a logged model in the registry, made where there is none."""
    name = str(packaged.registered_as)
    for registered in _versions(model):
        if registered["name"] == name:
            return str(registered["version"])
    if not client.search_registered_models(f"name = '{name}'"):
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != EXISTS:  # another study may register under the same name
                raise
    # A sync that was cut short may have left a version. MLflow knows it by where its files lie alone.
    source, versions = model.artifact_location, client.search_model_versions(f"name = '{name}'")
    version = next((version for version in versions if version.source == source), None)
    version = version or client.create_model_version(
        name, source, run.info.run_id, {DIGEST: packaged.digest}, model_id=model.model_id
    )
    registered = [*_versions(model), {"name": name, "version": version.version}]
    client.set_logged_model_tags(model.model_id, {MLFLOW_MODEL_VERSIONS: json.dumps(registered)})
    return str(version.version)


def _versions(model: LoggedModel) -> list[dict[str, Any]]:
    """The versions of a logged model in the registry, by name and number."""
    return json.loads(model.tags.get(MLFLOW_MODEL_VERSIONS, "[]"))
