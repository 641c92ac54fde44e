"""MLflow shows what the files say, whatever happened before."""

import json
import runpy
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from faults import servers
from mlflow import MlflowClient
from tracked import PARENT, assert_in_line, ids

from emofuse import contracts, tables
from emofuse.tables import InputError
from emofuse.tracking import server


def whole_methods(study):
    """Methods that have a finished parent with all its children."""
    runs = study.runs()
    children = defaultdict(set)
    for run in runs:
        if run.info.status == "FINISHED":
            children[run.data.tags.get(PARENT)].add(run.data.tags.get("fold"))
    finished = [run for run in runs if run.info.status == "FINISHED" and PARENT not in run.data.tags]
    return {run.data.tags["method"] for run in finished if len(children[run.info.run_id]) == 2}


def test_every_method_is_a_parent_and_every_fold_its_child(study):
    rows = study.synchronise()
    assert_in_line(study)
    runs = ids(study)
    assert {row["run_id"] for row in rows} == set(runs.values())
    assert {(row["method"], row["fold"]) for row in rows} == {
        (method, fold) for method in study.methods for fold in (None, "Ses01F", "Ses01M")
    }
    assert all(row["experiment"] == "iemocap" and row["status"] == "written" for row in rows)


def test_parents_have_means_under_the_names_of_the_children(study):
    study.synchronise()
    runs = study.runs_by_key()
    parent, first, second = (runs[f"released/iemocap/paper{fold}"].data.metrics for fold in ("", "/Ses01F", "/Ses01M"))
    metrics = ("UA", "WA", "log_loss")
    assert set(first) == {f"{metric}{condition}" for metric in metrics for condition in ("", ".improvised")}
    assert {name: parent[name] for name in first} == {name: np.mean([first[name], second[name]]) for name in first}
    compared = {"UA_difference": 0.02, "UA_difference_low": -0.01, "UA_difference_high": 0.05, "mcnemar_p": 0.25}
    assert compared.items() <= parent.items()
    assert {f"{name}.improvised": value for name, value in compared.items()}.items() <= parent.items()


def test_params_tags_dataset_and_artifacts_say_where_a_run_comes_from(study):
    study.synchronise()
    runs = study.runs_by_key()
    parent, child = runs["released/iemocap/paper"], runs["released/iemocap/paper/Ses01F"]
    given = {"estimator": "paper", "fit_on": "train, validation", "objective": "UA", "trials": "500"}
    learned = {"thresholds.angry.entropy": "0.25", "thresholds.angry.varentropy": "null"}
    assert parent.data.params == given
    assert child.data.params == given | learned | {"excluded": '[["sad", "happy"]]'}
    for run in (parent, child):
        tags = run.data.tags
        assert (tags["train"], tags["test"], tags["method"]) == ("iemocap", "iemocap", "paper")
        assert tags["protocol"] == "leave_one_speaker_out"
        assert len(tags["config_digest"]) == 64
        assert tags["mlflow.source.name"] == "released/iemocap/fusion/paper"
        assert tags["mlflow.source.git.commit"]
        (used,) = run.inputs.dataset_inputs
        assert used.dataset.name == "released/iemocap scores"
        assert json.loads(used.dataset.profile) == {"num_rows": 16}
    client = MlflowClient(study.uri)
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {
        "predictions.parquet",
        "parameters.json",
        "trials.parquet",
        "confusion.csv",
        "metrics.csv",
        "leaderboard.md",
        "config.yaml",
        "figures",
    }
    figures = {file.path for file in client.list_artifacts(parent.info.run_id, "figures")}
    assert figures == {"figures/confusion.png", "figures/leaderboard.png"}
    location = client.get_experiment(parent.info.experiment_id).artifact_location
    assert location == str(study.results / "mlartifacts" / "released" / "iemocap")
    tested = pd.read_parquet(Path(location, child.info.run_id, "artifacts", "predictions.parquet"))
    assert set(tested["fold"]) == {"Ses01F"}
    counts = pd.read_csv(Path(location, child.info.run_id, "artifacts", "confusion.csv"), index_col="emotion")
    assert (list(counts.index), list(counts.columns)) == ([*tables.EMOTIONS], [*tables.EMOTIONS])
    assert counts.to_numpy().sum() == len(tested)


def test_runs_that_began_with_audio_say_which_models_heard_and_read_and_how_well(study):
    counts = {"utterances": 8, "hits": 6, "substitutions": 1, "insertions": 1, "deletions": 1, "words": 8}
    rows = [("all", "all", 0.375), ("improvised", "all", 0.25), ("improvised", "sad", 0.5)]
    wer = pd.DataFrame([{"corpus": "iemocap", "condition": c, "emotion": e, **counts, "WER": w} for c, e, w in rows])
    tables.write(wer, contracts.WER, study.results / "wer.parquet")
    models = {"speech": {"checkpoint": "facebook/wav2vec2-base"}, "transcripts": {"checkpoint": "tiny"}}
    study.models, study.wer = models, str(study.results / "wer.parquet")
    study.synchronise()
    runs = study.runs_by_key()
    parent, child = runs["released/iemocap/paper"], runs["released/iemocap/paper/Ses01F"]
    for run in (parent, child):
        assert run.data.params["speech.checkpoint"] == "facebook/wav2vec2-base"
        assert run.data.params["transcripts.checkpoint"] == "tiny"
    assert (parent.data.metrics["wer"], parent.data.metrics["wer.improvised"]) == (0.375, 0.25)
    assert "WER" not in child.data.metrics  # it is the whole corpus's

    study.models["transcripts"]["checkpoint"] = "base"
    assert {row["status"] for row in study.synchronise()} == {"written"}


def test_a_second_sync_keeps_every_run(study):
    study.synchronise()
    before = ids(study)
    rows = study.synchronise()
    assert ids(study) == before
    assert {row["status"] for row in rows} == {"kept"}
    assert {row["run_id"] for row in rows} == set(before.values())


def changed(before, after):
    return {key.split("/")[2] for key in before | after if before.get(key) != after.get(key)}


def test_changed_predictions_replace_the_runs_of_their_method_alone(study):
    study.synchronise()
    before = ids(study)
    study.write_method("paper", seed=1)
    study.synchronise()
    assert changed(before, ids(study)) == {"paper"}
    assert_in_line(study)


def test_a_changed_parameter_replaces_the_runs_of_its_method_alone(study):
    study.synchronise()
    before = ids(study)
    study.write_method("stacking", parameters={"objective": "WA", "trials": 500})
    study.synchronise()
    assert changed(before, ids(study)) == {"stacking"}
    assert study.runs_by_key()["released/iemocap/stacking"].data.params["objective"] == "WA"


def test_a_changed_config_or_shared_picture_is_brought_up_to_date_within_the_runs(study):
    study.synchronise()
    before = study.runs_by_key()
    study.config = {"study": "released", "seed": 2}
    picture = study.folder / "figures" / "leaderboard.png"
    picture.write_bytes(study.folder.joinpath("figures", "paper", "confusion.png").read_bytes())
    study.synchronise()
    after = study.runs_by_key()
    assert ids(study) == {key: run.info.run_id for key, run in before.items()}
    digests = {run.data.tags["config_digest"] for run in after.values()}
    assert len(digests) == 1
    assert digests != {run.data.tags["config_digest"] for run in before.values()}
    artifacts = Path(after["released/iemocap/paper"].info.artifact_uri)
    assert "seed: 2" in (artifacts / "config.yaml").read_text()
    assert (artifacts / "figures" / "leaderboard.png").read_bytes() == picture.read_bytes()


def test_another_commit_of_the_code_changes_nothing(study, monkeypatch):
    study.synchronise()
    before = ids(study)
    monkeypatch.setattr(server, "_git_commit", lambda: "another")
    study.synchronise()
    assert ids(study) == before


def test_an_experiment_is_model_training_and_shows_its_leaderboard(study):
    study.synchronise()
    tags = MlflowClient(study.uri).get_experiment(study.experiment_id).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert tags["mlflow.note.content"] == study.leaderboard.read_text()
    tables.write_text("a page that is too long\n" * 2000, study.leaderboard)
    study.synchronise()
    note = MlflowClient(study.uri).get_experiment(study.experiment_id).tags["mlflow.note.content"]
    assert len(note) == 20000 and note.endswith("…")


def test_other_seconds_and_versions_change_tags_and_replace_no_run(study):
    study.write_record("evaluate/released/iemocap", 0.5, numpy="2.4.5", optuna="5.0.0")
    study.synchronise()
    before = ids(study)
    study.write_record("evaluate/released/iemocap", 0.75, numpy="2.4.6")
    study.synchronise()
    assert ids(study) == before
    tags = study.runs_by_key()["released/iemocap/paper"].data.tags
    made = {name: value for name, value in tags.items() if name.startswith(server.MADE)}
    assert made == {"runtime.evaluate": "0.8 s, jobs: 1", "machine.cpu": "a processor", "version.numpy": "2.4.6"}


def test_a_second_synchronisation_writes_nothing(study, monkeypatch):
    study.write_record("evaluate/released/iemocap", 0.5, numpy="2.4.6")
    study.synchronise()
    calls = ("create_run", "log_batch", "log_artifacts", "log_inputs", "set_tag", "delete_tag", "delete_run")
    for call in (*calls, "set_experiment_tag", "set_terminated"):
        monkeypatch.setattr(MlflowClient, call, lambda *_, **__: pytest.fail("written again"))
    assert {row["status"] for row in study.synchronise()} == {"kept"}


def test_a_method_that_left_the_config_disappears(study):
    study.synchronise()
    before = ids(study)
    study.methods = ["speech", "paper"]
    study.synchronise()
    assert_in_line(study)
    assert changed(before, ids(study)) == {"stacking"}


def test_an_experiment_that_left_the_study_disappears_and_comes_back(study):
    study.synchronise()
    before = ids(study)
    client = MlflowClient(study.uri)
    server.synchronise(study.uri, study.results, "released", {}, config={}, config_digest="", across={}, model={})
    assert client.get_experiment_by_name("released/iemocap").lifecycle_stage == "deleted"
    rows = study.synchronise()
    assert client.get_experiment_by_name("released/iemocap").lifecycle_stage == "active"
    assert ids(study) == before
    assert {row["status"] for row in rows} == {"kept"}


def test_runs_that_came_back_with_their_experiment_are_sorted_out(study):
    """MLflow restores all runs of an experiment, also those that had been replaced long before."""
    study.synchronise()
    study.write_method("paper", seed=1)
    study.synchronise()
    client = MlflowClient(study.uri)
    experiment = study.experiment_id
    client.delete_experiment(experiment)
    client.restore_experiment(experiment)
    assert len(study.runs()) == len(study.keys) + 3
    study.synchronise()
    assert_in_line(study)


def test_a_child_deleted_by_hand_comes_back(study):
    study.synchronise()
    MlflowClient(study.uri).delete_run(ids(study)["released/iemocap/paper/Ses01M"])
    study.synchronise()
    assert_in_line(study)


def test_runs_of_others_are_left_alone(study):
    study.synchronise()
    client = MlflowClient(study.uri)
    experiment = study.experiment_id
    other = client.create_run(experiment, run_name="mine").info.run_id
    study.methods = ["speech"]
    study.synchronise()
    assert client.get_run(other).info.lifecycle_stage == "active"


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("create_run", 0),
        ("create_run", 4),
        ("log_batch", 1),
        ("log_inputs", 8),
        ("log_artifacts", 3),
        ("set_terminated", 0),
        ("set_terminated", 2),
        ("set_terminated", 5),
        ("set_tag", 0),
        ("set_tag", 2),
        ("delete_run", 0),
        ("delete_run", 4),
    ],
)
def test_after_a_crash_at_any_call_the_next_sync_puts_everything_right(study, monkeypatch, call, number):
    study.synchronise()
    for method in study.methods:
        study.write_method(method, seed=1)
    study.config = {"seed": 2}
    done = 0
    original = getattr(MlflowClient, call)

    def crash(*args, **kwargs):
        nonlocal done
        if done == number:
            raise KeyboardInterrupt
        done += 1
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, crash)
        with pytest.raises(KeyboardInterrupt):
            study.synchronise()
    assert whole_methods(study) == set(study.methods)  # the old runs or the new ones
    study.synchronise()
    assert_in_line(study)
    after = ids(study)
    assert {row["status"] for row in study.synchronise()} == {"kept"}
    assert ids(study) == after


def test_a_server_that_is_down_is_named_quickly_and_nothing_is_lost(study, port):
    start = time.monotonic()
    with pytest.raises(InputError, match=rf"http://127.0.0.1:{port} could not .*\n.*run the same command again"):
        study.synchronise(f"http://127.0.0.1:{port}")
    assert time.monotonic() - start < 20  # MLflow by itself tries for four minutes
    study.synchronise()
    assert_in_line(study)


@pytest.mark.parametrize("scheme", ["postgresql+nodriver", "mysql+mysqldb", "mssql+pyodbc"])
def test_a_database_whose_driver_is_absent_is_named(study, scheme):
    with pytest.raises(InputError, match=rf"tracking.uri is '{scheme.replace('+', '.')}://\*\*\*@host/d'") as caught:
        study.synchronise(f"{scheme}://me:secret@host/d")
    assert "secret" not in str(caught.value)
    assert "should be the address of an MLflow server" in str(caught.value)


FILTERS = {
    "tags.method = 'paper' and tags.fold IS NULL": {"paper"},
    "tags.fold IS NULL and params.fit_on != 'test' and metrics.UA_difference_low > 0": {"paper"},
    "metrics.UA > 0.6 and metrics.selected < 0.5": {"paper", "paper/Ses01F"},
    "metrics.UA.improvised > 0.6 and tags.test = 'iemocap'": {"speech", "speech/Ses01M"},
    "tags.`version.numpy` != '2.4.6'": {"speech"},
}
"""What the README shows, and the runs that it finds in the study below."""


@pytest.mark.slow
def test_the_filters_that_the_readme_shows_find_what_they_say(study, serve):
    page = Path(__file__).parents[2].joinpath("README.md").read_text()
    shown = page.split("## Compare runs in MLflow")[1].split("\n## ")[0]
    study.methods = ["speech", "paper", "oracle"]
    study.write_record(f"fuse/{study.experiment}/speech", 1, numpy="2.4.5")
    study.write()
    tables.write_json(
        tables.read_json(study.folder / "fusion/oracle/parameters.json") | {"fit_on": ["test"]},
        study.folder / "fusion/oracle/parameters.json",
    )
    values = {
        ("paper", "Ses01F", "all", "UA"): 0.9,
        ("paper", "Ses01M", "all", "UA"): 0.5,
        ("speech", "Ses01F", "improvised", "UA"): 0.5,
        ("speech", "Ses01M", "improvised", "UA"): 0.9,
    }
    index = ["method", "fold", "condition", "metric"]
    metrics = tables.read(contracts.METRICS, study.folder / "metrics.parquet").set_index(index)
    metrics["value"] = [values.get(row, 0.3) for row in metrics.index]
    selected = metrics.xs("UA", level="metric", drop_level=False).rename(index={"UA": "selected"}).assign(value=0.2)
    tables.write(pd.concat([metrics, selected]).reset_index(), contracts.METRICS, study.folder / "metrics.parquet")
    comparison = tables.read(contracts.COMPARISON, study.folder / "comparison.parquet")
    comparison["low"] = np.where(comparison["method"] == "speech", np.nan, 0.01)
    tables.write(comparison, contracts.COMPARISON, study.folder / "comparison.parquet")
    study.synchronise()
    with serve(study) as address:
        client = MlflowClient(address)
        for text, names in FILTERS.items():
            assert f"`{text}`" in shown.replace("``", "`"), text
            assert {run.info.run_name for run in client.search_runs([study.experiment_id], text)} == names, text


@pytest.mark.slow
def test_a_server_that_goes_down_and_comes_back_ends_with_the_same_runs(study, serve, monkeypatch):
    with serve(study) as address:
        study.synchronise(address)
        assert_in_line(study, address)
        before = ids(study)
        artifacts = study.runs_by_key()["released/iemocap/paper"].info.artifact_uri
        assert artifacts.startswith("mlflow-artifacts:/")  # the server keeps them
    study.write_method("paper", seed=1)
    with pytest.raises(InputError, match=address):
        study.synchronise(address)
    assert ids(study) == before
    with serve(study) as address:
        study.synchronise(address)
        assert changed(before, ids(study)) == {"paper"}
        assert_in_line(study, address)


def test_bad_input_is_refused_before_mlflow_is_touched(study):
    (study.folder / "fusion" / "paper" / "parameters.json").unlink()
    with pytest.raises(tables.InputError, match=r"paper/parameters.json: no such file"):
        study.synchronise()
    assert MlflowClient(study.uri).get_experiment_by_name("released/iemocap") is None


def test_a_password_is_shown_neither_in_errors_nor_in_the_record_nor_in_the_config(study, port):
    uri = f"http://me:secret@127.0.0.1:{port}"
    with servers.impatient():
        text = servers.refused(study, uri)
    assert "secret" not in text
    assert text.count(f"http://***@127.0.0.1:{port}") == 2  # MLflow's own words name it again
    study.config = {"tracking": {"uri": uri}}
    study.synchronise()
    config = Path(study.runs_by_key()["released/iemocap/paper"].info.artifact_uri, "config.yaml").read_text()
    assert f"http://***@127.0.0.1:{port}" in config


def test_values_that_are_no_numbers_are_left_out(study):
    path = study.folder / "metrics.parquet"
    metrics = tables.read(contracts.METRICS, path)
    metrics.loc[metrics["metric"] == "log_loss", "value"] = np.inf
    metrics.loc[(metrics["metric"] == "UA") & (metrics["fold"] == "Ses01F"), "value"] = np.nan
    tables.write(metrics, contracts.METRICS, path)
    study.synchronise()
    runs = study.runs_by_key()
    parent, first, second = (runs[f"released/iemocap/paper{fold}"].data.metrics for fold in ("", "/Ses01F", "/Ses01M"))
    assert "log_loss" not in parent | first | second
    assert "UA" not in first
    assert parent["UA"] == second["UA"]


def test_more_params_and_metrics_than_a_request_may_hold_and_longer_ones(study):
    study.write_method("paper", parameters={f"weight_{row}": row for row in range(250)} | {"matrix": [0.5] * 5000})
    path = study.folder / "metrics.parquet"
    metrics = tables.read(contracts.METRICS, path)
    row = metrics.query("method == 'paper' and metric == 'UA' and condition == 'all'")
    many = [row.assign(metric=f"changed_{number}") for number in range(2000)]
    tables.write(pd.concat([metrics, *many]), contracts.METRICS, path)
    study.synchronise()
    child = study.runs_by_key()["released/iemocap/paper/Ses01F"].data
    assert child.params["weight_249"] == "249"
    assert len(child.params["matrix"]) == 6000
    assert child.params["matrix"].endswith("…")
    assert len(child.metrics) == 2006


@pytest.mark.slow
def test_two_studies_at_once_on_a_fresh_database_both_land_whole(study):
    Path(study.results / "mlflow.db").unlink()
    (study.results / ".mlflow.1.db").touch()  # of a process that was killed
    other = type(study)(study.results, study.uri, name="cross_corpus").write()
    code = "import json, sys; from emofuse.tracking import server; server.synchronise(**json.loads(sys.argv[1]))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, json.dumps({"uri": one.uri, **one.recipe})],
            stderr=subprocess.PIPE,
            text=True,
        )
        for one in (study, other)
    ]
    for process in processes:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    assert_in_line(study)
    assert_in_line(other)
    assert not list(study.results.glob(".mlflow.*"))
    assert not (Path.cwd() / "mlruns").exists()


def test_the_script_writes_what_the_sync_did_and_takes_sqlite_by_default(study):
    output = study.results / "released" / "tracking.json"
    log = study.results / "logs" / "track.log"
    script = Path(__file__).parents[2] / "workflow" / "scripts" / "track.py"
    params = SimpleNamespace(recipe={"uri": "", "code": "abc", **study.recipe})
    job = SimpleNamespace(params=params, input=[], output=[output], log=[log])
    runpy.run_path(str(script), init_globals={"snakemake": job})
    assert_in_line(study)
    written = tables.read_json(output)
    assert written["uri"] == study.uri
    assert {row["run_id"] for row in written["runs"]} == set(ids(study).values())
