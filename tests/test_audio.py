"""Any audio becomes 16 kHz, one channel, float32; bad audio is rejected; batches are as the budget says."""

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from emofuse import audio, checking
from emofuse.tables import InputError


def sine(rate, seconds=1.0, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count_becomes_the_same_sound(tmp_path, rate, channels):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.repeat(sine(rate)[:, None], channels, axis=1), rate, subtype="PCM_24")
    samples = audio.load(path)
    assert samples.dtype == np.float32
    assert samples.shape == (16_000,)
    middle = slice(800, -800)  # resampling rings at both ends
    np.testing.assert_allclose(samples[middle], sine(16_000)[middle], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1e-2),
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_32", 1e-6),
        ("a.wav", "FLOAT", 1e-6),
        ("a.wav", "DOUBLE", 1e-6),
        ("a.wav", "ULAW", 3e-2),
        ("a.flac", "PCM_24", 1e-6),
        ("a.aiff", "PCM_16", 1e-4),
        ("a.ogg", "VORBIS", 1e-1),
    ],
)
def test_any_width_and_format(tmp_path, name, subtype, tolerance):
    path = tmp_path / name
    soundfile.write(path, sine(16_000), 16_000, subtype=subtype)
    np.testing.assert_allclose(audio.load(path), sine(16_000), atol=tolerance)


def test_the_first_channel_is_read(tmp_path):
    path = tmp_path / "a.wav"
    voice = sine(16_000).astype(np.float32)
    soundfile.write(path, np.stack([voice, np.zeros_like(voice)], axis=1), 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.load(path), voice)


def test_what_cannot_be_loaded_is_named(tmp_path):
    path = tmp_path / "a.wav"
    with pytest.raises(InputError, match="no such file"):
        audio.load(path)
    path.write_text("not audio")
    with pytest.raises(InputError, match=f"{path}: unreadable"):
        audio.load(path)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_part_of_a_file_is_loaded_by_its_seconds(tmp_path, rate):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.concatenate([np.zeros(rate), sine(rate), np.zeros(rate)]), rate, subtype="FLOAT")
    assert audio.load(path).shape == (48_000,)
    for start, end in [(1.0, 2.0), (1.25, 1.75)]:
        samples = audio.load(path, start, end)
        assert samples.shape == (round((end - start) * 16_000),)
        assert np.abs(samples).max() > 0.4
    assert np.abs(audio.load(path, None, 0.9)).max() < 1e-3
    assert audio.load(path, 2.0, float("nan")).shape == (16_000,)


def test_a_part_that_ends_after_the_file_has_a_reason(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(16_000), 16_000)
    reason = "ends after 1.000 s; should last until 1.5 s"
    assert audio.check(path, 0.5, 1.5, min_duration=0.1) == (0.0, reason)
    with pytest.raises(InputError, match=f"{path}: {reason}"):
        audio.load(path, 0.5, 1.5)


@pytest.mark.parametrize(("rate", "seconds"), [(16_000, 70.0), (44_100, 35.5), (8_000, 0.1)])
def test_blocks_are_the_whole_in_pieces(tmp_path, rate, seconds):
    path = tmp_path / "a.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, round(rate * seconds))
    soundfile.write(path, noise, rate, subtype="FLOAT")
    assert audio.duration(path) == pytest.approx(seconds)
    blocks = list(audio.blocks(path))
    assert all(len(block) <= 31 * audio.RATE for block in blocks)
    np.testing.assert_allclose(np.concatenate(blocks), audio.load(path), atol=1e-5)
    part = np.concatenate(list(audio.blocks(path, seconds / 4, seconds / 2)))
    np.testing.assert_allclose(part, audio.load(path, seconds / 4, seconds / 2), atol=1e-5)


def test_blocks_of_many_channels_are_small(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.tile(sine(16_000)[:, None], 512), 16_000)
    blocks = list(audio.blocks(path))
    assert max(map(len, blocks)) <= 2**20 // 512
    np.testing.assert_array_equal(np.concatenate(blocks), audio.load(path))


@pytest.mark.parametrize(("end", "reason"), [(None, "unreadable"), (2.0, "ends after 1.000 s; should last until 2 s")])
def test_blocks_that_cannot_be_read_have_a_reason(tmp_path, end, reason):
    path = tmp_path / "a.wav"
    path.write_text("no audio") if end is None else soundfile.write(path, sine(16_000), 16_000)
    with pytest.raises(ValueError, match=reason):
        list(audio.blocks(path, None, end))


def nan_at(index):
    samples = sine(16_000)
    samples[index] = np.nan
    return samples


@pytest.mark.parametrize(
    ("samples", "duration", "reason"),
    [
        (sine(16_000), 1.0, None),
        (sine(16_000) * 1e-3, 1.0, None),
        (np.clip(100 * sine(16_000), -1, 1), 1.0, None),  # clipped, but not to silence
        (np.zeros(0), 0, "empty: holds no samples"),
        (np.zeros(16_000), 1.0, "silent: all samples are 0.0000"),
        (np.ones(16_000), 1.0, "silent: all samples are 1.0000"),
        (np.tile([2.0**-15, 0], 8_000), 1.0, "silent: all samples are 0.0000"),
        (sine(16_000, 0.05), 0.05, "too short: 0.050 s; should be at least 0.1 s"),
        (nan_at(10), 1.0, "1 of 16000 samples are NaN or infinite"),
        (np.full(16_000, np.inf), 1.0, "16000 of 16000 samples are NaN or infinite"),
    ],
)
def test_bad_audio_has_a_reason(tmp_path, samples, duration, reason):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    assert audio.check(path, min_duration=0.1) == (duration, reason)


def recordings(*paths):
    return pd.DataFrame({"path": map(str, paths), "start": np.nan, "end": np.nan})


def test_files_that_are_no_audio_have_a_reason(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "bare.raw").write_bytes(b"\x00" * 100)
    soundfile.write(tmp_path / "cut.flac", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    data = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    names = ["empty.wav", "text.wav", "bare.raw", "cut.flac", "missing.wav", "."]
    table = audio.resolve(recordings(*names), tmp_path)
    durations, reasons = zip(*checking.check_all(table, 0.1, processes=3), strict=True)
    assert set(durations) == {0.0}
    assert reasons[0] == "empty file"
    assert reasons[1].startswith("unreadable (Format not recognised")
    assert reasons[2] == "unreadable (headerless audio)"
    assert reasons[3].startswith("unreadable (")
    assert reasons[4:] == ("no such file", "no such file")


def test_many_are_checked_in_their_order(tmp_path):
    for number in range(1, 9):
        soundfile.write(tmp_path / f"{number}.wav", sine(16_000, number / 10), 16_000)
    table = audio.resolve(recordings(*(f"{number}.wav" for number in (3, 8, 1, 5))), tmp_path)
    assert [duration for duration, _ in checking.check_all(table, 0.1, processes=4)] == [0.3, 0.8, 0.1, 0.5]


def test_parts_of_one_file_are_checked_each_for_itself(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(16_000), sine(16_000)]), 16_000)
    table = pd.DataFrame({"path": "a.wav", "start": [0.0, 1.0, 1.0], "end": [1.0, 2.0, 1.05]})
    checked = checking.check_all(audio.resolve(table, tmp_path), 0.1)
    assert checked == [
        (1.0, "silent: all samples are 0.0000"),
        (1.0, None),
        (0.05, "too short: 0.050 s; should be at least 0.1 s"),
    ]


@pytest.fixture
def many(tmp_path):
    """More recordings than a process is told at once."""
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", sine(16_000, (number + 1) / 10), 16_000)
    starts = np.arange(2 * checking.BLOCK + 5) / 100_000
    table = pd.DataFrame({"path": [f"{row % 3}.wav" for row in range(len(starts))], "start": starts, "end": 0.1})
    return audio.resolve(table, tmp_path)


def test_processes_say_what_one_says(many):
    assert checking.check_all(many, 0.01, processes=2) == checking.check_all(many, 0.01)


def test_after_a_kill_only_the_rest_is_read_and_what_has_changed(many, tmp_path, monkeypatch):
    progress, read = tmp_path / "folder/progress.jsonl", []

    def check(path, start, end, **_):
        if len(read) == checking.BLOCK + 7:
            raise KeyboardInterrupt
        read.append((path, start))
        return 0.1, None

    monkeypatch.setattr(audio, "check", check)
    with pytest.raises(KeyboardInterrupt):
        checking.check_all(many, 0.01, progress=progress)
    with progress.open("a") as file:
        file.write("\n[0.01, [[")  # a block that was cut short
    monkeypatch.undo()
    whole = checking.check_all(many, 0.01)
    monkeypatch.setattr(audio, "check", lambda path, start, end, **_: read.append((path, start)) or (9.0, None))
    read.clear()
    said = checking.check_all(many, 0.01, progress=progress)
    assert len(read) == len(many) - checking.BLOCK and said[0] == (0.1, None) and said[-1] == (9.0, None)

    read.clear()
    soundfile.write(tmp_path / "1.wav", sine(16_000, 0.5), 16_000)
    assert len(checking.check_all(many, 0.01, progress=progress)) == len(whole)
    assert {Path(path).name for path, _ in read} == {"1.wav"}
    read.clear()
    checking.check_all(many, 0.02, progress=progress)
    assert len(read) == len(many)


lengths = st.lists(st.integers(1, 1_000), max_size=50)


@given(lengths, st.integers(1, 5_000))
def test_batches_hold_each_utterance_once_and_keep_the_budget(lengths, budget):
    batches = audio.batches(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


@given(lengths, st.integers(1, 5_000))
def test_batches_are_sorted_and_full(lengths, budget):
    batches = audio.batches(lengths, budget)
    in_order = [lengths[index] for batch in batches for index in batch]
    assert in_order == sorted(lengths, reverse=True)
    for batch in batches[:-1]:
        assert (len(batch) + 1) * lengths[batch[0]] > budget
    assert batches == audio.batches(lengths, budget)


@given(st.lists(st.lists(st.integers(), max_size=5), max_size=8))
def test_what_is_read_ahead_comes_in_order(batches):
    assert list(audio.ahead(str, batches)) == [[str(number) for number in batch] for batch in batches]


def test_an_error_while_reading_ahead_comes_in_its_place(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(16_000), 16_000)
    heard = audio.ahead(audio.load, [[tmp_path / "a.wav"], [tmp_path / "a.wav", tmp_path / "b.wav"]])
    assert len(next(heard)) == 1
    with pytest.raises(InputError, match=r"b\.wav: no such file"):
        next(heard)
    assert not readers()


def test_no_more_is_read_ahead_than_is_said_and_threads_end_with_whoever_hears():
    begun = []
    heard = audio.ahead(begun.append, ([number] for number in range(100)))
    for batch in range(3):
        next(heard)
        assert len(begun) <= batch + 1 + audio.AHEAD
    assert readers()
    heard.close()
    assert not readers()


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("reader_")]
