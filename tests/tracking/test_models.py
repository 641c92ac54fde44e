"""MLflow holds the model to take away, with its run, and in the registry where it is asked for."""

import filecmp
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from emofuse.tables import InputError


def versions(study):
    """Of the registered model, where the files of each lie."""
    registered = MlflowClient(study.uri).search_model_versions("name = 'emotions'")
    return {int(version.version): version.source for version in registered}


def sync(study):
    study.synchronise()
    return study.logged()


def test_a_model_is_logged_with_its_run_and_its_files_as_they_are(study):
    study.write_model()
    (model,) = sync(study)
    parent = study.runs_by_key()["released/iemocap/paper"]
    assert (model.name, model.source_run_id, str(model.status)) == ("released-paper", parent.info.run_id, "READY")
    assert [output.model_id for output in parent.outputs.model_outputs] == [model.model_id]
    assert model.params == parent.data.params and model.tags["mlflow.note.content"] == "# A model\n"
    assert {metric.key: metric.value for metric in model.metrics} == parent.data.metrics
    compared = filecmp.dircmp(study.results / "released/model", model.artifact_location)
    assert not compared.left_only and not compared.right_only and not compared.diff_files
    assert (Path(model.artifact_location) / "code/weights.txt").read_text() == "weights"
    history = MlflowClient(study.uri).get_metric_history(parent.info.run_id, "UA")
    assert len(history) == 1, "the run's own metrics are what they were"


def test_a_second_sync_logs_nothing_and_a_changed_model_replaces_the_old_one(study):
    study.write_model()
    (first,) = sync(study)
    (second,) = sync(study)
    assert second.model_id == first.model_id
    study.write_model("other weights")
    (changed,) = sync(study)
    assert changed.model_id != first.model_id
    study.write_method("paper", seed=1)  # its run is written anew, and the model belongs to that one
    (moved,) = sync(study)
    assert moved.source_run_id == study.runs_by_key()["released/iemocap/paper"].info.run_id != changed.source_run_id
    study.model = {}
    assert not sync(study)


def test_a_registered_model_has_a_version_for_each_of_its_contents_and_none_is_taken_away(study):
    study.write_model(registered_as="emotions")
    (first,) = sync(study)
    sync(study)
    assert versions(study) == {1: first.artifact_location}
    study.write_model("other weights", registered_as="emotions")
    models = {model.artifact_location for model in sync(study)}
    assert len(models) == 2 and set(versions(study).values()) == models
    study.model = {}
    assert {model.artifact_location for model in sync(study)} == models


@pytest.mark.parametrize(
    "call",
    [
        "create_logged_model",
        "log_model_artifacts",
        "log_outputs",
        "finalize_logged_model",
        "create_registered_model",
        "create_model_version",
        "set_logged_model_tags",
    ],
)
def test_after_a_crash_the_next_sync_has_one_whole_model_and_one_version(study, monkeypatch, call):
    study.write_model(registered_as="emotions")

    def crash(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, crash)
        with pytest.raises(KeyboardInterrupt):
            study.synchronise()
    (model,) = sync(study)
    assert str(model.status) == "READY" and list(versions(study).values()) == [model.artifact_location]
    assert [version["name"] for version in json.loads(model.tags["mlflow.modelVersions"])] == ["emotions"]


def test_a_model_that_is_missing_is_said_before_mlflow_is_touched(study):
    study.write_model()
    Path(study.model["seal"]).unlink()
    with pytest.raises(InputError, match=r"digests\.json: no such file"):
        study.synchronise()
