"""How long a study takes to start, and how much memory: a dry run, and a run that has nothing to do.

    python tests/benchmarks/start.py [ROWS …]

Snakemake itself on a manifest of 10 000, 100 000 and 1 000 000 rows, 10 sessions, 5 folds asked for, in a copy of the
project. Processor time, since other programs may run; the exponent of growth is that from the row above.
`first` reads the manifest, `dry run` lists all jobs of a study of which nothing is made, `nothing to do` has all files.
A shard holds a hundredth of the rows, so that as many jobs are listed for each size.
Targets, but for the first: 10 s and 1 GiB for 1 000 000 rows, 2 s for 10 000.

Last, what each job of a shard pays before it hears anything: its rows are listed from what the start has kept, against
the labels read anew.
"""

from __future__ import annotations

import csv
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import yaml
from helpers import peak_memory
from project import Project

from emofuse.corpora import base
from emofuse.study import Study
from emofuse.tables import EMOTIONS

SIZES = (10_000, 100_000, 1_000_000)
SESSIONS = 10
SHARDS = 100
STAGES = ("first", "dry run", "nothing to do")


def study(rows: int) -> dict:
    checkpoint = {"checkpoint": {"path": "checkpoint"}}
    shards = {"shard_size": max(rows // SHARDS, 1)}
    folds = [f"session{session}" for session in range(5)]
    within = {"train": "voices", "test": "voices", "protocol": "leave_one_session_out", "folds": folds}
    return {
        "study": "start",
        "data_dir": "data",
        "corpora": {"voices": {"reader": "manifest", "path": "corpus.csv"}},
        "experiments": {"within": within},
        "speech": checkpoint | {"embeddings": shards},
        "transcripts": {"checkpoint": {"path": "checkpoint/model.pt"}} | shards,
        "sentiment": checkpoint,
        "methods": {"speech": None, "entropy": {"parameters": {"search": "exact"}}},
    }


def write_manifest(path: Path, rows: int) -> None:
    random = np.random.default_rng(0)
    path.parent.mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "speaker", "emotion", "session", "dialog", "turn_start", "transcript"])
        for row, emotion in enumerate(random.integers(0, len(EMOTIONS), rows)):
            session, turn = row % SESSIONS, row // SESSIONS
            speaker, dialog = f"{session}{'ab'[turn % 2]}", f"{session}_{turn // 20}"
            words = f"some words of utterance {row}"
            values = [f"{dialog}/{row:07}.wav", speaker, EMOTIONS[emotion], f"session{session}", dialog, turn, words]
            table.writerow(values)


def timed(project: Project, *arguments: str) -> tuple[float, int, str]:
    """Processor time in seconds, peak memory in MiB, and what Snakemake says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(project.folder / "workflow"), "XDG_CACHE_HOME": str(project.folder)}
    command = [sys.executable, __file__, "--snakemake", "--configfile", "study.yaml", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (peak,) = re.findall(r"^peak (\d+)$", done.stdout, re.MULTILINE)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(peak), done.stdout


def make_all(project: Project) -> None:
    """Empty files in place of all results, accepted as what the jobs would have made."""
    *_, said = timed(project, "--summary")
    for line in said.splitlines():
        name = line.split("\t")[0]
        if name.startswith("results/"):
            path = project.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    timed(project, "--touch")


def start(rows: int, folder: Path) -> tuple[dict[str, tuple[float, int]], dict[str, float]]:
    project = Project(folder, study(rows))
    write_manifest(folder / "data/corpus.csv", rows)
    (folder / "checkpoint").mkdir()
    for name in ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json", "model.pt"):
        (folder / "checkpoint" / name).write_text("{}")
    measured = {}
    for stage in STAGES:
        if stage == STAGES[-1]:
            make_all(project)
        *figures, said = timed(project, "--dry-run")
        assert (stage == STAGES[-1]) == ("Nothing to be done" in said), said[-2000:]
        measured[stage] = tuple(figures)
    return measured, listing(folder)


def listing(folder: Path) -> dict[str, float]:
    """Seconds to list the rows of a shard, from what is kept and from the labels."""
    os.chdir(folder)
    loaded = Study.load(yaml.safe_load((folder / "study.yaml").read_text()))
    (corpus,) = loaded.corpora.values()
    recipe = loaded.corpus_recipe("embeddings", corpus.folder)
    seconds = {}
    for name, kept in {"kept": corpus.kept, "read anew": ""}.items():
        began = time.process_time()
        base.listed_by(recipe, corpus.path, False, kept, (0, SHARDS))
        seconds[name] = time.process_time() - began
    return seconds


def main(sizes: Sequence[int]) -> None:
    print(f"{'':15}{'rows':>10}{'seconds':>10}{'exponent':>10}{'MiB':>8}")
    last: dict[str, tuple[float, int]] = {}
    for number, rows in enumerate(sizes):
        with tempfile.TemporaryDirectory() as folder:
            measured, lists = start(rows, Path(folder))
            os.chdir("/")
        for stage, (seconds, peak) in measured.items():
            grown = np.log(seconds / last[stage][0]) / np.log(rows / sizes[number - 1]) if last else np.nan
            print(f"{stage:15}{rows:10,}{seconds:10.1f}{grown:10.2f}{peak:8}")
        print(
            f"{'rows of a shard':15}{rows:10,}  " + ", ".join(f"{name} {s:.2f} s" for name, s in lists.items()),
            flush=True,
        )
        last = measured


def snakemake(arguments: Sequence[str]) -> None:
    """Snakemake in this process, which then says how much memory it took."""
    from snakemake.cli import main as run

    try:
        run(list(arguments))
    finally:
        print("peak", peak_memory(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--snakemake"]:
        snakemake(sys.argv[2:])
    else:
        main([int(rows) for rows in sys.argv[1:]] or SIZES)
