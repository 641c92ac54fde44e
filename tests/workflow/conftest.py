"""Finished studies, each run once for all tests of the workflow."""

import shutil
from contextlib import contextmanager

import encoders
import numpy as np
import pandas as pd
import pytest
import soundfile
from helpers import make_release
from project import Project, audio_study, study

from emofuse.demo import sentences, train_sentiment, train_whisper, voices
from emofuse.demo.material import make_material
from emofuse.tables import EMOTIONS


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose study of published scores has run from nothing."""
    project = Project(tmp_path_factory.mktemp("finished"), study())
    make_release(project.folder / "data" / "Emotion-Recognition", speakers=4, utterances=40)
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
    model = {"experiment": "voices", "method": "entropy"}
    project = Project(tmp_path_factory.mktemp("audio"), audio_study(model=model))
    make_voices(project.folder / "data" / "voices")
    make_checkpoints(project.folder / "checkpoints")
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


def make_voices(folder):
    """A corpus of 48 utterances: four speakers, two per session, three utterances of each emotion."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    rows = []
    for number, (speaker, voice) in enumerate({"anna": "f1", "bert": "m1", "cora": "f3", "dirk": "m3"}.items()):
        for emotion in EMOTIONS:
            for take in range(3):
                # Whisper's window is 3.4 s here.
                while len(text := sentences.sentence(random, emotion)) > 38:
                    pass
                file = f"{speaker}_{emotion}_{take}.wav"
                samples = voices.utter(text, voice, voices.EMOTIONAL_PROSODY[emotion], 16_000)
                soundfile.write(folder / file, samples, 16_000)
                rows.append((file, speaker, number // 2, emotion, text))
    table = pd.DataFrame(rows, columns=["path", "speaker", "session", "emotion", "transcript"])
    table.to_csv(folder / "corpus.csv", index=False)


def make_checkpoints(folder):
    """Small checkpoints, the demo's but hardly trained."""
    encoders.make(folder / "wav2vec2")
    material = make_material(60, seed=0)
    train_whisper.save(train_whisper.train(material, steps=3, seed=0), folder / "whisper.pt")
    train_sentiment.save(*train_sentiment.train(material, steps=3, seed=0), folder / "sentiment")
