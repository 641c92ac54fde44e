"""A new method is one class, a new reader one file, a new protocol one function: each is seen to work at once."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from helpers import ROOT
from project import METHOD

pytestmark = pytest.mark.slow

LEADERBOARD = "results/small/made/leaderboard.md"


def python(project, *arguments):
    """Run Python with the library of a copy of the project."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": f"{project.folder / 'workflow'}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
    )


def test_a_method_is_one_class_and_its_entry_in_a_study(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    described = METHOD.replace(
        "    def _predict",
        '    def __init__(self, power: Annotated[float, Field(gt=0, description="How loud.")] = 1.0):\n'
        "        self.power = power\n\n    def _predict",
    )
    header = "from typing import Annotated\n\nfrom pydantic import Field\n"
    project.append("fusion/loudest.py", header + described)
    # the config's check
    project.write_config(methods=project.config["methods"] | {"loudest": {"parameters": {"powr": 2}}})
    refused = project.snakemake("--dry-run")
    assert (
        "methods.loudest.parameters: unknown key 'powr'; should be one of power; did you mean 'power'?"
        in refused.stdout
    )
    # the documentation
    document = python(project, "-c", "from emofuse.documentation import document; print(document())").stdout
    assert "## `parameters` of estimator `loudest`\n\nThe voice, whatever is said." in document
    assert "| `power` | How loud. | number > 0 | `1.0` |" in document
    # scikit-learn's own checks
    tests = [str(ROOT / "tests/fusion/test_estimators.py"), "-k", "loudest", "-q", "-p", "no:cacheprovider"]
    checked = python(project, "-m", "pytest", f"--rootdir={ROOT}", *tests)
    assert checked.returncode == 0 and " passed" in checked.stdout, checked.stdout[-2000:]
    # the leaderboard
    project.write_config(methods=project.config["methods"] | {"loudest": {"parameters": {"power": 2}}})
    project.run("--", LEADERBOARD)
    assert "| loudest |" in (project.folder / LEADERBOARD).read_text()


def test_a_method_need_not_live_in_the_project(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    (project.folder / "mine.py").write_text(METHOD)
    project.write_config(methods=project.config["methods"] | {"mine": {"estimator": "mine.py:Loudest"}})
    fused = ("results/small/made/fusion/mine/predictions.parquet",)
    project.run("--", *fused)
    assert project.planned(targets=fused) == set()
    (project.folder / "mine.py").write_text(METHOD.replace('"""The voice', '"""Only the voice') + "\n# Why.\n")
    assert project.planned(targets=fused) == set()
    (project.folder / "mine.py").write_text(METHOD.replace("return normalised(", "return 1.0 * normalised("))
    assert {job for job in project.planned() if job.startswith("fuse")} == {"fuse mine"}


def test_a_method_may_lie_in_an_installed_package(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    package = project.folder / "workflow/theirs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "methods.py").write_text(METHOD)
    project.write_config(methods=project.config["methods"] | {"theirs": {"estimator": "theirs.methods:Loudest"}})
    project.run("--", "results/small/made/fusion/theirs/predictions.parquet")
    fused = ("results/small/made/fusion/theirs/predictions.parquet",)
    assert project.planned(targets=fused) == set()
    (package / "methods.py").write_text(METHOD.replace("return normalised(", "return 1.0 * normalised("))
    assert project.planned(targets=fused) == {"fuse theirs"}


READER = '''
from pathlib import Path

import pandas as pd

from emofuse.corpora.base import COLUMNS, Listing, Reader


class Folders(Reader):
    """A folder per speaker, a file per utterance that is named after its emotion."""

    emotions = {"angry": "angry", "happy": "happy", "neutral": "neutral", "sad": "sad"}
    layout = "a folder of speakers' folders"

    def is_at(self, path):
        return any(path.glob("*/*.wav"))

    def watched(self, path):
        return []

    def read(self, path):
        rows = [
            {"utterance": f"{file.parent.name}_{file.stem}", "speaker": file.parent.name, "session": file.parent.name,
             "condition": "", "path": f"{file.parent.name}/{file.name}", "start": None, "end": None,
             "label": file.stem.split("_")[0], "reference": None, "source": str(file)}
            for file in sorted(path.glob("*/*.wav"))
        ]
        return Listing(pd.DataFrame(rows, columns=COLUMNS), [])
'''

PROTOCOL = '''

@protocol
def first_speaker_tests(utterances: pd.DataFrame, *, validates: str) -> Iterator[Fold]:
    """The first speaker by name tests, and one that the config names validates."""
    speaker = utterances["speaker"]
    tests, held = (speaker == speaker.min()).to_numpy(), (speaker == validates).to_numpy()
    yield Fold(speaker.min(), ~(tests | held), held, tests)
'''


def test_a_reader_is_one_file_and_a_protocol_one_function(finished_audio, tmp_path):
    project = finished_audio.copy(tmp_path / "copy")
    project.append("corpora/folders.py", READER)
    project.append("splits.py", PROTOCOL)
    listed = pd.read_csv(project.folder / "data/voices/corpus.csv")
    for row in listed.itertuples():
        file = project.folder / "data/folders" / row.speaker / row.path.removeprefix(f"{row.speaker}_")
        file.parent.mkdir(parents=True, exist_ok=True)
        os.link(project.folder / "data/voices" / row.path, file)
    experiment = {"train": "mine", "test": "mine", "protocol": "first_speaker_tests"}
    whole = {"shard_size": 100}
    changes = {
        "study": "folders",
        "corpora": {"mine": {"reader": "folders", "path": "folders"}},
        "speech": project.config["speech"] | {"embeddings": whole},
        "transcripts": project.config["transcripts"] | whole,
        "methods": {"speech": None, "mean": None},
        "model": None,
    }
    project.write_config(**changes, experiments={"mine": experiment | {"validate": "bert"}})
    refused = project.snakemake("--dry-run")
    assert "experiments.mine: unknown key 'validate'" in refused.stdout
    assert "did you mean 'validates'?" in refused.stdout
    project.write_config(**changes, experiments={"mine": experiment | {"validates": "bert"}})
    project.run("--", "results/folders/mine/leaderboard.md")
    assert "Mean over the fold anna" in (project.folder / "results/folders/mine/leaderboard.md").read_text()
    document = python(project, "-c", "from emofuse.documentation import document; print(document())").stdout
    assert "reader `folders`" in document and "protocol `first_speaker_tests`" in document
    assert "| `validates` (required) |" in document


def test_published_scores_obey_the_experiment(tmp_path, finished):
    project = finished.copy(tmp_path / "copy")
    experiments = {"one": {"train": "made", "test": "made", "folds": ["Ses01F"]}}
    project.write_config(study="one", experiments=experiments)
    project.run("--", "results/one/one/scores.parquet")
    assert pd.read_parquet(project.folder / "results/one/one/scores.parquet")["fold"].unique().tolist() == ["Ses01F"]
    project.write_config(study="one", experiments={"one": experiments["one"] | {"folds": ["Ses01X"]}})
    assert "folds: 'Ses01X' is no fold; should be one of Ses01F" in project.snakemake("--dry-run").stdout
