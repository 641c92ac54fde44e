"""Finished studies, each run once for all tests of the workflow, however many processes share these."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from project import Project
from studies import of_audio, of_published_scores


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose study of published scores has run from nothing."""
    return made_once(of_published_scores, tmp_path_factory, "finished")


@pytest.fixture
def project(finished, tmp_path):
    """The finished project; what a test edits is put back, with its times."""
    with put_back(finished, tmp_path):
        yield finished


@pytest.fixture(scope="session")
def finished_audio(tmp_path_factory):
    """A project whose study has run from audio files and checkpoints."""
    return made_once(of_audio, tmp_path_factory, "audio")


@pytest.fixture
def audio(finished_audio, tmp_path):
    """The finished project; what a test edits is put back, with its times."""
    with put_back(finished_audio, tmp_path):
        yield finished_audio


@pytest.fixture
def audio_copy(finished_audio, tmp_path):
    """A copy of the finished project, with all its files, where jobs may run."""
    return finished_audio.copy(tmp_path / "copy")


def made_once(make, tmp_path_factory, name):
    """A finished project for this process, which one of all processes has made and run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"{name}-made"
    output = Path(f"{shared}.txt")
    with FileLock(f"{shared}.lock"):
        if not output.exists():
            shutil.rmtree(shared, ignore_errors=True)  # of a process that failed
            shared.mkdir()
            output.write_text(make(shared).run(), encoding="utf-8")
    project = Project.at(shutil.copytree(shared, tmp_path_factory.mktemp(name) / name))
    project.output = output.read_text(encoding="utf-8")
    return project


@contextmanager
def put_back(project, kept):
    """Afterwards the code and the config are what they were."""

    def copy(source, target):
        shutil.rmtree(target, ignore_errors=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)

    for name in ("workflow", "study.yaml"):
        copy(project.folder / name, kept / name)
    yield
    for name in ("workflow", "study.yaml"):
        copy(kept / name, project.folder / name)
