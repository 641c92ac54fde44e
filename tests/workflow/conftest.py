"""Finished studies, each run once for all tests of the workflow."""

import shutil
from contextlib import contextmanager

import pytest
from studies import of_audio, of_published_scores


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose study of published scores has run from nothing."""
    project = of_published_scores(tmp_path_factory.mktemp("finished"))
    project.output = project.run()
    return project


@pytest.fixture
def project(finished, tmp_path):
    """The finished project; what a test edits is put back, with its times."""
    with put_back(finished, tmp_path):
        yield finished


@pytest.fixture(scope="session")
def finished_audio(tmp_path_factory):
    """A project whose study has run from audio files and checkpoints."""
    project = of_audio(tmp_path_factory.mktemp("audio"))
    project.output = project.run()
    return project


@pytest.fixture
def audio(finished_audio, tmp_path):
    """The finished project; what a test edits is put back, with its times."""
    with put_back(finished_audio, tmp_path):
        yield finished_audio


@pytest.fixture
def audio_copy(finished_audio, tmp_path):
    """A copy of the finished project, with all its files, where jobs may run."""
    return finished_audio.copy(tmp_path / "copy")


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
