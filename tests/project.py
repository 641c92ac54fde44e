"""The real workflow on small inputs: a copy of the project, so that tests can edit it."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from helpers import ROOT


@functools.cache
def without_network() -> tuple[str, ...]:
    """How a command begins that has no network, not even this machine's own; empty where the system allows nobody."""
    for way in (("unshare", "--net"), ("unshare", "--map-current-user", "--net")):
        if shutil.which("unshare") and not subprocess.run([*way, "true"], capture_output=True).returncode:
            # Snakemake's plugin asks SLURM at each start, which would wait for an answer.
            return (*way, "env", "SLURM_CONF=/dev/null")
    return ()


class Project:
    """A copy of the project in a folder of its own, with a study, which runs without a network wherever that can be."""

    network = False
    """Whether it has one; a cluster's scheduler is asked by network."""

    def __init__(self, folder: Path, config: dict) -> None:
        self.folder = folder
        for name in ("Snakefile", "workflow", "profiles"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
        self.config = config
        self.write_config()

    @classmethod
    def at(cls, folder: Path) -> Project:
        """The project in a folder that already holds one."""
        project = cls.__new__(cls)
        project.folder = folder
        project.config = yaml.safe_load((folder / "study.yaml").read_text())
        return project

    def copy(self, folder: Path, copy_function: Callable = shutil.copy2) -> Project:
        """The same project with all that it has made, in another folder."""
        return self.at(shutil.copytree(self.folder, folder, copy_function=copy_function))

    def write_config(self, **changes) -> None:
        (self.folder / "study.yaml").write_text(yaml.safe_dump(self.config | changes, sort_keys=False))

    def start(
        self, *arguments: str, popen: Mapping[str, Any] | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        """Start Snakemake as a user would, on this copy, in a process group of its own."""
        inherited = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
        beginning = () if self.network else without_network()
        return subprocess.Popen(
            [*beginning, sys.executable, "-m", "snakemake", "--configfile", "study.yaml", "--cores", "2", *arguments],
            cwd=self.folder,
            env=inherited
            | {"PYTHONPATH": str(self.folder / "workflow"), "XDG_CACHE_HOME": str(self.folder / "cache")}
            | environment,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **{"stdout": subprocess.PIPE} | dict(popen or {}),
        )

    def snakemake(
        self, *arguments: str, popen: Mapping[str, Any] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end."""
        process = self.start(*arguments, popen=popen, **environment)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def run(self, *arguments: str, **environment: str) -> str:
        done = self.snakemake(*arguments, **environment)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def planned(self, *wildcards: str, targets: Sequence[str] = ()) -> set[str]:
        """The jobs that would run: each a rule and the values of these wildcards, of ``method`` where none is named."""
        text = self.run("--dry-run", *(["--", *targets] if targets else []))
        if "Nothing to be done" in text:
            return set()
        jobs = set()
        for rule, said in re.findall(r"\nJob \d+: (\w+)(?:: (.*))?\n", text):
            values = dict(pair.split(" ", 1) for pair in said.split(", ") if said)
            jobs.add(" ".join([rule, *(values[name] for name in wildcards or ["method"] if name in values)]))
        return jobs

    def append(self, name: str, text: str) -> None:
        """Add to a file of the library, or make it."""
        with (self.folder / "workflow/emofuse" / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


METHODS = {
    "speech": None,
    "oracle": {"fit_on": ["test"]},
    "paper": {"fit_on": ["train", "validation"], "parameters": {"steps": 20}},
    "entropy": {"parameters": {"trials": 10, "sampler": "random"}},
    "pareto": {"estimator": "entropy_varentropy", "parameters": {"search": "exact", "budget": 0.2}},
    "bayes_text": None,
}


def study(**changes) -> dict:
    return {
        "study": "small",
        "data_dir": "data",
        "corpora": {"made": {"reader": "released", "path": "Emotion-Recognition"}},
        "experiments": {"made": {"train": "made", "test": "made"}},
        "methods": METHODS,
        "evaluation": {"resamples": 200},
    } | changes


def audio_study(**changes) -> dict:
    """A study from audio: three shards per stage, a text expert of two, three of the corpus's four folds."""
    return {
        "study": "audio",
        "data_dir": "data",
        "device": "cpu",
        "corpora": {"voices": {"reader": "manifest", "path": "voices/corpus.csv"}},
        "experiments": {"voices": {"train": "voices", "test": "voices", "folds": ["anna", "bert", "cora"]}},
        "speech": {"checkpoint": {"path": "checkpoints/wav2vec2"}, "embeddings": {"shard_size": 20}},
        "transcripts": {"checkpoint": {"path": "checkpoints/whisper.pt"}, "shard_size": 20},
        "sentiment": {"checkpoint": {"path": "checkpoints/sentiment"}},
        "text_expert": {
            "experts": ["tfidf", "encoder"],
            "encoder": {"checkpoint": {"path": "checkpoints/sentiment"}, "shard_size": 30},
        },
        "methods": {
            "speech": None,
            "oracle": {"fit_on": ["test"]},
            "entropy": {"parameters": {"search": "exact"}},
            "bayes_text": None,
        },
        "evaluation": {"resamples": 200},
    } | changes


METHOD = '''
from emofuse.fusion.base import FusionMethod, normalised, speech


class Loudest(FusionMethod):
    """The voice, whatever is said."""

    def _predict_proba(self, scores):
        return normalised(speech(scores))
'''
"""A fusion method, as somebody would add it."""
