"""A study is checked without Snakemake, which names no line of a config."""

import os
import subprocess
import sys

import pytest
from helpers import ROOT, make_release

from emofuse.check import check
from emofuse.corpora.released import FOLDS
from emofuse.tables import InputError

STUDY = """\
study: mine
corpora: {c: {reader: released, path: clone}}
experiments: {e: {train: c, test: c}}
methods: {speech: , mean: }
"""


def test_a_config_is_checked_with_its_folds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folds = make_release(tmp_path / "data" / "clone", speakers=4, utterances=4) / FOLDS
    (tmp_path / "study.yaml").write_text(STUDY)
    check("study.yaml")
    (folds / "fold_0").rename(folds / "fold_0_old")
    with pytest.raises(InputError, match="fold_0_old: is no fold"):
        check("study.yaml")


def test_the_command_names_the_line_and_prints_no_traceback(tmp_path):
    (tmp_path / "study.yaml").write_text("study: mine\ncorpora: {c: [}\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    command = [sys.executable, "-m", "emofuse.check", "study.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith("1 problem with the input:\n  - study.yaml: line 2, column 15: is not YAML (")
