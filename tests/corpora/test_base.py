"""From a reader's listing to the utterances table."""

import logging

import numpy as np
import pytest

from emofuse import contracts, tables
from emofuse.corpora import READERS, base, load_reader


@pytest.mark.parametrize("name", READERS)
def test_readers_are_where_the_registry_says(name):
    assert callable(load_reader(name))


def test_both_tables_keep_their_contracts(iemocap, tmp_path):
    iemocap.add("Ses01F_impro01_M001", "sad", text=None)
    iemocap.add("Ses01F_impro01_F000", "exc")
    iemocap.add("Ses01F_impro01_F001", "fru")
    iemocap.add("Ses01F_impro01_F002", "ang", samples=np.zeros(8000))
    corpus = base.read("mine", "iemocap", path=str(iemocap.root), partial=True, rejects="leave_out")
    assert corpus.problems == []
    tables.write(corpus.utterances, contracts.UTTERANCES, tmp_path / "utterances.parquet")
    tables.write(corpus.rejects, contracts.REJECTS, tmp_path / "rejects.parquet")
    utterances = tables.read(contracts.UTTERANCES, tmp_path / "utterances.parquet")
    assert utterances["utterance"].tolist() == ["Ses01F_impro01_F000", "Ses01F_impro01_M001"]
    assert utterances["duration"].tolist() == [0.5, 0.5]
    assert utterances["reference"].isna().tolist() == [False, True]
    assert set(utterances["corpus"]) == {"mine"}
    rejects = tables.read(contracts.REJECTS, tmp_path / "rejects.parquet")
    assert rejects["utterance"].tolist() == ["Ses01F_impro01_F002"]


def test_no_rejects_are_an_empty_table(iemocap, tmp_path):
    iemocap.add("Ses01F_impro01_F000")
    corpus = base.read("mine", "iemocap", path=str(iemocap.root), partial=True)
    tables.write(corpus.rejects, contracts.REJECTS, tmp_path / "rejects.parquet")
    assert tables.read(contracts.REJECTS, tmp_path / "rejects.parquet").empty


def test_audio_that_cannot_be_used_stops_a_study_unless_the_config_leaves_it_out(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    iemocap.add("Ses01F_impro01_F001", samples=np.full((8000, 1), np.nan), subtype="FLOAT")
    iemocap.wav("Ses01F_impro01_F000").with_name("Ses01F_impro01_F002.wav").touch()
    iemocap.append("EmoEvaluation", "Ses01F_impro01", "[1.0 - 2.0]\tSes01F_impro01_F002\tsad\t[1, 2, 3]\n")
    iemocap.append("EmoEvaluation", "Ses01F_impro01", "[1.0 - 2.0]\tSes01F_impro01_F003\tsad\t[1, 2, 3]\n")
    settings = dict(path=str(iemocap.root), partial=True)
    stopped = base.read("mine", "iemocap", **settings)
    left_out = base.read("mine", "iemocap", rejects="leave_out", **settings)
    assert len(stopped.problems) == 3
    assert left_out.problems == []
    for corpus in (stopped, left_out):
        assert corpus.utterances["utterance"].tolist() == ["Ses01F_impro01_F000"]
        assert dict(corpus.rejects[["utterance", "reason"]].to_numpy()) == {
            "Ses01F_impro01_F001": "8000 of 8000 samples are NaN or infinite",
            "Ses01F_impro01_F002": "empty file",
            "Ses01F_impro01_F003": "no such file",
        }


def test_a_part_of_a_corpus_is_a_problem_unless_the_config_says_so(iemocap, caplog):
    iemocap.add("Ses01F_impro01_F000", "ang")
    whole = base.read("mine", "iemocap", path=str(iemocap.root))
    assert whole.problems[1] == "Session1 angry: 1 read, 229 published"
    assert len(whole.problems) == 1 + 4 * 5
    with caplog.at_level(logging.WARNING):
        assert base.read("mine", "iemocap", path=str(iemocap.root), partial=True).problems == []
    assert "Session1 angry: 1 read, 229 published" in caplog.text


def test_the_first_of_two_channels_is_taken(iemocap, make_tone):
    voice, silence = make_tone(), np.zeros_like(make_tone())
    iemocap.add("Ses01F_impro01_F000", samples=np.hstack([voice, silence]))
    iemocap.add("Ses01F_impro01_F001", samples=np.hstack([silence, voice]))
    settings = dict(path=str(iemocap.root), partial=True, rejects="leave_out")
    assert base.read("mine", "iemocap", **settings).rejects["utterance"].tolist() == ["Ses01F_impro01_F001"]


def test_a_corpus_without_any_of_the_four_emotions_is_a_problem(iemocap):
    iemocap.add("Ses01F_impro01_F000", "fru")
    (problem,) = base.read("mine", "iemocap", path=str(iemocap.root), partial=True).problems
    assert problem == "mine: has no utterance of the four emotions"


def test_paths_stay_relative_if_the_root_is(iemocap, monkeypatch):
    iemocap.add("Ses01F_impro01_F000")
    monkeypatch.chdir(iemocap.root.parent)
    corpus = base.read("mine", "iemocap", path=iemocap.root.name, partial=True)
    assert corpus.utterances["path"].item().startswith("IEMOCAP_full_release/Session1/")
