"""Experiments that train on the same share their speech models, whatever they test on."""

import pandas as pd
import pytest
from project import Project, audio_study

from emofuse.tables import EMOTIONS

pytestmark = pytest.mark.slow

CROSS = {"train": "voices", "protocol": "cross_corpus"}
"""By the protocol of experiments across corpora, each session of the source validates once."""


@pytest.fixture
def two_targets(tmp_path):
    """A project that has run nothing: one source of two sessions, two targets."""
    corpora = ("voices", "calls", "plays")
    listed = {name: {"reader": "manifest", "path": f"{name}/corpus.csv"} for name in corpora}
    experiments = {name: CROSS | {"test": name} for name in corpora[1:]}
    project = Project(tmp_path, audio_study(corpora=listed, experiments=experiments))
    for name in corpora:
        people = [(f"{name}_{session}_{number}", session) for session in ("one", "two") for number in range(2)]
        rows = [
            (f"{speaker}_{emotion}.wav", speaker, session, emotion)
            for speaker, session in people
            for emotion in EMOTIONS
        ]
        (tmp_path / "data" / name).mkdir(parents=True)
        table = pd.DataFrame(rows, columns=["path", "speaker", "session", "emotion"])
        table.to_csv(tmp_path / "data" / name / "corpus.csv", index=False)
    for checkpoint in ("wav2vec2/model.safetensors", "whisper.pt", "sentiment/model.safetensors"):
        (tmp_path / "checkpoints" / checkpoint).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "checkpoints" / checkpoint).touch()
    return project


def test_two_targets_of_one_source_share_its_models(two_targets):
    jobs = two_targets.planned("source", "models", "experiment", "fold")
    about_speech = {
        job for job in jobs if job.startswith(("source_folds", "speech_classifier", "target_speech", "finetune"))
    }
    assert about_speech == {
        "source_folds voices",
        "speech_classifier sources/voices/training one",
        "speech_classifier sources/voices/training two",
        "target_speech calls",
        "target_speech plays",
    }
