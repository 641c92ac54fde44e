"""Checkpoints and a corpus that are small enough to be made on the spot."""

import encoders
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from emofuse import audio, contracts
from emofuse.tables import EMOTIONS


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory):
    """Write a small random checkpoint; return it as a config names it."""

    def make(*args, **config):
        return encoders.make(tmp_path_factory.mktemp("checkpoint"), *args, **config)

    return make


@pytest.fixture(scope="session")
def checkpoint(make_checkpoint):
    return make_checkpoint()


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """The corpus's folder."""
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="session")
def corpus(root):
    """60 utterances of 0.1 to 1.5 s by 3 speakers; an emotion is a pitch."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(60):
        label = number % len(EMOTIONS)
        samples = round(16_000 * random.uniform(0.1, 1.5))
        tone = np.sin(2 * np.pi * 200 * (label + 1) * np.arange(samples) / 16_000)
        soundfile.write(root / f"{number}.wav", 0.3 * tone + 0.1 * random.standard_normal(samples), 16_000)
        rows.append((f"u{number}", f"s{number // 20}", f"{number}.wav", samples / 16_000, EMOTIONS[label]))
    table = pd.DataFrame(rows, columns=["utterance", "speaker", "path", "duration", "emotion"])
    return table.assign(corpus="tones", session="1", condition="", start=np.nan, end=np.nan)


@pytest.fixture(scope="session")
def utterances(corpus):
    return corpus.assign(dialog=None, given_fold=None, given_split=None)[list(contracts.UTTERANCES.columns)]


@pytest.fixture(scope="session")
def relative(corpus):
    """Recordings as the listing of the corpus writes them: with paths below its folder."""
    return corpus[list(contracts.RECORDINGS.columns)]


@pytest.fixture(scope="session")
def recordings(relative, root):
    return audio.resolve(relative, root)


@pytest.fixture(scope="session")
def as_parts(recordings, tmp_path_factory):
    """The same recordings one after the other in a single file, as parts of it."""
    path = tmp_path_factory.mktemp("dialog") / "dialog.wav"
    samples = [audio.load(path) for path in recordings["path"]]
    soundfile.write(path, np.concatenate(samples), audio.RATE)
    ends = np.cumsum([len(wave) for wave in samples]) / audio.RATE
    return recordings.assign(path=str(path), start=ends - recordings["duration"], end=ends)


@pytest.fixture(scope="session")
def fold(utterances):
    split = utterances["speaker"].map({"s0": "train", "s1": "validation", "s2": "test"})
    return pd.DataFrame({"fold": "s2", "split": split, "utterance": utterances["utterance"]})
