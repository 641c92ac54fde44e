"""What a run holds follows from the files alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name
from PIL import Image

from emofuse import contracts, tables
from emofuse.tracking import content


def read(study, experiments=None):
    given = experiments or study.experiments()
    return content.read_study(study.name, given, study.config, study.across, study.results / "logs")["iemocap"]


def test_what_runs_hold_is_read_without_mlflow():
    code = "import sys; from emofuse.tracking import content; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_method_is_a_parent_with_a_child_per_fold(study):
    families = read(study).families
    assert [[run.name for run in family] for family in families] == [
        [method, f"{method}/Ses01F", f"{method}/Ses01M"] for method in study.methods
    ]
    assert {run.key for family in families for run in family} == study.keys


def test_files_are_read_wherever_the_rule_says_they_lie(study, tmp_path):
    experiments = study.experiments()
    before = read(study)
    paper = experiments["iemocap"]["methods"]["paper"]
    for number, file in enumerate(("predictions", "parameters", "trials")):
        paper[file] = str(Path(paper[file]).rename(tmp_path / f"{number}"))
    paper["figures"] = {"confusion": str(Path(paper["figures"]["confusion"]).rename(tmp_path / "3"))}
    after = read(study, experiments)
    assert [run.digest for family in after.families for run in family] == [
        run.digest for family in before.families for run in family
    ]


@pytest.mark.parametrize("name", ["predictions.parquet", "parameters.json", "trials.parquet", "figures/confusion.png"])
def test_another_artifact_is_another_content(study, name):
    before = read(study).families
    folder = study.folder / ("figures/paper" if "figures" in name else "fusion/paper")
    changes = {
        "predictions.parquet": lambda: study.write_method("paper", seed=1),
        "parameters.json": lambda: study.write_method("paper", parameters={"objective": "WA"}),
        "trials.parquet": lambda: pd.DataFrame({"fold": ["other"]}).to_parquet(folder / name),
        "figures/confusion.png": lambda: Image.new("L", (9, 9)).save(folder / "confusion.png"),
    }
    changes[name]()
    after = read(study).families
    assert [old[0].digest == new[0].digest for old, new in zip(before, after, strict=True)] == [True, False, True]
    assert before[1][0].artifacts[name] != after[1][0].artifacts[name]


def test_mcnemars_p_is_about_accuracy_and_given_once_per_condition():
    comparison = pd.DataFrame(
        [
            (condition, metric, 0.02, -0.01, 0.05, p if metric == "WA" else np.nan)
            for condition, p in (("all", 0.25), ("improvised", 0.5))
            for metric in ("UA", "WA", "F1")
        ],
        columns=["condition", "metric", "difference", "low", "high", "p"],
    )
    values = content.intervals(comparison)
    assert {name: value for name, value in values.items() if "mcnemar" in name} == {
        "mcnemar_p": 0.25,
        "mcnemar_p.improvised": 0.5,
    }
    assert len(values) == 2 * (3 * 3 + 1)


def test_the_confusion_is_a_table_of_whole_numbers():
    predictions = pd.DataFrame({"emotion": ["sad", "sad", "angry"], "predicted": ["happy", "sad", "angry"]})
    assert content.confusion(predictions).decode() == (
        "emotion,angry,happy,neutral,sad\nangry,1,0,0,0\nhappy,0,0,0,0\nneutral,0,0,0,0\nsad,0,1,0,1\n"
    )


def test_all_that_methods_lack_is_said_at_once(study):
    for path in ("paper/parameters.json", "paper/trials.parquet", "stacking/predictions.parquet"):
        (study.folder / "fusion" / path).unlink()
    (study.folder / "figures" / "stacking" / "confusion.png").unlink()
    study.write_method("speach")
    study.methods.append("speach")
    with pytest.raises(tables.InputError) as error:
        read(study)
    assert [problem.split("iemocap")[-1] for problem in error.value.problems] == [
        "/fusion/paper/parameters.json: no such file",
        "/fusion/paper/trials.parquet: no such file",
        "/fusion/stacking/predictions.parquet: no such file",
        "/figures/stacking/confusion.png: no such file",
        "/metrics.parquet: has no row of method 'speach'",
    ]


def test_all_that_experiments_lack_is_said_at_once(study):
    other = type(study)(study.results, study.uri, name="other").write()
    experiments = {"first": study.experiments()["iemocap"], "second": other.experiments()["iemocap"]}
    (study.folder / "metrics.parquet").unlink()
    (study.folder / "figures" / "leaderboard.png").unlink()
    (other.folder / "scores.parquet").unlink()
    experiments["second"]["wer"] = str(other.folder / "wer.parquet")
    with pytest.raises(tables.InputError) as error:
        content.read_study("released", experiments, {}, {}, "")
    assert [problem.split("results/")[-1] for problem in error.value.problems] == [
        "released/iemocap/metrics.parquet: no such file",
        "released/iemocap/figures/leaderboard.png: no such file",
        "other/iemocap/scores.parquet: no such file",
        "other/iemocap/wer.parquet: no such file",
    ]


def test_predictions_of_another_shape_are_refused(study):
    path = study.folder / "fusion" / "paper" / "predictions.parquet"
    pd.read_parquet(path).drop(columns="speaker").to_parquet(path)
    with pytest.raises(tables.InputError, match="column 'speaker' is missing"):
        read(study)


def test_a_fold_in_which_nothing_was_learned_has_the_params_of_its_parent(study):
    path = study.folder / "fusion" / "speech" / "parameters.json"
    tables.write_json(tables.read_json(path) | {"folds": {}}, path)
    parent, *children = read(study).families[0]
    assert [child.params for child in children] == [parent.params] * 2


def test_metrics_of_a_condition_that_a_fold_lacks_are_means_over_the_folds_that_have_it():
    metrics = pd.DataFrame(
        [("a", "all", "UA", 0.5), ("b", "all", "UA", 0.7), ("b", "scripted", "UA", 0.8)],
        columns=["fold", "condition", "metric", "value"],
    )
    assert content.means(metrics) == {"UA": 0.6, "UA.scripted": 0.8}


def test_scores_are_named_by_their_bytes(study):
    scores = read(study).families[0][0].scores
    columns = list(dict.fromkeys([*contracts.SCORES.columns, *contracts.SPOKEN.columns]))
    assert (scores.rows, list(scores.dtypes)) == (
        16,
        columns,
    )
    path = study.folder / "spoken.parquet"
    tables.write(tables.read(contracts.SPOKEN, path).assign(transcript="oh"), contracts.SPOKEN, path)
    assert read(study).families[0][0].scores.digest != scores.digest


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_every_name_becomes_legal(name):
    _validate_metric_name(content.legal(name))


@given(st.lists(st.text("aé./:→- \n", min_size=1, max_size=5), min_size=2, max_size=2, unique=True))
def test_different_names_stay_different(names):
    assert content.legal(names[0]) != content.legal(names[1])


@pytest.mark.parametrize("name", ["UA", "recall_sad", "wrong_to_right/neutral_happy", "Target - improvised/UA"])
def test_names_that_are_legal_stay_as_they_are(name):
    assert content.legal(name) == name


def test_counts_of_changed_pairs_are_in_a_file_and_no_metrics(study):
    metrics = pd.DataFrame(
        [
            ("paper", fold, "all", metric, value)
            for fold in ("Ses01F", "Ses01M")
            for metric, value in (("UA", 0.5), ("wrong_to_right", 3.0), ("wrong_to_right/sad_happy", 2.0))
        ],
        columns=["method", "fold", "condition", "metric", "value"],
    )
    assert content.means(metrics) == {"UA": 0.5, "wrong_to_right": 3}
    assert content.by_fold(metrics).decode() == (
        "condition,metric,Ses01F,Ses01M\nall,UA,0.5,0.5\nall,wrong_to_right,3.0,3.0\n"
        "all,wrong_to_right/sad_happy,2.0,2.0\n"
    )


@pytest.mark.parametrize("condition", ["all", "improvised", "scripted"])
def test_what_one_compares_comes_first_in_the_order_of_the_ui(condition):
    names = ["UA", "WA", "F1", "recall_sad", "log_loss", "Brier", "ECE", "selected", "UA_difference", "WER"]
    assert sorted(content.name_of(name, condition) for name in names)[:2] == [
        content.name_of(name, condition) for name in ("UA", "UA_difference")
    ]


def test_a_run_says_what_its_method_is_in_the_methods_own_words(study):
    parent, child, _ = read(study).families[1]
    assert parent.description == (
        "**paper**: Score selection by entropy and varentropy, with thresholds for each emotion that the voice "
        "predicts.\n\n"
        "Estimator `paper` with `objective` UA, `trials` 500, fitted on train, validation rows.\n\n"
        "Study `released`, experiment `iemocap`: trained on iemocap, tested on iemocap, leave one speaker out."
    )
    assert child.description == f"{parent.description}\n\nFold `Ses01F`."


def test_what_made_a_run_is_summed_over_jobs_and_no_part_of_its_content(study):
    before = read(study).families[1][0]
    study.write_record("evaluate/released/iemocap", 0.5, numpy="2.4.6")
    study.write_record("fuse/released/iemocap/paper", 1.25, numpy="2.4.5", optuna="5.0.0")
    study.write_record("fuse/released/iemocap/speech", 100)  # another method's
    study.write_record("evaluate/other/iemocap", 100)  # another study's
    (study.results / "logs/evaluate/released/torn.json").write_text("{")
    after = read(study).families[1][0]
    assert after.made == {
        "runtime.evaluate": "0.5 s, jobs: 1",
        "runtime.fuse": "1.2 s, jobs: 1",
        "machine.cpu": "a processor",
        "version.numpy": "2.4.5, 2.4.6",
        "version.optuna": "5.0.0",
    }
    assert after.digest == before.digest
    assert not read(study).families[1][1].made


def write_across(study, rows):
    """The `across` table of a study: rows of target, train, experiment, method, condition, UA, drop."""
    table = pd.DataFrame(rows, columns=["target", "train", "experiment", "method", "condition", "UA", "drop"])
    table = table.assign(within_UA=table["UA"] - table["drop"], low=np.nan, high=np.nan, utterances=8)
    folder = study.folder.parent
    tables.write(table, contracts.ACROSS, folder / "across.parquet")
    tables.write_text("# released\n", folder / "leaderboard.md")
    study.across = {
        "table": f"{folder / 'across.parquet'}",
        "leaderboard": f"{folder / 'leaderboard.md'}",
        "figures": {},
    }


def test_the_comparison_across_corpora_is_a_run_per_method(study):
    write_across(
        study,
        [
            ("msp", "msp", "within", "paper", "all", 0.75, np.nan),
            ("msp", "iemocap+third", "pooled", "paper", "all", 0.625, -0.125),
            ("msp", "iemocap", "scripts", "paper", "all", 0.5, -0.25),
            ("msp", "iemocap", "scripts", "paper", "read", 0.25, -0.5),
            ("msp", "iemocap", "all", "paper", "all", 0.625, -0.125),
            ("msp", "msp", "within", "speech", "all", 0.5, np.nan),
        ],
    )
    whole = content.read_study(study.name, study.experiments(), study.config, study.across, "")["across corpora"]
    (paper,), (speech,) = whole.families
    assert paper.metrics == {
        "UA/msp_to_msp": 0.75,
        "UA/iemocap and third_to_msp": 0.625,
        "drop/iemocap and third_to_msp": -0.125,
        "UA/iemocap_to_msp.scripts": 0.5,
        "drop/iemocap_to_msp.scripts": -0.25,
        "UA/iemocap_to_msp.scripts.read": 0.25,
        "drop/iemocap_to_msp.scripts.read": -0.5,
        "UA/iemocap_to_msp.all": 0.625,
        "drop/iemocap_to_msp.all": -0.125,
    }
    assert speech.metrics == {"UA/msp_to_msp": 0.5}
    for name in paper.metrics:
        _validate_metric_name(name)
    assert (paper.key, paper.tags["method"]) == ("released/across corpora/paper", "paper")
    assert whole.description == "# released\n"


def test_what_the_comparison_across_corpora_lacks_is_said(study):
    study.across = {"table": "gone.parquet", "leaderboard": str(study.leaderboard), "figures": {}}
    with pytest.raises(tables.InputError, match=r"gone.parquet: no such file"):
        content.read_study(study.name, study.experiments(), study.config, study.across, "")
