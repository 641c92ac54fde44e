"""A finished study, run once for all tests of the workflow."""

import shutil

import pytest
from helpers import make_release
from project import Project, study


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose study has run from nothing."""
    project = Project(tmp_path_factory.mktemp("finished"), study())
    make_release(project.folder / "data" / "Emotion-Recognition", speakers=4, utterances=40)
    project.output = project.run()
    return project


@pytest.fixture
def project(finished, tmp_path):
    """The finished project; what a test edits is put back, with its times."""

    def copy(source, target):
        shutil.rmtree(target, ignore_errors=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)

    for name in ("workflow", "study.yaml"):
        copy(finished.folder / name, tmp_path / name)
    yield finished
    for name in ("workflow", "study.yaml"):
        copy(tmp_path / name, finished.folder / name)
