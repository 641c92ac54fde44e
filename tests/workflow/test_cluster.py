"""With the shipped profile a study runs on SLURM as it runs here, and what a fault costs is a shard.

On a cluster of many machines ``--basetemp`` must name a folder that they share.
"""

import importlib.util
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

import psutil
import pytest

from emofuse import gpus


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
SHARDS = ("rule_embeddings_", "rule_transcripts_")
"""How the names of jobs begin that each hear a shard; which comes first, SLURM decides."""

RESULTS = {".parquet", ".safetensors", ".json", ".md", ".png"}


def results(folder):
    """The bytes of what a study computes, but for the numbers of MLflow's runs."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for place in ("corpora", "audio")
        for path in (folder / "results" / place).rglob("*")
        if path.suffix in RESULTS and path.name != "tracking.json"
    }


def submitted(output):
    """How often each job was submitted: a rule and what its log is named after, or a group."""
    logs = re.findall(r"has been submitted with SLURM jobid \d+ \(log: \S*/slurm_logs/(\S+)/\d+\.log\)", output)
    return Counter(log.removeprefix("rule_") for log in logs)


class Job(NamedTuple):
    """A job of SLURM.

    Attributes:
        number: SLURM's
        memory: what it asks for, in MB
        name: ``rule_``, the rule and what its log is named after
    """

    number: str
    memory: int
    name: str


def job(process, folder, name, *, state="R", after="0"):
    """A job of the study in a folder, submitted after another, whose name begins so, or so; waits for it."""
    while process.poll() is None:
        for line in slurm("squeue", "--noheader", "--states", state, "--format", "%i|%m|%k|%Z").splitlines():
            number, memory, comment, place = line.split("|", 3)
            if place == str(folder) and comment.startswith(name) and int(number) > int(after):
                return Job(number, int(memory.removesuffix("M")), comment.strip())
        time.sleep(0.2)
    raise AssertionError(process.communicate()[0][-6000:])


def lose_the_node(job):
    """Take a job's node, which is this machine, from SLURM and give it back.

    SLURM's daemon and all that it started are killed: a node that lives on would say of the jobs that begin again how
    those before them ended.

    Returns:
        the jobs that were on it, which SLURM itself starts again
    """
    node = slurm("squeue", "--noheader", "--jobs", job.number, "--format", "%N").strip()
    held = slurm("squeue", "--noheader", "--states", "R", "--nodelist", node, "--format", "%i").split()
    daemons = [daemon for daemon in psutil.process_iter() if daemon.name() in ("slurmd", "slurmstepd")]
    started = [process for daemon in daemons for process in daemon.children(recursive=True)]
    for process in [*daemons, *started]:  # whoever could tell of it first
        with suppress(psutil.NoSuchProcess):
            process.kill()
    slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    slurm("slurmd")
    # Until the node has been told to end them, or they would end as soon as they begin again.
    while re.findall(r"^Agent (?:queue size|count): +[1-9]", slurm("sdiag"), re.MULTILINE):
        time.sleep(0.2)
    for number in held:
        while number not in slurm("squeue", "--noheader", "--states", "PD", "--format", "%i").split():
            time.sleep(0.2)
        # SLURM would wait for two minutes.
        slurm("scontrol", "update", f"JobId={number}", "StartTime=now")
    return held


def test_a_study_with_a_killed_job_and_a_lost_node_gives_the_same_bytes_as_here(audio_copy):
    here = results(audio_copy.folder)
    shutil.rmtree(audio_copy.folder / "results")
    if not gpus.asked("auto"):
        audio_copy.write_config(device="auto")
    audio_copy.network = True
    process = audio_copy.start(*PROFILE, *OFTEN)
    try:
        killed = job(process, audio_copy.folder, SHARDS)
        slurm("scancel", killed.number)
        (others,) = (name for name in SHARDS if not killed.name.startswith(name))
        lost = job(process, audio_copy.folder, others)
        # No node of a cluster that others work on is taken from them: `.ci/slurm` makes this one.
        if re.search(r"ClusterName\s*= emofuse\n", slurm("scontrol", "show", "config")):
            assert lost.number in lose_the_node(lost)
        again = job(process, audio_copy.folder, killed.name, state="all", after=killed.number)
        assert again.memory == 2 * killed.memory
        output, _ = process.communicate()
    finally:
        process.send_signal(signal.SIGINT)  # the jobs are canceled, too
    assert process.returncode == 0, output[-6000:]
    assert results(audio_copy.folder) == here
    often = submitted(output)
    # Snakemake submits once more what was killed, and nothing else: SLURM itself starts again what a node lost.
    assert [count for _, count in often.most_common(2)] == [2, 1], f"{often}\n{output[-20000:]}"
    assert len(often) == 17, often
