"""Any corpus that a CSV file lists."""

import numpy as np
import pytest

from emofuse.corpora import base
from emofuse.corpora.manifest import read


@pytest.fixture
def manifest(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "corpus" / "manifest.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_three_columns_are_enough(manifest):
    path = manifest("path,speaker,emotion\nanna/001.wav,anna,Happy\n")
    (row,) = read(str(path)).utterances.to_dict("records")
    assert row == {
        "utterance": "001",
        "speaker": "anna",
        "session": "anna",
        "condition": "",
        "path": str(path.parent / "anna/001.wav"),
        "emotion": "happy",
        "reference": None,
        "source": f"{path}: line 2",
    }


def test_all_columns_in_any_order_and_others_are_not_read(manifest):
    path = manifest(
        "emotion,transcript,session,utterance,age,condition,speaker,path\n"
        'SAD,"Oh, well. [SIGH]",monday,u1,33,interview,anna,/data/a.flac\n'
    )
    (row,) = read(str(path)).utterances.drop(columns="source").to_dict("records")
    assert row == {
        "utterance": "u1",
        "speaker": "anna",
        "session": "monday",
        "condition": "interview",
        "path": "/data/a.flac",
        "emotion": "sad",
        "reference": "Oh, well.",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings(manifest, encoding):
    path = manifest("path,speaker,emotion,transcript\na.wav,Zoë,sad,Déjà vu\n", encoding)
    listing = read(str(path))
    assert listing.problems == []
    assert listing.utterances[["speaker", "reference"]].to_numpy().tolist() == [["Zoë", "Déjà vu"]]


def test_the_config_says_what_the_corpus_calls_emotions(manifest):
    path = manifest("path,speaker,emotion\na.wav,s,Wut\nb.wav,s,freude\nc.wav,s,Ekel\nd.wav,s,neutral\n")
    listing = read(str(path), emotions={"wut": "angry", "Freude": "happy", "ekel": None})
    assert listing.problems == []
    assert listing.utterances["emotion"].tolist()[:2] == ["angry", "happy"]
    assert listing.utterances["emotion"].isna().tolist() == [False, False, True, False]


def test_every_bad_row_is_named_by_its_line_in_the_file(manifest):
    path = manifest(
        "path,speaker,emotion,condition,transcript\n"
        'a.wav,s,sad,,"two\nlines"\n'
        "b.wav,s,glum,,\n"
        ",s,sad,,\n"
        "c.wav,,hapy,,\n"
        "d.wav,s,sad,,Oh, no comma here\n"
        "e.wav,x/y,sad,all,\n"
    )
    listing = read(str(path))
    assert listing.utterances["reference"].tolist() == ["two lines"]
    assert listing.problems == [
        f"{path}: line 4: emotion is 'glum'; should be one of angry, happy, neutral, sad",
        f"{path}: line 5: path is empty",
        f"{path}: line 6: speaker is empty",
        f"{path}: line 6: emotion is 'hapy'; should be one of angry, happy, neutral, sad",
        f"{path}: line 7: has more values than the header has columns; quote commas",
        f"{path}: line 8: speaker is 'x/y'; should have no '/', brace or control character, and not be . or ..",
        f"{path}: line 8: condition is 'all', which stands for all conditions together; should have another name",
    ]


def test_missing_columns_and_files(manifest, tmp_path):
    path = manifest("file,speaker,label\n")
    assert read(str(path)).problems == [
        f"{path}: line 1: column 'path' is missing; has file, speaker, label; should be CSV in UTF-8, with commas",
        f"{path}: line 1: column 'emotion' is missing; has file, speaker, label; should be CSV in UTF-8, with commas",
    ]
    assert read(str(tmp_path / "no.csv")).problems == [f"{tmp_path / 'no.csv'}: no such file; should be a CSV file"]


def test_labels_audio_and_names_are_all_told_at_once(manifest, make_wav):
    path = manifest(
        "path,speaker,emotion\n"
        "good.wav,s,sad\n"
        "x/good.wav,s,sad\n"
        "missing.wav,s,happy\n"
        "silent.wav,s,happy\n"
        "odd.wav,s,glum\n"
    )
    make_wav(path.parent / "good.wav")
    make_wav(path.parent / "silent.wav", np.zeros(8000))
    problems = base.read("mine", "manifest", path=str(path)).problems
    assert problems == [
        f"{path}: line 6: emotion is 'glum'; should be one of angry, happy, neutral, sad",
        f"{path}: line 3: utterance 'good' is there already ({path}: line 2)",
        f"{path.parent}/missing.wav: utterance 'missing' has audio that cannot be used: no such file",
        f"{path.parent}/silent.wav: utterance 'silent' has audio that cannot be used: silent: all samples are 0.0000",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        'a.wav,anna,happy,"He said\nf.wav,ben,sad,fine\nd.wav,ben,sad,"ok"\n',
        'f.wav,ben,sad,fine\na.wav,anna,happy,"He said\n',
    ],
)
def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path, rows):
    path = tmp_path / "m.csv"
    path.write_text("path,speaker,emotion,transcript\n" + rows)
    (problem,) = read(str(path)).problems
    begin = 2 if rows.startswith("a") else 3
    assert f"line {begin}: the row that begins here cannot be read" in problem
    assert "should have each quote closed" in problem


def test_a_transcript_may_have_lines_and_quotes(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('path,speaker,emotion,transcript\na.wav,anna,happy,"He said\n""yes"", twice"\n')
    found = read(str(path))
    assert found.problems == []
    assert found.utterances["reference"].tolist() == ['He said "yes", twice']


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("path,speaker,emotion,emotion\na.wav,anna,happy,sad\n")
    assert read(str(path)).problems == [f"{path}: line 1: column 'emotion' is there more than once"]


@pytest.mark.parametrize("name", ["..", ".", "a{b}", "tab\tbed"])
def test_a_speaker_whose_name_cannot_be_a_folder_is_refused(tmp_path, name):
    path = tmp_path / "m.csv"
    path.write_text(f"path,speaker,emotion\na.wav,{name},happy\n")
    assert "should have no '/', brace or control character" in read(str(path)).problems[0]


def test_labels_may_be_numbers(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("path,speaker,emotion\na.wav,anna,1\n")
    assert read(str(path), emotions={1: "angry"}).utterances["emotion"].tolist() == ["angry"]
