"""A text's embedding is the mean of each layer's states over its own tokens, whatever it is read together with."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from helpers import ROOT
from language_models import SPECIAL, make, write_xlm_r
from safetensors.torch import load_file

from emofuse.tables import InputError
from emofuse.text import embeddings

TEXTS = ["", "i am so happy to see you", "no", "it rains again and again", "this is the WORST day of my life", "no"]


@pytest.fixture(scope="module", params=["bert", "bert for masked words", "distilbert", "xlm-r"])
def loaded(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "encoder"
    checkpoint = {"path": str(write_xlm_r(folder))} if request.param == "xlm-r" else make(folder, request.param)
    return embeddings.load(checkpoint, "cpu")


@torch.inference_mode()
def one_by_one(model, tokenizer, texts):
    """What each layer says of each text alone, without any padding."""
    means = [
        [states[0].mean(0).numpy() for states in model(**inputs, output_hidden_states=True).hidden_states]
        for inputs in (tokenizer(text, return_tensors="pt") for text in texts)
    ]
    return np.array(means)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_neither_batch_nor_padding_nor_order_changes_a_mean(loaded, batch_size):
    expected = one_by_one(*loaded, TEXTS)
    assert expected.shape[1:] == (loaded[0].config.num_hidden_layers + 1, 32)
    assert np.ptp(expected[:-1], axis=0).max(axis=1).min() > 0.01
    np.testing.assert_allclose(embeddings.embed(*loaded, TEXTS, batch_size), expected, atol=1e-5)
    np.testing.assert_allclose(embeddings.embed(*loaded, TEXTS[::-1], batch_size)[::-1], expected, atol=1e-5)


def test_no_texts_give_no_embeddings(loaded):
    assert embeddings.embed(*loaded, [], 32).shape == (0, loaded[0].config.num_hidden_layers + 1, 32)


def test_a_text_that_is_too_long_is_cut_at_its_end(loaded):
    long, longer = embeddings.embed(*loaded, ["again " * 600, "again " * 600 + "no"], 2)
    np.testing.assert_allclose(long, longer, atol=1e-5)


def test_a_checkpoint_for_masked_words_lacks_only_what_is_not_used(tmp_path):
    checkpoint = make(tmp_path / "masked", "bert for masked words")
    assert not [name for name in load_file(Path(checkpoint["path"], "model.safetensors")) if "pooler" in name]
    first = embeddings.embed(*embeddings.load(checkpoint, "cpu"), TEXTS, 2)
    torch.manual_seed(1)  # the weights that it lacks are random
    assert embeddings.embed(*embeddings.load(checkpoint, "cpu"), TEXTS, 2).tobytes() == first.tobytes()


@pytest.mark.parametrize(
    ("architecture", "special", "problem"),
    [
        ("t5", SPECIAL, "is a t5 checkpoint, with a decoder"),
        ("gpt2", {"unk_token": "[UNK]"}, "is a gpt2 checkpoint without a padding token"),
    ],
)
def test_what_is_no_encoder_is_refused(tmp_path, architecture, special, problem):
    checkpoint = make(tmp_path / "other", architecture, special)
    with pytest.raises(InputError) as caught:
        embeddings.load(checkpoint, "cpu")
    assert caught.value.problems == [
        f"{checkpoint}: {problem}; should be an encoder alone, such as BERT or XLM-RoBERTa"
    ]


STUDY = yaml.safe_load((ROOT / "config/released_encoder.yaml").read_text(encoding="utf-8"))
MINILM = ROOT / STUDY["text_expert"]["encoder"]["checkpoint"]["path"]


@pytest.mark.skipif(not MINILM.exists(), reason=f"{MINILM} is not installed (config/released_encoder.yaml says how)")
def test_minilm_takes_what_means_about_the_same_to_be_near():
    """The real weights of all-MiniLM-L6-v2: 6 layers of 384, trained to tell what means the same."""
    texts = ["I am so happy for you", "THAT IS WONDERFUL, CONGRATULATIONS", "Where did they put the forms?"]
    states = embeddings.embed(*embeddings.load({"path": str(MINILM)}, "cpu"), texts, 2)
    assert states.shape == (3, 7, 384)
    last = states[:, -1] / np.linalg.norm(states[:, -1], axis=1, keepdims=True)
    near, far = last[0] @ last[1], last[0] @ last[2]
    assert near > far + 0.2
