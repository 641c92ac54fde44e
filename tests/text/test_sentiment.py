import copy
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sentencepiece
import torch
from language_models import write_xlm_r
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
)

from emofuse import contracts, tables
from emofuse.tables import InputError
from emofuse.text import language_model, sentiment
from emofuse.text.normalisation import none, words

TEXTS = [
    "",
    "i am so happy to see you",
    "This is the WORST day",
    "  two   spaces, it's ﬁne…  ",
    "café naïve 日本語 ÀÉ xyz",
    " ".join(["again"] * 900),
    "no",
]


def logits(model, tokenizer, texts, batch_size=32):
    return sentiment.logits(model, tokenizer, texts, batch_size)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = write_xlm_r(tmp_path_factory.mktemp("hub") / "cardiffnlp")
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "pytorch_model.bin",
        "sentencepiece.bpe.model",
        "special_tokens_map.json",
    ]
    return folder


@pytest.fixture(scope="module")
def loaded(checkpoint):
    return sentiment.load_model({"path": str(checkpoint)}, "cpu")


def test_a_sentencepiece_model_without_a_tokenizer_json_gives_fairseqs_ids(checkpoint, loaded):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(checkpoint / "sentencepiece.bpe.model"))
    _, tokenizer = loaded
    for text in TEXTS:
        # Fairseq counts <pad> too, so that each piece is one later; unknown ones, 0 there, are 3.
        expected = [0, *(piece + 1 if piece else 3 for piece in pieces.encode(text)), 2]
        assert tokenizer(text)["input_ids"] == expected, text


def test_the_weights_are_the_files(checkpoint, loaded):
    model, _ = loaded
    torch.testing.assert_close(
        model.state_dict(), torch.load(checkpoint / "pytorch_model.bin", weights_only=True), check_dtype=False
    )


def test_padding_changes_no_result(loaded):
    alone = np.concatenate([logits(*loaded, [text]) for text in TEXTS])
    for batch_size in (2, 3, 100):
        np.testing.assert_allclose(logits(*loaded, TEXTS, batch_size), alone, rtol=0, atol=1e-12)
    assert np.ptp(alone, axis=0).min() > 0.01


def test_the_order_of_texts_changes_no_result(loaded):
    forwards = logits(*loaded, TEXTS, 3)
    np.testing.assert_allclose(logits(*loaded, TEXTS[::-1], 3)[::-1], forwards, rtol=0, atol=1e-12)


def test_texts_that_are_too_long_are_cut_at_their_end(loaded):
    model, tokenizer = loaded
    assert language_model.max_length(model, tokenizer) == 512
    long = logits(model, tokenizer, [" ".join(["again"] * 900), " ".join(["again"] * 901 + ["no"])])
    np.testing.assert_allclose(long[0], long[1], atol=1e-5)


def test_a_tokenizers_own_limit_counts_too(loaded, monkeypatch):
    model, tokenizer = loaded
    monkeypatch.setattr(tokenizer, "model_max_length", 128)
    assert language_model.max_length(model, tokenizer) == 128


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.capitalize])
@pytest.mark.parametrize("names", list(itertools.permutations(["negative", "neutral", "positive"])))
def test_labels_are_read_by_name(names, spell):
    order = sentiment.label_order({index: spell(name) for index, name in enumerate(names)})
    assert [names[index] for index in order] == ["negative", "neutral", "positive"]


@pytest.mark.parametrize(
    "labels",
    [
        ["negative", "positive"],
        ["negative", "neutral", "positive", "mixed"],
        ["negative", "neutral", "negative"],
        ["LABEL_0", "LABEL_1"],
        ["Negative", "negative", "neutral", "positive"],
    ],
)
def test_other_labels_are_refused(labels):
    with pytest.raises(InputError, match="should be negative, neutral and positive"):
        sentiment.label_order(dict(enumerate(labels)))


def test_logits_follow_the_labels(tmp_path, checkpoint, loaded):
    folder = shutil.copytree(checkpoint, tmp_path / "turned")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "Positive", "1": "Negative", "2": "Neutral"}
    (folder / "config.json").write_text(json.dumps(config))
    turned = logits(*sentiment.load_model({"path": str(folder)}, "cpu"), TEXTS)
    np.testing.assert_allclose(turned, logits(*loaded, TEXTS)[:, [1, 2, 0]], atol=1e-6)


def test_the_table_keeps_all_three_logits_in_the_order_of_the_transcripts(loaded):
    transcripts = pd.DataFrame({"utterance": list("edcbagf"), "text": TEXTS})
    table = sentiment.table(*loaded, transcripts, normalisation=none, batch_size=2)
    checked = tables.check(table, contracts.SENTIMENT_LOGITS, "sentiment.parquet")
    assert checked["utterance"].tolist() == list("edcbagf")
    expected = logits(*loaded, TEXTS)
    np.testing.assert_allclose(checked[["logit_negative", "logit_neutral", "logit_positive"]], expected, atol=1e-5)


def test_texts_are_normalised_first(loaded):
    shouted = pd.DataFrame({"utterance": ["a"], "text": ["  NO!  It's  the WORST..."]})
    plain = pd.DataFrame({"utterance": ["a"], "text": ["no it's the worst"]})
    pd.testing.assert_frame_equal(
        sentiment.table(*loaded, shouted, normalisation=words, batch_size=1),
        sentiment.table(*loaded, plain, normalisation=none, batch_size=1),
        atol=1e-6,
    )


@pytest.mark.gpu
def test_a_gpu_feels_what_a_cpu_feels(checkpoint, loaded):
    on_gpu = sentiment.load_model({"path": str(checkpoint)}, "auto")
    np.testing.assert_allclose(logits(*on_gpu, TEXTS), logits(*loaded, TEXTS), rtol=0, atol=1e-9)


def test_safetensors_load_as_well(tmp_path, checkpoint, loaded):
    folder = shutil.copytree(checkpoint, tmp_path / "safe")
    (folder / "pytorch_model.bin").unlink()
    AutoModelForSequenceClassification.from_pretrained(checkpoint).save_pretrained(folder)
    assert (folder / "model.safetensors").is_file()
    again = sentiment.load_model({"path": str(folder)}, "cpu")
    np.testing.assert_allclose(logits(*again, TEXTS), logits(*loaded, TEXTS), atol=1e-6)


def test_only_positions_that_begin_after_padding_are_lost(loaded):
    model, tokenizer = loaded
    offset = model.config.pad_token_id + 1
    assert language_model.max_length(model, tokenizer) == model.config.max_position_embeddings - offset
    config = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=500, pad_token_id=400
    )
    tokenizer = copy.copy(tokenizer)
    tokenizer.model_max_length = 10**9
    assert language_model.max_length(BertForSequenceClassification(config), tokenizer) == 512


def test_a_checkpoint_without_its_vocabulary_is_refused(tmp_path, checkpoint):
    folder = shutil.copytree(checkpoint, tmp_path / "lost")
    (folder / "sentencepiece.bpe.model").unlink()
    with pytest.raises(InputError):
        sentiment.load_model({"path": str(folder)}, "cpu")


class Planted:
    """What runs code when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


def test_a_planted_pickle_is_refused(tmp_path, checkpoint):
    folder, target = shutil.copytree(checkpoint, tmp_path / "planted"), tmp_path / "was-here"
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save(weights | {"x": Planted(target)}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="refused"):
        sentiment.load_model({"path": str(folder)}, "cpu")
    assert not target.exists()


@pytest.mark.slow
def test_xlm_roberta_base_at_its_full_size(tmp_path):
    base = dict(vocab_size=250_002, hidden_size=768, num_hidden_layers=12, num_attention_heads=12)
    base |= dict(intermediate_size=3072, initializer_range=0.02)
    folder = write_xlm_r(tmp_path / "base", **base)
    model, tokenizer = sentiment.load_model({"path": str(folder)}, "cpu")
    assert sum(weights.numel() for weights in model.parameters()) == 278_045_955  # 1.11 GB, as the public file has
    values = logits(model, tokenizer, TEXTS[:5], batch_size=4)
    assert values.shape == (5, 3)
    assert np.isfinite(values).all()
