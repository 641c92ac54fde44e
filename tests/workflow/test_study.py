"""A study runs from published scores to a report, and only what changed runs again."""

import os
import shutil
import socket
import subprocess
import sys

import pandas as pd
import pytest
from project import without_network

from emofuse import contracts, tables

pytestmark = pytest.mark.slow

EXPERIMENT = "results/small/made"


def test_a_run_makes_everything(finished):
    folder = finished.folder
    for contract in (contracts.SCORES, contracts.CHOICES, contracts.METRICS, contracts.COMPARISON, contracts.FRONT):
        tables.read(contract, folder / EXPERIMENT / f"{contract.name}.parquet")
    tables.read(contracts.PREDICTIONS, folder / EXPERIMENT / "fusion/chosen/predictions.parquet")
    for method in finished.config["methods"]:
        tables.read(contracts.PREDICTIONS, folder / EXPERIMENT / "fusion" / method / "predictions.parquet")
        tables.read(contracts.TRIALS, folder / EXPERIMENT / "fusion" / method / "trials.parquet")
        parameters = tables.read_json(folder / EXPERIMENT / "fusion" / method / "parameters.json")
        assert sorted(parameters["folds"]) == ["Ses01F", "Ses01M", "Ses02F", "Ses02M"]
    assert (folder / "results/mlflow.db").exists()
    runs = tables.read_json(folder / "results/small/tracking.json")["runs"]
    assert len(runs) == len(finished.config["methods"]) * (1 + 4)
    report = (folder / "results/small/report.html").read_text(encoding="utf-8")
    assert "Ses01F" in report and "paper" in report


def test_it_ran_where_no_connection_can_be_made(finished):
    """As all projects of these tests do, wherever the system allows a process to be without a network."""
    if not without_network():
        pytest.skip("this system gives no process a network namespace of its own (unshare --net)")
    connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])))"
    with socket.create_server(("127.0.0.1", 0)) as here:
        for host, port in (here.getsockname(), ("192.0.2.1", 80)):
            command = [*without_network(), sys.executable, "-c", connect, host, str(port)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert "Network is unreachable" in done.stderr
    done = finished.snakemake("--version")
    assert (done.returncode, tuple(done.args[: len(without_network())])) == (0, without_network())


def test_nothing_runs_twice(finished):
    assert finished.planned() == set()


def test_a_method_whose_parameters_changed_runs_and_no_other(project):
    methods = project.config["methods"] | {"entropy": {"parameters": {"trials": 11, "sampler": "random"}}}
    project.write_config(methods=methods)
    planned = project.planned()
    assert {job for job in planned if job.startswith("fuse")} == {"fuse entropy"}
    assert planned >= {"fuse entropy", "evaluate", "report", "track"}
    assert not planned & {"published", "published_scores", "text_expert", "front"}


def test_two_swapped_parameter_values_run_again(project):
    swapped = {"fit_on": ["train", "validation"], "parameters": {"trials": 20, "budget": None}}
    before = project.config["methods"] | {"entropy": swapped}
    project.write_config(methods=before, evaluation={"resamples": 200, "confidence": 0.9}, seed=1)
    first = project.planned()
    assert "fuse entropy" in first
    # The same numbers, swapped between two keys of one rule's parameters.
    project.write_config(methods=project.config["methods"] | {"paper": {"fit_on": ["validation", "train"]}})
    assert "fuse paper" in project.planned()


def test_a_new_method_runs_alone(project):
    project.write_config(methods=project.config["methods"] | {"mean": None})
    assert {job for job in project.planned() if job.startswith("fuse")} == {"fuse mean"}


@pytest.mark.parametrize(
    ("file", "old", "new", "reruns"),
    [
        # Two imports away: scripts/fuse → selection → search.
        ("fusion/search.py", "STEPS = 1_000", "STEPS = 500", {"fuse entropy", "fuse pareto"}),
        ("fusion/paper.py", "ENTROPY_QUANTILES = (0.65, 0.85)", "ENTROPY_QUANTILES = (0.6, 0.85)", {"fuse paper"}),
        ("evaluation/metrics.py", "ECE_BINS = 15", "ECE_BINS = 10", {"evaluate"}),
        ("corpora/released.py", "1 - score) / 2", "1 - score) / 2.0", {"published"}),
    ],
)
def test_an_edit_of_the_library_reruns_what_reaches_it(project, file, old, new, reruns):
    project.edit(f"workflow/emofuse/{file}", old, new)
    planned = project.planned()
    assert reruns <= planned
    upstream = {"published", "text_expert"} | {f"fuse {name}" for name in project.config["methods"]} | {"evaluate"}
    if "published" not in reruns:
        downstream = {"evaluate"} | ({"front"} if "fuse pareto" in reruns else set())
        assert planned & upstream <= reruns | downstream


def test_a_comment_or_a_docstring_reruns_nothing(project):
    project.edit("workflow/emofuse/fusion/search.py", "STEPS = 1_000", "# Steps.\nSTEPS = 1_000")
    project.edit("workflow/emofuse/tables.py", '"""Read a Parquet table and check it.', '"""Read and check a table.')
    project.edit("workflow/scripts/fuse.py", "recipe, output = ", "# What the rule says.\nrecipe, output = ")
    assert project.planned() == set()


def test_a_result_that_is_gone_is_made_anew_though_report_and_runs_are_there(finished, tmp_path):
    """Whether it is asked for, as the leaderboard is, or nobody reads it, as a front of one method, or only others."""
    project = finished.copy(tmp_path / "copy")
    gone = {
        "leaderboard.md": "evaluate",
        "fusion/paper/trials.parquet": "fuse paper",
        "fusion/oracle/front.parquet": "fuse oracle",
        "figures/paper/plane.png": "figures_methods",
        "text_expert.parquet": "text_expert",
    }
    for name in gone:
        (project.folder / EXPERIMENT / name).unlink()
    planned = project.planned()
    assert set(gone.values()) | {"report", "track"} <= planned
    assert not {"published_scores", "fuse entropy"} & planned


def test_a_damaged_result_is_named_and_is_made_anew_with_what_reads_it(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    damaged = {"leaderboard.md": "evaluate", "fusion/paper/trials.parquet": "fuse paper", "front.parquet": "front"}
    for name in damaged:
        os.truncate(project.folder / EXPERIMENT / name, 7)
    (project.folder / "results/mlflow.db").unlink()
    planned = project.planned()
    assert set(damaged.values()) | {"report", "track"} <= planned
    assert not {"published_scores", "fuse entropy"} & planned
    said = project.run("--dry-run")
    for name in damaged:
        assert f"{EXPERIMENT}/{name}: not as it was written; is made anew" in said
    assert "results/mlflow.db: gone; its runs are made anew" in said


def test_what_another_run_is_at_work_on_is_not_called_damaged(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    os.truncate(project.folder / EXPERIMENT / "leaderboard.md", 7)
    lock = project.folder / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{EXPERIMENT}/leaderboard.md\n")
    assert "evaluate" not in project.planned()
    lock.unlink()
    assert "evaluate" in project.planned()


def test_a_touched_but_unchanged_input_reruns_nothing(project):
    for path in [*(project.folder / "data").rglob("*.csv"), project.folder / EXPERIMENT / "scores.parquet"]:
        os.utime(path)
    assert project.planned() == set()


def test_a_changed_input_reruns_everything_after_it(project):
    path = next((project.folder / "data").rglob("fold_0/test-predictions-raw.csv"))
    kept = path.read_bytes()
    frame = pd.read_csv(path, dtype=str)
    frame.loc[0, "transcription"] = "OTHER WORDS"
    frame.to_csv(path, index=False)
    planned = project.planned()
    path.write_bytes(kept)
    assert {"published", "text_expert", "fuse speech", "evaluate", "report", "track"} <= planned


def test_the_same_inputs_give_the_same_bytes(finished, tmp_path):
    project = finished.copy(tmp_path / "again")
    shutil.rmtree(project.folder / EXPERIMENT)
    project.run(
        "--forceall", *(f"{EXPERIMENT}/{name}" for name in ("leaderboard.md", "front.parquet", "telling.parquet"))
    )
    for path in sorted((finished.folder / EXPERIMENT).rglob("*")):
        if path.suffix in {".parquet", ".json", ".md"}:
            again = project.folder / EXPERIMENT / path.relative_to(finished.folder / EXPERIMENT)
            assert again.read_bytes() == path.read_bytes(), path.name
