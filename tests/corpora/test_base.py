"""From a reader's listing to the tables of a corpus."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emofuse import audio, contracts, parts, tables
from emofuse.corpora import base
from emofuse.corpora.iemocap import Iemocap
from emofuse.tables import InputError


def read(iemocap, rejects="stop"):
    listed = base.list_corpus(Iemocap(), iemocap.root, partial=True)
    return listed, base.check_audio(listed, iemocap.root, rejects=rejects, partial=True)


@pytest.mark.parametrize("path", parts.known(parts.READER).values())
def test_a_reader_describes_itself(path):
    reader = parts.load(path)
    assert set(reader.emotions.values()) >= set(tables.EMOTIONS)
    assert reader.gives in ("audio", "scores")
    assert reader.layout and parts.summary(reader)
    for field in parts.parameters(reader).model_fields.values():
        assert field.description
    missing = Path("no/such/corpus")
    assert not reader().is_at(missing)
    assert reader().watched(missing) == []
    assert base.list_corpus(reader(), missing).problems == [f"{missing}: should be {reader.layout}"]


def test_every_table_keeps_its_contract(iemocap, tmp_path):
    iemocap.add("Ses01F_impro01_M001", "sad", text=None)
    iemocap.add("Ses01F_impro01_F000", "exc")
    iemocap.add("Ses01F_impro01_F001", "fru")
    iemocap.add("Ses01F_impro01_F002", "ang", samples=np.zeros(8000))
    listed, checked = read(iemocap, rejects="leave_out")
    assert listed.problems + checked.problems == []

    def written(table, contract):
        tables.write(table, contract, tmp_path / "table.parquet")
        return tables.read(contract, tmp_path / "table.parquet")

    recordings = written(checked.recordings, contracts.RECORDINGS)
    assert recordings["utterance"].tolist() == ["Ses01F_impro01_F000", "Ses01F_impro01_M001"]
    assert recordings["duration"].tolist() == [0.5, 0.5]
    assert recordings[["start", "end"]].isna().all(axis=None)
    assert recordings["path"][0] == "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    utterances = written(base.utterances_of(listed, "mine", recordings), contracts.UTTERANCES)
    assert utterances["utterance"].tolist() == recordings["utterance"].tolist()
    assert utterances["emotion"].tolist() == ["happy", "sad"]
    assert set(utterances["corpus"]) == {"mine"}
    references = written(base.references(listed, recordings), contracts.REFERENCES)
    assert references["utterance"].tolist() == recordings["utterance"].tolist()
    assert references["reference"].isna().tolist() == [False, True]
    rejects = written(checked.rejects, contracts.REJECTS)
    assert rejects["utterance"].tolist() == ["Ses01F_impro01_F002"]


def test_no_rejects_are_an_empty_table(iemocap, tmp_path):
    iemocap.add("Ses01F_impro01_F000")
    _, checked = read(iemocap)
    tables.write(checked.rejects, contracts.REJECTS, tmp_path / "rejects.parquet")
    assert tables.read(contracts.REJECTS, tmp_path / "rejects.parquet").empty


def test_what_nobody_wrote_down_is_a_missing_reference(iemocap):
    iemocap.add("Ses01F_impro01_F000", text=None)
    iemocap.add("Ses01F_impro01_F001")
    listed, _ = read(iemocap)
    assert listed.utterances["reference"].isna().tolist() == [True, False]


def test_labels_are_listed_without_audio_and_the_same_wherever_the_corpus_lies(iemocap, tmp_path):
    iemocap.add("Ses01F_impro01_F000")
    iemocap.wav("Ses01F_impro01_F000").unlink()
    listed, _ = read(iemocap)
    (tmp_path / "link").symlink_to(iemocap.root)
    elsewhere = base.list_corpus(Iemocap(), tmp_path / "link", partial=True)
    pd.testing.assert_frame_equal(listed.utterances, elsewhere.utterances)
    assert listed.problems == []


def test_shards_have_the_recordings_of_the_corpus_and_stop_at_their_own_audio_alone(iemocap):
    for turn in range(6):
        iemocap.add(f"Ses01F_impro01_F00{turn}", "xxx" if turn == 2 else "sad")
    iemocap.wav("Ses01F_impro01_F004").unlink()

    def shard(number, rejects):
        recipe = {"reader": "emofuse.corpora.iemocap:Iemocap", "parameters": {}, "emotions": None}
        recipe |= {"min_duration": 0.1, "rejects": rejects}
        return base.shard(recipe, iemocap.root, number=number, shards=3, partial=True, kept="", threads=1)

    _, checked = read(iemocap, rejects="leave_out")
    whole = audio.resolve(checked.recordings, iemocap.root)
    shards = pd.concat([shard(number, "leave_out") for number in range(3)])
    pd.testing.assert_frame_equal(shards.sort_values("utterance", ignore_index=True), whole)

    # By their names F000 and F002 fall into shard 0, F004 into shard 2; F002's label is none of the four.
    assert shard(0, "stop")["utterance"].tolist() == ["Ses01F_impro01_F000"]
    with pytest.raises(
        InputError, match=r"utterance 'Ses01F_impro01_F004' has audio that cannot be used: no such file"
    ):
        shard(2, "stop")


def test_what_is_kept_of_labels_is_what_was_read(iemocap, tmp_path):
    for turn in range(6):
        iemocap.add(f"Ses01F_impro01_F00{turn}", "xxx" if turn == 2 else "sad", text=None if turn else "Hm.")
    recipe = {"reader": "emofuse.corpora.iemocap:Iemocap", "parameters": {}, "emotions": {"none": "sad"}}
    _, listed = base.listed_by(recipe, iemocap.root, True, "")
    assert listed.warnings
    base.keep(listed, tmp_path / "kept.parquet")
    recipe |= {"min_duration": 0.1, "rejects": "stop"}
    for shard in (None, (0, 3), (1, 3), (2, 3)):
        _, kept = base.listed_by(recipe, "nowhere", True, str(tmp_path / "kept.parquet"), shard)
        _, read_anew = base.listed_by(recipe, iemocap.root, True, "", shard)
        as_read = [table.astype(object).where(table.notna(), None) for table in (kept.utterances, read_anew.utterances)]
        pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in as_read))
        assert (kept.warnings, kept.published) == (listed.warnings, listed.published)
    rows = base.counts(kept.labelled, kept.published)
    assert len(rows) == len(kept.published)


def test_audio_that_cannot_be_used_stops_a_study_unless_the_config_leaves_it_out(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    iemocap.add("Ses01F_impro01_F001", samples=np.full((8000, 1), np.nan), subtype="FLOAT")
    iemocap.wav("Ses01F_impro01_F000").with_name("Ses01F_impro01_F002.wav").touch()
    iemocap.append("EmoEvaluation", "Ses01F_impro01", "[1.0 - 2.0]\tSes01F_impro01_F002\tsad\t[1, 2, 3]\n")
    iemocap.append("EmoEvaluation", "Ses01F_impro01", "[1.0 - 2.0]\tSes01F_impro01_F003\tsad\t[1, 2, 3]\n")
    _, stopped = read(iemocap)
    _, left_out = read(iemocap, rejects="leave_out")
    assert len(stopped.problems) == 3
    assert left_out.problems == []
    assert left_out.warnings[:3] == [f"left out: {problem}" for problem in stopped.problems]
    for checked in (stopped, left_out):
        assert checked.recordings["utterance"].tolist() == ["Ses01F_impro01_F000"]
        assert dict(checked.rejects[["utterance", "reason"]].to_numpy()) == {
            "Ses01F_impro01_F001": "8000 of 8000 samples are NaN or infinite",
            "Ses01F_impro01_F002": "empty file",
            "Ses01F_impro01_F003": "no such file",
        }


def test_much_audio_that_cannot_be_used_is_told_by_reason(iemocap, make_tone):
    for number in range(10):
        iemocap.add(f"Ses01F_impro01_F{number:03d}", samples=make_tone(0.01 + number / 1000))
    for number in range(10, 15):
        iemocap.add(f"Ses01F_impro01_F{number:03d}")
        iemocap.wav(f"Ses01F_impro01_F{number:03d}").unlink()
    _, checked = read(iemocap)
    first = iemocap.wav("Ses01F_impro01_F000")
    assert len(checked.problems) == 2 * (3 + 1)
    assert checked.problems[0] == (
        f"{first}: utterance 'Ses01F_impro01_F000' has audio that cannot be used: "
        "too short: 0.010 s; should be at least 0.1 s"
    )
    assert checked.problems[3].startswith(f"{iemocap.root}: and 7 more, 10 in all: audio cannot be used: too short")
    assert checked.problems[7] == f"{iemocap.root}: and 2 more, 5 in all: audio cannot be used: no such file"
    # All are in the table of rejects.
    assert len(checked.rejects) == 15


@pytest.mark.parametrize("place", ["audio", ".."])
def test_missing_audio_is_found_one_level_up_or_down(iemocap, place):
    iemocap.add("Ses01F_impro01_F000")
    moved = (iemocap.root / place).resolve()
    (moved / "Session1").mkdir(parents=True, exist_ok=True)
    (iemocap.root / "Session1/sentences").rename(moved / "Session1/sentences")
    _, checked = read(iemocap)
    assert checked.problems[-1] == f"{iemocap.root}: the missing audio lies below {moved}"


def test_a_part_of_a_corpus_is_a_problem_unless_the_config_says_so(iemocap):
    iemocap.add("Ses01F_impro01_F000", "ang")
    whole = base.list_corpus(Iemocap(), iemocap.root)
    assert whole.problems[1] == "Session1 angry: 1 read, 229 published"
    assert len(whole.problems) == 1 + 4 * 5
    assert whole.warnings == []
    part = base.list_corpus(Iemocap(), iemocap.root, partial=True)
    assert part.problems == []
    assert part.warnings == whole.problems[1:]


def test_the_first_of_two_channels_is_read(iemocap, make_tone):
    voice, silence = make_tone(), np.zeros_like(make_tone())
    iemocap.add("Ses01F_impro01_F000", samples=np.hstack([voice, silence]))
    iemocap.add("Ses01F_impro01_F001", samples=np.hstack([silence, voice]))
    _, checked = read(iemocap, rejects="leave_out")
    assert checked.rejects["utterance"].tolist() == ["Ses01F_impro01_F001"]


def test_a_corpus_without_any_of_the_four_emotions_is_a_problem(iemocap):
    iemocap.add("Ses01F_impro01_F000", "fru")
    listed, checked = read(iemocap)
    assert listed.problems == [f"{iemocap.root}: has no utterance of the four emotions"]
    assert checked.problems == []


def test_a_corpus_without_audio_that_can_be_used_is_a_problem(iemocap):
    iemocap.add("Ses01F_impro01_F000", samples=np.zeros(8000))
    _, checked = read(iemocap, rejects="leave_out")
    assert checked.problems == [f"{iemocap.root}: has no utterance whose audio can be used"]


def test_emotions_of_the_config_work_for_every_reader_in_any_case(iemocap):
    iemocap.add("Ses01F_impro01_F000", "exc")
    iemocap.add("Ses01F_impro01_F001", "hap")
    iemocap.add("Ses01F_impro01_F002", "fru")
    emotions = {"Exc": None, "FRU": "angry"}
    listed = base.list_corpus(Iemocap(), iemocap.root, emotions=emotions, partial=True)
    assert dict(listed.utterances[["utterance", "emotion"]].to_numpy()) == {
        "Ses01F_impro01_F001": "happy",
        "Ses01F_impro01_F002": "angry",
    }
    # What is published is counted under the reader's own mapping.
    assert "Session1 happy: 2 read, 278 published" in listed.warnings
    assert "Session1 angry: 0 read, 229 published" in listed.warnings
