import hashlib
import io
import math

import pytest
import soundfile
import torch
import whisper
from transformers import AutoTokenizer

from emofuse.corpora import synthetic
from emofuse.tables import SENTIMENTS
from emofuse.text import pretraining, sentiment, transcription


@pytest.fixture(scope="module")
def material():
    return synthetic.material(24, 0)


@pytest.fixture(scope="module")
def whisper_file(material, tmp_path_factory):
    path = tmp_path_factory.mktemp("whisper") / "whisper.pt"
    pretraining.save_whisper(pretraining.train_whisper(material, steps=2, seed=0), path)
    return path


@pytest.fixture(scope="module")
def sentiment_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentiment")
    sentences = synthetic.material(60, 1)
    for part in pretraining.train_sentiment(list(sentences["text"]), list(sentences["sentiment"]), 60, seed=0):
        part.save_pretrained(folder)
    return folder


def test_the_whisper_loads_and_writes_as_public_ones_do(material, whisper_file, tmp_path):
    model = transcription.load_model({"path": str(whisper_file)}, "cpu")
    assert not model.is_multilingual
    path = tmp_path / "a.flac"
    path.write_bytes(material["audio"][0])
    utterances = material[:1].assign(utterance="a", path=str(path), duration=soundfile.info(path).duration)
    transcripts = transcription.transcribe(model, utterances, language="en")
    assert list(transcripts["utterance"]) == ["a"]


def test_tokens_that_do_not_occur_share_their_probability(whisper_file):
    model = whisper.load_model(str(whisper_file))
    rows = model.decoder.token_embedding.weight
    unused = whisper.tokenizer.get_tokenizer(False).encode(" xylophone")
    assert torch.equal(rows[unused[0]], rows[50000])
    assert not torch.equal(rows[unused[0]], rows[whisper.tokenizer.get_tokenizer(False).eot])


def test_the_decoder_starts_in_step_with_the_audio():
    torch.manual_seed(0)
    model = whisper.model.Whisper(pretraining.WHISPER)
    pretraining._start_in_step(model)
    attention = model.decoder.blocks[0].cross_attn
    queries = attention.query(model.decoder.positional_embedding) - attention.query.bias
    keys = attention.key(model.encoder.positional_embedding)
    places = (queries @ keys.T).argmax(dim=1)
    expected = torch.arange(2, 14) * pretraining.FRAMES_PER_TOKEN
    assert (places[2:14] - expected).abs().max() <= pretraining.FRAMES_PER_TOKEN


def test_the_same_seed_trains_the_same_bytes(material, whisper_file, tmp_path):
    def trained(seed):
        pretraining.save_whisper(pretraining.train_whisper(material, steps=2, seed=seed), tmp_path / f"{seed}.pt")
        return hashlib.sha256((tmp_path / f"{seed}.pt").read_bytes()).digest()

    assert trained(0) == hashlib.sha256(whisper_file.read_bytes()).digest()
    assert trained(1) != trained(0)


def test_utterances_longer_than_the_window_are_an_error(material):
    long = synthetic.utter("the letter is in the garden " * 4, "m1", [0, 0, 0, 0], 16000)
    window = pretraining.WHISPER.n_audio_ctx * 320
    assert len(long) > window
    with pytest.raises(ValueError, match=f"should be at most {window}"):
        pretraining._log_mel(_flac(long))


def test_the_sentiment_model_loads_as_public_ones_do_and_has_read_the_grammar(sentiment_folder):
    model, tokenizer = sentiment.load_model({"path": str(sentiment_folder)}, "cpu")
    assert [model.config.id2label[index] for index in range(3)] == list(SENTIMENTS)
    texts = ["I love this wonderful letter.", "My teacher works in the kitchen.", "I hate this stupid car."]
    logits = sentiment.logits(model, tokenizer, texts)
    assert list(logits.argmax(axis=1)) == [2, 1, 0]


def test_the_tokenizer_is_of_xlm_rs_kind(sentiment_folder):
    tokenizer = AutoTokenizer.from_pretrained(sentiment_folder)
    ids = tokenizer("I love xylophones")["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert "▁love" in tokenizer.convert_ids_to_tokens(ids)


def test_the_same_seed_trains_the_same_sentiment_model():
    def trained(seed):
        model, _ = pretraining.train_sentiment(["I am glad.", "I am sad."] * 16, ["positive", "negative"] * 16, 2, seed)
        return torch.cat([weights.flatten() for weights in model.parameters()])

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))


def test_pieces_are_words_with_their_log_probabilities_and_letters():
    pieces = dict(pretraining._pieces(["a b.", "b"]))
    assert list(pieces)[:4] == list(pretraining.SPECIAL)
    assert list(pieces)[-1] == "<mask>"
    assert pieces["▁b"] == pytest.approx(math.log(2 / 3))
    assert pieces["."] < pieces["▁a"]


def _flac(samples):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16000, format="FLAC")
    return buffer.getvalue()
