"""Whatever a person names becomes utterances, or a row with the reason why not."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
import torch

from emofuse import audio
from emofuse.audio import RATE
from emofuse.demo import voices
from emofuse.model import recordings
from emofuse.model.recordings import collect


@pytest.fixture(scope="module")
def sentence():
    return voices.utter("I can not find the letter in the garden today", "m1", (0, 0, 0, 0), RATE)


@pytest.fixture(scope="module")
def interview(sentence):
    """Two sentences within 20 seconds, at 2 s and at 10 s."""
    samples = np.random.default_rng(0).normal(0, 1e-3, 20 * RATE).astype(np.float32)
    for second in (2, 10):
        samples[second * RATE :][: len(sentence)] += sentence
    return samples


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, samples, rate=RATE, **kwargs):
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, samples, rate, **kwargs)
    return path


def rows(*places, **kwargs):
    """Without what is missing."""
    return [row.dropna().to_dict() for _, row in collect(places, **kwargs).iterrows()]


def problems(*places, **kwargs):
    table = collect(places, **kwargs)
    return dict(zip(table["recording"], table["problem"], strict=True))


def test_a_short_file_is_one_utterance(folder, sentence):
    write(folder / "a.flac", sentence)
    assert rows("a.flac") == [
        {"recording": "a.flac", "path": str(folder / "a.flac"), "start": 0.0, "duration": len(sentence) / RATE}
    ]


@pytest.mark.parametrize(("name", "rate"), [("a.wav", 16_000), ("a.mp3", 16_000), ("a.ogg", 48_000)])
def test_a_long_file_is_cut_into_the_utterances_of_one_dialog(folder, interview, sentence, name, rate):
    write(folder / name, np.repeat(interview, rate // RATE), rate)
    table = collect([name])
    np.testing.assert_allclose(table["start"], [2, 10], atol=0.2)
    np.testing.assert_allclose(table["duration"], len(sentence) / RATE, atol=0.4)
    assert list(table["turn_start"]) == list(table["start"])
    assert set(table["dialog"]) == set(table["recording"]) == {name}
    assert table[["speaker", "problem"]].isna().all(axis=None)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_001])
def test_speech_that_lasts_to_the_end_ends_with_its_file(folder, sentence, rate):
    spoken = soxr.resample(np.tile(sentence, 8), RATE, rate)
    write(folder / "a.wav", spoken, rate)
    last = collect(["a.wav"]).iloc[-1]
    end = last["start"] + last["duration"]
    assert end > len(spoken) / rate - 0.5
    assert audio.check(last["path"], last["start"], end, min_duration=0.1)[1] is None


def test_a_recording_says_the_same_alone_as_among_others(folder, interview, sentence):
    for name in ("b.wav", "c.wav"):
        write(folder / name, interview)
    write(folder / "a.wav", sentence)
    (folder / "bad.wav").write_text("no audio")
    together = collect(["a.wav", "bad.wav", "b.wav", "c.wav"])
    alone = [collect([name]) for name in ("a.wav", "bad.wav", "b.wav", "c.wav")]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True))


def test_a_folder_is_searched_by_name_for_audio(folder, sentence):
    for name in ("b/2.WAV", "b/1.wav", "a.mp3", ".hidden/x.wav"):
        (folder / "heard" / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / "heard" / name, sentence)
    (folder / "heard/._a.wav").write_text("what macOS leaves")
    (folder / "heard/notes.txt").write_text("no audio, and not called so")
    (folder / "heard/c.m4a").write_bytes(b"\0\0\0\x18ftypM4A ")
    assert problems("heard") == {
        "a.mp3": pytest.approx(np.nan, nan_ok=True),
        "b/1.wav": pytest.approx(np.nan, nan_ok=True),
        "b/2.WAV": pytest.approx(np.nan, nan_ok=True),
        "c.m4a": "unreadable (Format not recognised.); should be converted to WAV or FLAC",
    }
    assert [row["recording"] for row in rows("heard")] == ["a.mp3", "b/1.wav", "b/2.WAV", "c.m4a"]


def test_what_cannot_be_heard_has_a_reason_and_the_rest_is_heard(folder, interview, sentence):
    write(folder / "good.wav", sentence)
    write(folder / "silent.wav", np.zeros(RATE))
    write(folder / "click.wav", sentence[:800])
    write(folder / "quiet.wav", np.zeros(20 * RATE))
    nan = interview.copy()
    nan[-1] = np.nan
    write(folder / "nan.wav", nan, subtype="FLOAT")
    write(folder / "slow.wav", interview[:20], 1)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no audio")
    (folder / "bare.raw").write_bytes(b"\0" * 100)
    (folder / "nothing").mkdir()
    said = problems("missing.wav", ".", "bare.raw", "nothing", longest=20)
    assert pd.isna(said.pop("good.wav"))
    assert said == {
        "bare.raw": "unreadable (headerless audio)",
        "click.wav": "too short: 0.050 s; should be at least 0.1 s",
        "empty.wav": "empty file",
        "missing.wav": "no such file",
        "nan.wav": "1 of 320000 samples are NaN or infinite",
        "nothing": "holds no audio; should hold files such as .wav, .flac, .ogg or .mp3",
        "quiet.wav": "holds no speech",
        "silent.wav": "silent: all samples are 0.0000",
        "slow.wav": "holds no speech",
        "text.wav": "unreadable (Format not recognised.)",
    }


def test_what_lasts_for_hours_is_refused_unheard(folder, monkeypatch):
    write(folder / "a.wav", np.zeros(9_001), 1)  # a sample per second
    monkeypatch.setattr(recordings.activity, "listen", None)
    assert rows("a.wav") == [
        {
            "recording": "a.wav",
            "path": str(folder / "a.wav"),
            "start": 0.0,
            "duration": 9001.0,
            "problem": "lasts 9001 s; should last at most 7200 s",
        }
    ]


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(folder, sentence):
    write(folder / "x/a.wav", sentence).rename(folder / "x/h\udce9l.wav")
    (folder / "\udce9.csv").write_text("file\n")
    write(folder / "y/a.wav", sentence).parent.rename(folder / "\udce9")
    said = problems("x", "\udce9.csv", "\udce9")
    assert said.pop("?.csv").startswith("?.csv: line 1: column 'path' is missing")
    assert said == dict.fromkeys(["h?l.wav", "a.wav"], "has a path that is not UTF-8; should be renamed")


def test_audio_is_listed_once_and_names_stay_apart(folder, sentence):
    for name in ("x/a.wav", "y/a.wav", "y/b.wav"):
        write(folder / name, sentence)
    listed = [row["recording"] for row in rows("x/a.wav", "y", "x", "./y/b.wav")]
    assert listed == ["x/a.wav", "a.wav", "b.wav"]
    assert [row["recording"] for row in rows("x", "y")] == ["x/a.wav", "y/a.wav", "b.wav"]


def manifest(folder, text, name="list.csv"):
    (folder / "corpus").mkdir(exist_ok=True)
    (folder / "corpus" / name).write_text(text)
    return f"corpus/{name}"


def test_a_manifest_needs_paths_alone(folder, sentence):
    write(folder / "corpus/a.wav", sentence)
    (row,) = rows(manifest(folder, "path,emotion,condition,age\na.wav,furious,all,12\n"))
    path, duration = str(folder / "corpus/a.wav"), len(sentence) / RATE
    assert row == {"recording": "a.wav", "path": path, "start": 0.0, "duration": duration}


def test_a_manifest_says_parts_speakers_and_dialogs(folder, interview):
    write(folder / "corpus/a.wav", interview)
    text = "path,start,end,speaker,dialog,turn_start\na.wav,2,4.5,anna,d1,0\na.wav,10,12.5,ben,d1,\na.wav,,,,,\n"
    table = collect([manifest(folder, text)])
    # A row is an utterance, however long a pause is in it.
    assert list(table["start"]) == [2, 10, 0]
    assert list(table["duration"]) == [2.5, 2.5, 20]
    assert list(table["speaker"].fillna("")) == ["anna", "ben", ""]
    assert list(table["dialog"].fillna("")) == ["d1", "d1", ""]
    np.testing.assert_array_equal(table["turn_start"], [0, 10, np.nan])


def test_a_row_too_long_for_an_utterance_is_cut_within_its_dialog(folder, interview):
    write(folder / "corpus/a.wav", np.concatenate([interview, interview]))
    text = "path,start,end,speaker,dialog,turn_start\na.wav,1,40,anna,d1,100\na.wav,1.5,40,,,\n"
    table = collect([manifest(folder, text)])
    starts = [2, 10, 22, 30]
    np.testing.assert_allclose(table["start"], [*starts, *starts], atol=0.2)
    np.testing.assert_allclose(table["turn_start"], [*(start + 99 for start in starts), *starts], atol=0.2)
    assert list(table["dialog"]) == ["d1"] * 4 + ["a.wav"] * 4
    assert list(table["speaker"].fillna("")) == ["anna"] * 4 + [""] * 4


def test_dialogs_of_two_manifests_stay_apart(folder, sentence):
    for name in ("a.wav", "b.wav"):
        write(folder / "corpus" / name, sentence)
    places = [manifest(folder, f"path,dialog\n{name}.wav,1\n", f"{name}.csv") for name in "ab"]
    assert [row["dialog"] for row in rows(*places)] == ["corpus/a.csv: 1", "corpus/b.csv: 1"]


def test_what_is_wrong_with_a_manifest_is_said_row_by_row(folder, sentence):
    write(folder / "corpus/a.wav", sentence)
    text = "path,start,end\na.wav,,\na.wav,2,1\n,,\nb.wav,,\na.wav,1,9\na.wav,1,2,3\n"
    table = collect([manifest(folder, text)])
    line = "corpus/list.csv: line"
    assert list(table["recording"]) == ["a.wav", "a.wav", "corpus/list.csv", "b.wav", "a.wav", "corpus/list.csv"]
    assert list(table["problem"].fillna("")) == [
        "",
        f"{line} 3: end is '1'; should be after start, which is '2'",
        f"{line} 4: path is empty",
        "no such file",
        f"ends after {len(sentence) / RATE:.3f} s; should last until 9 s",
        f"{line} 7: has more values than the header has columns; quote commas",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,start\na.wav,1\n", "line 1: column 'path' is missing; has file, start"),
        ('path\n"a.wav\n', "line 2: the row that begins here cannot be read"),
        ("path\n", "holds no recording; should have a row for each"),
    ],
)
def test_what_is_wrong_with_a_whole_manifest_is_said(folder, text, problem):
    (row,) = rows(manifest(folder, text))
    assert row["recording"] == "corpus/list.csv"
    assert row["problem"].startswith(f"corpus/list.csv: {problem}")


def test_progress_is_told_recording_by_recording(folder, sentence):
    for name in ("a.wav", "b.wav"):
        write(folder / name, sentence)
    seen = []

    def progress(awaited):
        seen.append(len(awaited))
        yield from awaited

    assert len(collect(["."], progress=progress)) == 2
    assert seen == [2]


def test_the_threads_of_torch_stay_as_they_were(folder, interview):
    write(folder / "a.wav", interview)
    before = torch.get_num_threads()
    collect(["a.wav"])
    assert torch.get_num_threads() == before


def test_nothing_is_a_table_with_the_same_columns():
    table = collect([])
    assert list(table.columns) == list(recordings.COLUMNS)
    assert table.empty
