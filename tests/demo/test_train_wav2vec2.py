import hashlib

import numpy as np
import pytest
import torch

from emofuse.demo import train_wav2vec2
from emofuse.demo.material import decode, make_material
from emofuse.speech import embeddings


@pytest.fixture(scope="module")
def folder(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wav2vec2")
    train_wav2vec2.save(train_wav2vec2.train(material, steps=2, seed=0, batch_size=4), folder)
    return folder


def test_the_checkpoint_loads_as_public_ones_do(folder, recordings):
    model, extractor = embeddings.load({"path": str(folder)}, "cpu")
    states = embeddings.embed(model, extractor, recordings, budget=160_000, threads=1, precision="float32")
    assert states.shape == (3, 3, 96)
    assert np.isfinite(states).all()


def test_volume_reaches_the_model(folder):
    _, extractor = embeddings.load({"path": str(folder)}, "cpu")
    quiet = np.full(16000, 0.01, dtype=np.float32)
    assert np.array_equal(extractor(quiet, sampling_rate=16000).input_values[0], quiet)


def test_the_same_seed_trains_the_same_bytes(material, folder, tmp_path):
    def trained(seed):
        train_wav2vec2.save(train_wav2vec2.train(material, steps=2, seed=seed, batch_size=4), tmp_path / str(seed))
        return hashlib.sha256((tmp_path / str(seed) / "model.safetensors").read_bytes()).digest()

    assert trained(0) == hashlib.sha256((folder / "model.safetensors").read_bytes()).digest()
    assert trained(1) != trained(0)


@pytest.mark.slow
def test_it_learns_to_hear_volume():
    torch.manual_seed(0)
    train, held_out = make_material(300, 0), make_material(60, 1)
    model = train_wav2vec2.train(train, steps=100, seed=0)

    def heard(material):
        with torch.inference_mode():
            waves = [torch.from_numpy(decode(audio))[None] for audio in material["audio"]]
            return np.array([model(wave).last_hidden_state.mean(dim=1)[0].numpy() for wave in waves])

    volume = train["volume"] - train["volume"].mean()
    # Ridge regression on the states of the training material, tried on the held-out utterances.
    states = heard(train)
    mean = states.mean(axis=0)
    weights = np.linalg.solve((states - mean).T @ (states - mean) + np.eye(96), (states - mean).T @ volume)
    correlation = np.corrcoef((heard(held_out) - mean) @ weights, held_out["volume"])[0, 1]
    assert correlation > 0.7
