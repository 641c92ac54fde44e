"""A process has a GPU of its own, and no cluster is asked for what it lacks. GPUs are numbers here: none is needed."""

import re
import subprocess
import sys

import pytest
from helpers import ROOT

from emofuse import gpus

CLAIMING = (
    "import os; from emofuse import gpus; gpus.claim_one_of(2); print(os.environ[gpus.VISIBLE], flush=True); input()"
)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts processes that claim one of two GPUs, say which, and hold it until they end."""
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    processes = []

    def start(**visible):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in visible.items():
                patch.setenv(name, value)
            command = [sys.executable, "-c", CLAIMING]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_no_two_processes_have_one_gpu_and_a_third_waits_for_the_first_that_ends(start):
    first, second = start(), start()
    held = {process.stdout.readline().strip(): process for process in (first, second)}
    assert sorted(held) == ["0", "1"]
    third = start()
    held["1"].kill()  # as hard as can be
    assert third.stdout.readline().strip() == "1"


def test_of_the_gpus_that_a_person_names_one_is_claimed(start):
    processes = [start(CUDA_VISIBLE_DEVICES="5, GPU-abc") for _ in range(2)]
    assert sorted(process.stdout.readline().strip() for process in processes) == ["5", "GPU-abc"]


def test_a_gpu_that_is_named_alone_is_assigned_already(start):
    processes = [start(CUDA_VISIBLE_DEVICES="3") for _ in range(2)]
    assert [process.stdout.readline().strip() for process in processes] == ["3", "3"]


def test_without_gpus_nothing_is_claimed(monkeypatch):
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    gpus.claim_one_of(0)
    assert gpus.claim("cpu") == "cpu"
    assert gpus.VISIBLE not in gpus.os.environ


@pytest.mark.parametrize(
    ("sinfo", "asked"),
    [("echo '(null)'", 0), ("echo '(null)'; echo gpu:a100:4", 1), ("exit 1", 1), (None, 1)],
    ids=["a cluster without", "a cluster with", "a cluster that does not answer", "no cluster"],
)
def test_a_gpu_is_asked_for_unless_the_cluster_has_none(sinfo, asked, tmp_path, monkeypatch):
    if sinfo is not None:
        (tmp_path / "sinfo").write_text(f"#!/bin/sh\n{sinfo}\n")
        (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    gpus.asked.cache_clear()
    assert (gpus.asked("auto"), gpus.asked("cpu")) == (asked, 0)
    gpus.asked.cache_clear()


def test_every_job_with_a_device_asks_for_a_gpu_and_claims_it():
    rules = "".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    device = 'device=study.config["device"],'
    assert rules.count(device) == len(re.findall(re.escape(device) + r"\n +gpu=lambda wildcards: gpus\.asked\(", rules))
    for path in sorted((ROOT / "workflow/scripts").glob("*.py")):
        script = path.read_text()
        assert script.count("resources.device") == script.count("gpus.claim(resources.device)"), path.name
