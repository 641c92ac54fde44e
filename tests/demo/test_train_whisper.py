import hashlib
import io

import pytest
import soundfile
import torch
import whisper

from emofuse.demo import train_whisper, voices
from emofuse.text import transcription


@pytest.fixture(scope="module")
def whisper_file(material, tmp_path_factory):
    path = tmp_path_factory.mktemp("whisper") / "whisper.pt"
    train_whisper.save(train_whisper.train(material, steps=2, seed=0), path)
    return path


def test_the_checkpoint_loads_and_writes_as_public_ones_do(whisper_file, recordings):
    model = transcription.load_model({"path": str(whisper_file)}, "cpu")
    assert not model.is_multilingual
    transcripts = transcription.transcribe(model, recordings, language="en", batch_size=2, seed=0)
    assert list(transcripts["utterance"]) == ["a", "b", "c"]


def test_tokens_that_do_not_occur_share_their_probability(whisper_file):
    model = whisper.load_model(str(whisper_file))
    rows = model.decoder.token_embedding.weight
    unused = whisper.tokenizer.get_tokenizer(False).encode(" xylophone")
    assert torch.equal(rows[unused[0]], rows[50000])
    assert not torch.equal(rows[unused[0]], rows[whisper.tokenizer.get_tokenizer(False).eot])


def test_the_decoder_starts_in_step_with_the_audio():
    torch.manual_seed(0)
    model = whisper.model.Whisper(train_whisper.DIMENSIONS)
    train_whisper._start_in_step(model)
    attention = model.decoder.blocks[0].cross_attn
    queries = attention.query(model.decoder.positional_embedding) - attention.query.bias
    keys = attention.key(model.encoder.positional_embedding)
    places = (queries @ keys.T).argmax(dim=1)
    expected = torch.arange(2, 14) * train_whisper.FRAMES_PER_TOKEN
    assert (places[2:14] - expected).abs().max() <= train_whisper.FRAMES_PER_TOKEN


def test_the_same_seed_trains_the_same_bytes(material, whisper_file, tmp_path):
    def trained(seed):
        train_whisper.save(train_whisper.train(material, steps=2, seed=seed), tmp_path / f"{seed}.pt")
        return hashlib.sha256((tmp_path / f"{seed}.pt").read_bytes()).digest()

    assert trained(0) == hashlib.sha256(whisper_file.read_bytes()).digest()
    assert trained(1) != trained(0)


def test_utterances_longer_than_the_window_are_an_error(material):
    long = voices.utter("the letter is in the garden " * 4, "m1", [0, 0, 0, 0], 16000)
    window = train_whisper.DIMENSIONS.n_audio_ctx * 320
    assert len(long) > window
    with pytest.raises(ValueError, match=f"should be at most {window}"):
        train_whisper._log_mel(_flac(long))


def _flac(samples):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16000, format="FLAC")
    return buffer.getvalue()
