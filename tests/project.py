"""The real workflow on a small release: a copy of the project, so that tests can edit it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from helpers import ROOT


class Project:
    """A copy of the project in a folder of its own, with a study on made scores."""

    def __init__(self, folder: Path, config: dict) -> None:
        self.folder = folder
        for name in ("Snakefile", "workflow", "envs"):
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / name)
        self.config = config
        self.write_config()

    def write_config(self, **changes) -> None:
        (self.folder / "study.yaml").write_text(yaml.safe_dump(self.config | changes, sort_keys=False))

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run Snakemake as a user would, on this copy."""
        inherited = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml", *arguments],
            cwd=self.folder,
            env=inherited
            | {"PYTHONPATH": str(self.folder / "workflow"), "XDG_CACHE_HOME": str(self.folder / "cache")}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def run(self, *arguments: str, **environment: str) -> str:
        done = self.snakemake(*arguments, **environment)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def planned(self) -> set[str]:
        """The jobs that would run, as ``rule`` or ``rule method``."""
        text = self.run("--dry-run")
        if "Nothing to be done" in text:
            return set()
        jobs = re.split(r"\n(?:local)?rule (\w+):\n", text)
        found = set()
        for name, block in zip(jobs[1::2], jobs[2::2], strict=True):
            method = re.search(r"wildcards: .*method=([\w-]+)", block.split("\n\n")[0])
            found.add(f"{name} {method[1]}" if method else name)
        return found - {"all"}

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
