import dataclasses
import hashlib
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import whisper
from whisper.decoding import DecodingResult
from whispers import dimensions, save, whisper_model

from emofuse import audio, contracts, tables
from emofuse.tables import InputError
from emofuse.text import transcription

RATE = 16_000


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small matrices only lose by being shared out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Seven utterances of noise and tones, 0.3 to 3.9 s."""
    folder = tmp_path_factory.mktemp("audio")
    random = np.random.default_rng(0)
    rows = []
    for index, duration in enumerate([1.0, 0.3, 3.9, 2.2, 1.7, 3.0, 0.8]):
        time = np.arange(int(duration * RATE)) / RATE
        samples = 0.3 * np.sin(2 * np.pi * 200 * (index + 1) * time) + 0.1 * random.standard_normal(len(time))
        path = folder / f"u{index}.wav"
        soundfile.write(path, samples, RATE)
        rows.append({"utterance": f"u{index}", "path": str(path), "duration": duration})
    return pd.DataFrame(rows).assign(start=np.nan, end=np.nan)


def transcribe(model, recordings, language=None, batch_size=16, seed=0):
    return transcription.transcribe(model, recordings, language=language, batch_size=batch_size, seed=seed)


def long_utterance(folder, seconds):
    path = folder / "long.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal(seconds * RATE), RATE)
    recording = {"utterance": "long", "path": str(path), "start": np.nan, "end": np.nan, "duration": float(seconds)}
    return pd.DataFrame([recording])


def test_parts_of_a_file_give_what_files_of_their_own_give(recordings, tmp_path):
    samples = [audio.load(path) for path in recordings["path"]]
    soundfile.write(tmp_path / "dialog.wav", np.concatenate(samples), RATE)
    ends = np.cumsum([len(wave) for wave in samples]) / RATE
    parts = recordings.assign(path=str(tmp_path / "dialog.wav"), start=ends - recordings["duration"], end=ends)
    model = whisper_model(sure=True)
    assert transcribe(model, parts)["text"].tolist() == transcribe(model, recordings)["text"].tolist()


@pytest.mark.parametrize("sure", [True, False])
def test_a_batch_gives_what_one_by_one_gives(recordings, sure):
    model = whisper_model(sure)
    together = tables.check(transcribe(model, recordings, batch_size=4), contracts.TRANSCRIPTS, "together")
    alone = pd.concat([transcribe(model, recordings.iloc[[index]]) for index in range(len(recordings))])
    assert together["utterance"].tolist() == recordings["utterance"].tolist()
    assert together["text"].tolist() == alone["text"].tolist()
    assert together["text"].nunique() > 1
    for column in ("mean_log_probability", "no_speech_probability"):
        np.testing.assert_allclose(together[column], alone[column], rtol=1e-4, atol=1e-6)


def test_shards_put_together_are_the_whole(recordings, tmp_path):
    model = whisper_model()
    paths = []
    for index in range(3):
        paths.append(tmp_path / f"{index}.parquet")
        shard = tables.shard(recordings, index, 3)
        tables.write(transcribe(model, shard, batch_size=2), contracts.TRANSCRIPTS, paths[-1])
    gathered = tables.gather(paths, contracts.TRANSCRIPTS, recordings, "all.parquet")
    whole = transcribe(model, recordings)
    assert gathered["text"].tolist() == whole["text"].tolist()
    assert gathered["utterance"].tolist() == whole["utterance"].tolist()


def test_a_shard_of_no_utterance_is_an_empty_table(recordings, tmp_path):
    empty = transcribe(whisper_model(), tables.shard(recordings[:0], 0, 3))
    tables.write(empty, contracts.TRANSCRIPTS, tmp_path / "empty.parquet")
    assert tables.read(contracts.TRANSCRIPTS, tmp_path / "empty.parquet").empty


def test_sampled_texts_follow_from_the_seed(recordings):
    model = whisper_model()
    texts = [transcribe(model, recordings, seed=seed)["text"].tolist() for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("language", ["en", None])
def test_texts_and_numbers_are_those_of_whispers_own_example(recordings, language):
    # The README of openai-whisper: pad_or_trim, log_mel_spectrogram, decode.
    model = whisper_model(sure=True, n_audio_ctx=1500, n_vocab=51865)
    ours = transcribe(model, recordings, language).set_index("utterance")
    for row in recordings.itertuples():
        samples, _ = soundfile.read(row.path, dtype="float32")
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples))
        theirs = whisper.decode(model, mel, fp16=False, language=language, without_timestamps=True)
        assert ours.loc[row.utterance, "text"] == theirs.text
        assert ours.loc[row.utterance, "mean_log_probability"] == pytest.approx(theirs.avg_logprob, rel=1e-3)
        assert ours.loc[row.utterance, "no_speech_probability"] == pytest.approx(theirs.no_speech_prob, rel=1e-3)


GOOD = DecodingResult(torch.zeros(1, 1), "en", text="yes", avg_logprob=-0.5, no_speech_prob=0.1, compression_ratio=1.0)


@pytest.mark.parametrize(
    ("change", "temperatures", "text"),
    [
        ({}, [0.0], "yes"),
        ({"avg_logprob": -1.1}, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], "yes"),
        ({"compression_ratio": 2.5}, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], "yes"),
        ({"no_speech_prob": 0.7}, [0.0], "yes"),
        ({"no_speech_prob": 0.7, "avg_logprob": -1.1}, [0.0], ""),
    ],
)
def test_only_utterances_that_are_not_good_enough_are_decoded_again(monkeypatch, change, temperatures, text):
    model, tried = whisper_model(), []
    odd = dataclasses.replace(GOOD, **change)

    class Task(transcription.DecodingTask):
        def run(self, mel):
            tried.append((self.options.temperature, len(mel)))
            return [GOOD, odd, GOOD] if len(mel) == 3 else [odd]

    monkeypatch.setattr(transcription, "DecodingTask", Task)
    rows = transcription.decode(model, torch.zeros(3, 80, 400), ["a", "b", "c"], "en", seed=0)
    assert tried == [(temperature, 1 if temperature else 3) for temperature in temperatures]
    assert [row["text"] for row in rows] == ["yes", text, "yes"]
    assert rows[1]["no_speech_probability"] == odd.no_speech_prob


def test_an_utterance_longer_than_30_s_goes_through_transcribe(tmp_path, monkeypatch):
    model = whisper_model(n_audio_ctx=1500)
    utterance = long_utterance(tmp_path, 31)
    table = tables.check(transcribe(model, utterance), contracts.TRANSCRIPTS, "x")
    pd.testing.assert_frame_equal(table, transcribe(model, utterance))
    assert table.loc[0, "mean_log_probability"] < 0
    assert 0 <= table.loc[0, "no_speech_probability"] <= 1

    silent = {"text": "", "segments": []}
    monkeypatch.setattr(whisper, "transcribe", lambda *args, **kwargs: silent)
    table = tables.check(transcribe(model, utterance), contracts.TRANSCRIPTS, "x")
    assert table.loc[0, "text"] == ""
    assert table.loc[0].isna().sum() == 2


def test_a_model_with_a_smaller_window_refuses_longer_utterances_by_name(recordings, tmp_path):
    both = pd.concat([recordings, long_utterance(tmp_path, 5)], ignore_index=True)
    with pytest.raises(InputError, match=r"long\): lasts 5 s; should be at most 4 s"):
        transcribe(whisper_model(), both)


def test_models_of_128_mel_bins_work(recordings):
    model = whisper_model(n_mels=128, n_vocab=51866)
    assert len(transcribe(model, recordings, "en")) == len(recordings)


def test_a_language_that_the_model_does_not_know_is_refused(recordings):
    with pytest.raises(InputError, match="language is 'de'; this Whisper model knows en"):
        transcribe(whisper_model(), recordings, "de")
    with pytest.raises(InputError, match="language is 'xx'"):
        transcribe(whisper_model(n_vocab=51865), recordings, "xx")


def test_a_file_loads(tmp_path):
    model = whisper_model()
    loaded = transcription.load_model({"path": str(save(model, tmp_path / "mine.pt"))}, "cpu")
    assert loaded.dims == model.dims
    torch.testing.assert_close(loaded.state_dict(), model.state_dict())


class Planted:
    """What runs code when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_a_planted_pickle_is_refused(tmp_path, kind, monkeypatch):
    model, path, target = whisper_model(), tmp_path / "model.pt", tmp_path / "was-here"
    content = {"dims": dataclasses.asdict(model.dims), "model_state_dict": model.state_dict(), "x": Planted(target)}
    if kind == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(InputError, match=r"model\.pt: refused, holds more than tensors"):
        transcription.load_model({"path": str(path)}, "cpu")
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"RIFF"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.pt: .* no|not a Whisper model"):
        transcription.load_model({"path": str(path)}, "cpu")


def test_weights_without_dimensions_are_refused(tmp_path):
    torch.save({"model_state_dict": {}}, tmp_path / "model.pt")
    with pytest.raises(InputError, match="is not a Whisper model"):
        transcription.load_model({"path": str(tmp_path / "model.pt")}, "cpu")


def test_one_of_whispers_own_is_looked_for_in_its_cache_and_never_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(whisper, "_download", lambda *args: pytest.fail("should not download"))
    with pytest.raises(InputError, match=r"Whisper model tiny is not on this machine; fetch it"):
        transcription.load_model({"name": "tiny"}, "cpu")
    (tmp_path / "whisper").mkdir()
    digest = hashlib.sha256(save(whisper_model(), tmp_path / "whisper" / "tiny.pt").read_bytes()).hexdigest()
    with pytest.raises(InputError, match=rf"tiny\.pt: has the SHA-256 {digest}; should have 65147644a518d12f"):
        transcription.load_model({"name": "tiny"}, "cpu")
    monkeypatch.setitem(whisper._MODELS, "tiny", f"https://host/models/{digest}/tiny.pt")
    assert transcription.load_model({"name": "tiny"}, "cpu").dims == dimensions()


@pytest.mark.slow
def test_whisper_tiny_at_its_full_size(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(transcription, "TEMPERATURES", (0.0, 1.0))
    tiny = dict(n_audio_ctx=1500, n_audio_state=384, n_audio_head=6, n_audio_layer=4, n_vocab=51865)
    tiny |= dict(n_text_ctx=448, n_text_state=384, n_text_head=6, n_text_layer=4)
    path = save(whisper_model(sure=True, **tiny), tmp_path / "full.pt")
    model = transcription.load_model({"path": str(path)}, "cpu")
    table = transcribe(model, recordings[:2], "en")
    tables.check(table, contracts.TRANSCRIPTS, "tiny")
    assert table["text"].str.len().gt(0).all()


def test_matrices_that_are_cast_once_say_what_those_say_that_are_cast_at_each_token(recordings, monkeypatch):
    monkeypatch.setattr(transcription, "_fp16", lambda model: True)  # as on a GPU
    at_each, once = whisper_model(), transcription._on(torch.device("cpu"), whisper_model())
    assert at_each.decoder.blocks[0].mlp[0].weight.dtype != once.decoder.blocks[0].mlp[0].weight.dtype
    pd.testing.assert_frame_equal(transcribe(once, recordings), transcribe(at_each, recordings), check_exact=True)


@pytest.mark.gpu
@pytest.mark.parametrize("seconds", [None, 31], ids=["batches", "longer than the window"])
def test_a_gpu_writes_what_a_cpu_writes(recordings, tmp_path, monkeypatch, seconds):
    # Sampled texts would be others: a GPU draws other random numbers.
    monkeypatch.setattr(transcription, "TEMPERATURES", (0.0,))
    path = save(whisper_model(sure=True, n_audio_ctx=1500), tmp_path / "small.pt")
    heard = recordings if seconds is None else long_utterance(tmp_path, seconds)
    on_cpu, on_gpu = (
        transcribe(transcription.load_model({"path": str(path)}, device), heard) for device in ("cpu", "auto")
    )
    assert (on_gpu["text"] == on_cpu["text"]).all()
    for column in ("mean_log_probability", "no_speech_probability"):
        np.testing.assert_allclose(on_gpu[column], on_cpu[column], atol=0.05)


@pytest.mark.gpu
def test_a_gpu_samples_the_same_each_time(recordings, tmp_path):
    path = save(whisper_model(), tmp_path / "small.pt")
    model = transcription.load_model({"path": str(path)}, "auto")
    together, again = (transcribe(model, recordings, batch_size=4) for _ in range(2))
    pd.testing.assert_frame_equal(together, again, check_exact=True)


def test_missing_and_unexpected_utterances_of_shards_are_named(tmp_path):
    for name, utterance in (("0", "a"), ("1", "x")):
        table = pd.DataFrame({"utterance": [utterance], "text": "", "mean_log_probability": 0.0})
        tables.write(table.assign(no_speech_probability=0.0), contracts.TRANSCRIPTS, tmp_path / f"{name}.parquet")
    expected = pd.DataFrame({"utterance": ["a", "b"]})
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    with pytest.raises(InputError, match=r"(?s)utterance b is in no shard.*utterance x is not expected"):
        tables.gather(paths, contracts.TRANSCRIPTS, expected, "all.parquet")
    with pytest.raises(InputError, match="appears more than once"):
        tables.gather([paths[0], paths[0]], contracts.TRANSCRIPTS, expected, "all.parquet")
