import math

import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer

from emofuse.demo import train_sentiment
from emofuse.demo.material import make_material
from emofuse.tables import SENTIMENTS
from emofuse.text import sentiment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentiment")
    model, tokenizer = train_sentiment.train(make_material(60, 1), steps=60, seed=0)
    train_sentiment.save(model, tokenizer, folder)
    return folder


def test_the_checkpoint_loads_as_public_ones_do_and_has_read_the_grammar(folder):
    model, tokenizer = sentiment.load_model({"path": str(folder)}, "cpu")
    assert [model.config.id2label[index] for index in range(3)] == list(SENTIMENTS)
    texts = ["I love this wonderful letter.", "My teacher works in the kitchen.", "I hate this stupid car."]
    logits = sentiment.logits(model, tokenizer, texts, batch_size=2)
    assert list(logits.argmax(axis=1)) == [2, 1, 0]


def test_the_tokenizer_is_of_xlm_rs_kind(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("I love xylophones")["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert "▁love" in tokenizer.convert_ids_to_tokens(ids)


def test_the_same_seed_trains_the_same_weights():
    texts = pd.DataFrame({"text": ["I am glad.", "I am sad."], "sentiment": ["positive", "negative"]})
    texts = pd.concat([texts] * 16)

    def trained(seed):
        model, _ = train_sentiment.train(texts, steps=2, seed=seed)
        return torch.cat([weights.flatten() for weights in model.parameters()])

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))


def test_pieces_are_words_with_their_log_probabilities_and_letters():
    pieces = dict(train_sentiment._pieces(["a b.", "b"]))
    assert list(pieces)[:4] == list(train_sentiment.SPECIAL)
    assert list(pieces)[-1] == "<mask>"
    assert pieces["▁b"] == pytest.approx(math.log(2 / 3))
    assert pieces["."] < pieces["▁a"]
