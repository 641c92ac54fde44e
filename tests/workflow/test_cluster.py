"""With the shipped profile a study runs on SLURM as it runs here, and what a fault costs is a shard."""

import importlib.util
import re
import shutil
import subprocess
import time
from collections import Counter

import pytest


def slurm(*command):
    """What a command of SLURM says."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def answers():
    """Whether there is a cluster, and the plugin by which Snakemake uses it."""
    if shutil.which("sinfo") is None or importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return False
    return subprocess.run(["sinfo"], capture_output=True, timeout=60).returncode == 0


pytestmark = [pytest.mark.slow, pytest.mark.slurm, pytest.mark.skipif(not answers(), reason="no SLURM answers")]

PROFILE = ["--profile", "profiles/slurm"]
# A test asks more often than a cluster would like.
OFTEN = ["--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"]
RESULTS = {".parquet", ".safetensors", ".json", ".md", ".png"}


def results(folder):
    """The bytes of what a study computes, but for the numbers of MLflow's runs."""
    paths = [
        path for path in (folder / "results").rglob("*") if path.suffix in RESULTS and path.name != "tracking.json"
    ]
    apart = {"logs", "cache", "mlartifacts"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.relative_to(folder / "results").parts[0] not in apart
    }


def submitted(output):
    """How often each job was submitted: a rule and what its log is named after, or a group."""
    logs = re.findall(r"has been submitted with SLURM jobid \d+ \(log: \S*/slurm_logs/(\S+)/\d+\.log\)", output)
    return Counter(log.removeprefix("rule_") for log in logs)


def running(process, rule):
    """The SLURM job of a rule that runs now; waits for one."""
    while process.poll() is None:
        for line in slurm("squeue", "-h", "-t", "R", "-o", "%i %k").splitlines():
            if f" rule_{rule}_" in line:
                return line.split()[0]
        time.sleep(0.2)
    raise AssertionError(process.communicate()[0][-6000:])


def test_a_study_with_a_killed_job_and_a_lost_node_gives_the_same_bytes_as_here(audio_copy):
    here = results(audio_copy.folder)
    shutil.rmtree(audio_copy.folder / "results")
    process = audio_copy.start(*PROFILE, *OFTEN)
    killed = running(process, "embeddings")
    slurm("scancel", killed)
    lost = running(process, "transcripts")
    node = slurm("squeue", "-h", "-j", lost, "-o", "%N").strip()
    slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    slurm("scontrol", "update", f"NodeName={node}", "State=RESUME")
    # SLURM would wait for two minutes before it starts again what the node lost.
    requeued = [line.split()[0] for line in slurm("squeue", "-h", "-o", "%i %r").splitlines() if "BeginTime" in line]
    for job in requeued:
        slurm("scontrol", "update", f"JobId={job}", "StartTime=now")
    output, _ = process.communicate()
    assert process.returncode == 0, output[-6000:]
    assert results(audio_copy.folder) == here
    often = submitted(output)
    # SLURM itself starts again what a node loses; Snakemake submits once more what was killed, and nothing else.
    assert lost in requeued
    assert [count for _, count in often.most_common(2)] == [2, 1], often
    assert len(often) <= 16, often
