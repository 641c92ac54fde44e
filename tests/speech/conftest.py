"""Checkpoints and a corpus that are small enough to be made on the spot."""

import encoders
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

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
def utterances(tmp_path_factory):
    """60 utterances of 0.1 to 1.5 s by 3 speakers; an emotion is a pitch."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)
    rows = []
    for number in range(60):
        label = number % len(EMOTIONS)
        samples = round(16_000 * random.uniform(0.1, 1.5))
        tone = np.sin(2 * np.pi * 200 * (label + 1) * np.arange(samples) / 16_000)
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.3 * tone + 0.1 * random.standard_normal(samples), 16_000)
        rows.append((f"u{number}", "tones", f"s{number // 20}", "1", "", str(path), samples / 16_000, EMOTIONS[label]))
    names = ["utterance", "corpus", "speaker", "session", "condition", "path", "duration", "emotion"]
    return pd.DataFrame(rows, columns=names).assign(reference=None)


@pytest.fixture(scope="session")
def fold(utterances):
    split = utterances["speaker"].map({"s0": "train", "s1": "validation", "s2": "test"})
    return pd.DataFrame({"fold": "s2", "split": split, "utterance": utterances["utterance"]})
