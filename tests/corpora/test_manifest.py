"""Any corpus that a CSV file lists."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import parts
from emofuse.corpora import base
from emofuse.corpora.manifest import Manifest


def read(path, **columns):
    return Manifest(**columns).read(path)


def utterances(path, **columns):
    listed = base.list_corpus(Manifest(**columns), path)
    assert listed.problems == []
    return listed.utterances


def problems(path, **columns):
    return base.list_corpus(Manifest(**columns), path).problems


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
    (row,) = read(path).utterances.dropna(axis=1).to_dict("records")
    assert row == {
        "utterance": "001",
        "speaker": "anna",
        "session": "anna",
        "condition": "",
        "path": "anna/001.wav",
        "label": "Happy",
        "source": f"{path}: line 2",
    }


def test_all_columns_in_any_order(manifest):
    path = manifest(
        "emotion,transcript,session,utterance,end,dialog,condition,speaker,path,start,split,fold\n"
        'SAD,"Oh, well. [SIGH]",monday,u1,2.5,second talk,interview,anna,/data/a.flac,1,test,official\n'
    )
    (row,) = utterances(path).to_dict("records")
    assert row == {
        "utterance": "u1",
        "speaker": "anna",
        "session": "monday",
        "dialog": "second talk",
        "turn_start": 1.0,
        "condition": "interview",
        "path": "/data/a.flac",
        "start": 1.0,
        "end": 2.5,
        "emotion": "sad",
        "reference": "Oh, well.",
        "given_fold": "official",
        "given_split": "test",
    }


def test_a_split_is_one_of_three_and_a_fold_has_one(manifest):
    path = manifest(
        "path,speaker,emotion,fold,split\n"
        "1.wav,anna,sad,a,dev\n2.wav,anna,sad,a,\n3.wav,bert,sad,a/b,test\n4.wav,bert,sad,,train\n5.wav,bert,sad,,\n"
    )
    assert problems(path) == [
        f"{path}: line 2: split is 'dev'; should be one of train, validation, test",
        f"{path}: line 3: fold is 'a' and split is empty; should be both, or fold empty",
        f"{path}: line 4: fold is 'a/b'; should have no '/', brace or control character, and not be . or ..",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings(manifest, encoding):
    path = manifest("path,speaker,emotion,transcript\na.wav,Zoë,sad,Déjà vu\n", encoding)
    assert utterances(path)[["speaker", "reference"]].to_numpy().tolist() == [["Zoë", "Déjà vu"]]


def test_the_config_says_what_the_corpus_calls_emotions(manifest):
    path = manifest("path,speaker,emotion\na.wav,s,Wut\nb.wav,s,freude\nc.wav,s,Ekel\nd.wav,s,neutral\n")
    listed = base.list_corpus(Manifest(), path, emotions={"wut": "angry", "Freude": "happy", "ekel": None})
    assert listed.problems == []
    assert listed.utterances["utterance"].tolist() == ["a", "b", "d"]
    assert listed.utterances["emotion"].tolist() == ["angry", "happy", "neutral"]


def test_an_unknown_emotion_leads_to_the_config(manifest):
    path = manifest("path,speaker,emotion\na.wav,s,anger\nb.wav,s,Ekel\n")
    known = "should be one of angry, happy, neutral, sad; or the config's key emotions says what it means, as in"
    assert problems(path) == [
        f"{path}: line 2: emotion is 'anger'; {known} emotions: {{anger: angry}}",
        f"{path}: line 3: emotion is 'Ekel'; {known} emotions: {{Ekel: null}}",
    ]


def test_an_emotion_of_the_config_that_no_row_has_is_told(manifest):
    path = manifest("path,speaker,emotion\na.wav,s,sad\n")
    said = f"emotions: no utterance of {path} has the label 'fear'"
    assert said in base.list_corpus(Manifest(), path, emotions={"fear": None}).problems
    assert base.list_corpus(Manifest(), path, emotions={"fear": None}, partial=True).warnings == [said]


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
    listed = base.list_corpus(Manifest(), path)
    assert listed.utterances["reference"].tolist() == ["two lines"]
    label = "should be one of angry, happy, neutral, sad; or the config's key emotions says what it means, as in"
    assert listed.problems == [
        f"{path}: line 5: path is empty",
        f"{path}: line 6: speaker is empty",
        f"{path}: line 7: has more values than the header has columns; quote commas",
        f"{path}: line 8: speaker is 'x/y'; should have no '/', brace or control character, and not be . or ..",
        f"{path}: line 8: condition is 'all', which stands for all conditions together; should have another name",
        f"{path}: line 4: emotion is 'glum'; {label} emotions: {{glum: null}}",
    ]


def test_a_fault_of_many_rows_is_told_once_with_their_number(manifest):
    path = manifest("path,speaker,emotion\n" + "".join(f"{row}.wav,s,anger\n" for row in range(2000)))
    told = problems(path)
    assert len(told) == 4
    assert told[0].startswith(f"{path}: line 2: emotion is 'anger'")
    assert told[3].startswith(f"{path}: and 1997 more, 2000 in all: emotion is 'anger'; should be one of angry")


def test_missing_columns_and_files(manifest, tmp_path):
    path = manifest("path,speaker\n")
    assert problems(path) == [
        f"{path}: line 1: column 'emotion' is missing; has path, speaker; should be CSV in UTF-8, with commas"
    ]
    assert problems(tmp_path / "no.csv") == [f"{tmp_path / 'no.csv'}: should be a CSV file"]
    # The manifest may lie in the folder that was named, or beside the one that was.
    assert problems(path.parent) == [f"{path.parent}: should be a CSV file; {path} holds it"]
    assert problems(path.with_name("typo.csv")) == [
        f"{path.with_name('typo.csv')}: should be a CSV file; {path} holds it"
    ]


def test_a_manifest_without_rows_holds_no_label(manifest):
    path = manifest("path,speaker,emotion\n")
    assert f"{path}: holds no label" in problems(path)


def test_the_manifest_is_watched_and_its_folder_is_where_paths_begin(manifest):
    path = manifest("path,speaker,emotion\n")
    assert Manifest().watched(path) == [path]
    assert Manifest().root(path) == path.parent


KNOWN = "path, speaker, emotion, utterance, session, dialog, turn_start, condition, transcript, start, end, fold, split"


@pytest.mark.parametrize(
    ("name", "near"), [("Session", "session"), ("SESSION", "session"), ("transcripts", "transcript")]
)
def test_an_unknown_column_is_refused_with_the_nearest_name(manifest, name, near):
    path = manifest(f"path,speaker,emotion,{name}\na.wav,s,sad,1\n")
    assert problems(path) == [
        f"{path}: line 1: column {name!r} is not known; should be one of {KNOWN}; or the config's key columns says "
        f"what it is, as in columns: {{{name}: speaker}}, or {{{name}: null}} to leave it out; did you mean {near!r}?"
    ]


def test_the_config_says_what_columns_are(manifest):
    path = manifest("file,Speaker_ID,emotion,age,speaker\na.wav,anna,sad,33,7\n")
    columns = {"file": "path", "Speaker_ID": "speaker", "age": None, "speaker": None}
    assert utterances(path, columns=columns)[["path", "speaker"]].to_numpy().tolist() == [["a.wav", "anna"]]


def test_columns_of_the_config_that_contradict_the_file_are_told(manifest):
    path = manifest("path,Speaker_ID,speaker,emotion\na.wav,anna,7,sad\n")
    assert problems(path, columns={"Speaker_ID": "speaker", "aeg": None}) == [
        f"columns: 'aeg' is no column of {path}; should be one of path, Speaker_ID, speaker, emotion",
        f"{path}: line 1: columns 'Speaker_ID' and 'speaker' are both speaker; should be one, "
        "and the other null in columns",
    ]
    told = parts.problems(parts.parameters(Manifest), {"columns": {"Speaker_ID": "speker"}})
    assert told == [f"columns.Speaker_ID is 'speker'; should be one of {KNOWN}; did you mean 'speaker'?"]


def test_files_of_one_name_in_two_folders_are_two_utterances(manifest):
    path = manifest("path,speaker,emotion\na/001.wav,a,sad\nb/001.wav,b,happy\nb/./002.wav,b,happy\n")
    assert utterances(path)["utterance"].tolist() == ["002", "a/001", "b/001"]


folders = st.lists(st.sampled_from("abc"), max_size=2).map("/".join)
files = st.tuples(folders, st.sampled_from("xyz")).map(lambda part: "/".join(filter(None, part)) + ".wav")


@settings(max_examples=50)
@given(st.lists(files, min_size=1, unique=True))
def test_every_file_has_a_name_of_its_own_whatever_the_order(paths):
    def names(paths):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.csv"
            path.write_text("path,speaker,emotion\n" + "".join(f"{path},s,sad\n" for path in paths))
            return dict(read(path).utterances[["path", "utterance"]].to_numpy())

    named = names(paths)
    assert len(set(named.values())) == len(paths)
    assert names(paths[::-1]) == named
    for path, name in named.items():
        stems = [Path(other).stem for other in paths]
        assert name == (Path(path).stem if stems.count(Path(path).stem) == 1 else path.removesuffix(".wav"))


def test_a_name_that_the_manifest_gives_stays(manifest):
    path = manifest("path,speaker,emotion,utterance\na/001.wav,a,sad,u1\nb/001.wav,b,happy,\n")
    assert utterances(path)["utterance"].tolist() == ["001", "u1"]


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        ("a.wav,anna,sad,", "a.wav,ben,sad,u2", "a.wav is listed already"),
        ("a.wav,anna,sad,", "./a.wav,anna,happy,u2", "a.wav is listed already"),
        ("a.wav,anna,sad,u1", "x/../a.wav,anna,sad,u2", "a.wav is listed already"),
        ("a.wav,anna,sad,", "a.wav,ben,sad,", "utterance 'a' is listed already"),
        ("a.wav,anna,sad,", "b.wav,anna,sad,a", "utterance 'a' is listed already"),
    ],
)
def test_the_same_audio_under_two_speakers_emotions_or_names_is_refused(manifest, first, second, fault):
    path = manifest(f"path,speaker,emotion,utterance\n{first}\n{second}\n")
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: line 3: {fault} ({path}: line 2)")


def test_rows_cut_utterances_out_of_a_longer_recording(manifest, make_wav, make_tone):
    path = manifest(
        "path,speaker,emotion,start,end,utterance\n"
        "talk.wav,anna,sad,0,0.5,\n"
        "talk.wav,ben,happy,0.50,1.25,\n"
        "talk.wav,ben,happy,1.25,2,last\n"
        "short.wav,ben,happy,,,\n"
    )
    make_wav(path.parent / "talk.wav", make_tone(1.5))
    make_wav(path.parent / "short.wav", make_tone(0.3))
    listed = base.list_corpus(Manifest(), path)
    assert listed.problems == []
    assert listed.utterances["utterance"].tolist() == ["last", "short", "talk_0.5_1.25", "talk_0_0.5"]
    checked = base.check_audio(listed, path.parent)
    assert dict(checked.recordings[["utterance", "duration"]].to_numpy()) == {
        "short": 0.3,
        "talk_0.5_1.25": 0.75,
        "talk_0_0.5": 0.5,
    }
    assert checked.problems == [
        f"{path.parent}/talk.wav: utterance 'last' has audio that cannot be used: "
        "ends after 1.500 s; should last until 2 s"
    ]


def test_parts_of_files_of_one_name_in_two_folders(manifest):
    path = manifest("path,speaker,emotion,start,end\na/x.wav,a,sad,0,1\na/x.wav,a,sad,1,2\nb/x.wav,b,sad,0,1\n")
    assert utterances(path)["utterance"].tolist() == ["a/x_0_1", "a/x_1_2", "b/x_0_1"]


@pytest.mark.parametrize(
    ("start", "end", "fault"),
    [
        ("1", "", "start is '1' and end is empty; should be both, in seconds, or neither"),
        ("", "1", "end is '1' and start is empty; should be both, in seconds, or neither"),
        ("one", "2", "start is 'one'; should be a number of seconds, 0 or more"),
        ("-1", "2", "start is '-1'; should be a number of seconds, 0 or more"),
        ("1", "nan", "end is 'nan'; should be a number of seconds, 0 or more"),
        ("1", "inf", "end is 'inf'; should be a number of seconds, 0 or more"),
        ("2", "2.0", "end is '2.0'; should be after start, which is '2'"),
        ("3", "2", "end is '2'; should be after start, which is '3'"),
    ],
)
def test_a_part_that_is_none_is_refused(manifest, start, end, fault):
    path = manifest(f"path,speaker,emotion,start,end\na.wav,s,sad,{start},{end}\n")
    assert problems(path)[0] == f"{path}: line 2: {fault}"


def test_labels_audio_and_names_are_all_told_at_once(manifest, make_wav):
    path = manifest(
        "path,speaker,emotion\n"
        "good.wav,s,sad\n"
        "good.wav,s,sad\n"
        "missing.wav,s,happy\n"
        "silent.wav,s,happy\n"
        "odd.wav,s,glum\n"
    )
    make_wav(path.parent / "good.wav")
    make_wav(path.parent / "silent.wav", np.zeros(8000))
    listed = base.list_corpus(Manifest(), path)
    checked = base.check_audio(listed, path.parent)
    assert listed.problems[0].startswith(f"{path}: line 6: emotion is 'glum'; should be one of")
    assert listed.problems[1:] == [f"{path}: line 3: utterance 'good' is listed already ({path}: line 2)"]
    assert checked.problems == [
        f"{path.parent}/missing.wav: utterance 'missing' has audio that cannot be used: no such file",
        f"{path.parent}/silent.wav: utterance 'silent' has audio that cannot be used: silent: all samples are 0.0000",
    ]


def test_missing_audio_is_found_in_a_folder_beside_the_manifest(manifest, make_wav):
    path = manifest("path,speaker,emotion\na.wav,s,sad\n")
    make_wav(path.parent / "wav/a.wav")
    checked = base.check_audio(base.list_corpus(Manifest(), path), path.parent)
    assert checked.problems[-1] == f"{path.parent}: the missing audio lies below {path.parent / 'wav'}"


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
    (problem,) = problems(path)
    begin = 2 if rows.startswith("a") else 3
    assert f"line {begin}: the row that begins here cannot be read" in problem
    assert "should have each quote closed" in problem


def test_a_transcript_may_have_lines_and_quotes(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('path,speaker,emotion,transcript\na.wav,anna,happy,"He said\n""yes"", twice"\n')
    assert utterances(path)["reference"].tolist() == ['He said "yes", twice']


def test_a_column_that_appears_twice_is_refused(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("path,speaker,emotion,emotion\na.wav,anna,happy,sad\n")
    assert problems(path) == [f"{path}: line 1: column 'emotion' appears more than once"]


@pytest.mark.parametrize("name", ["..", ".", "a{b}", "tab\tbed"])
def test_a_speaker_whose_name_cannot_be_a_folder_is_refused(tmp_path, name):
    path = tmp_path / "m.csv"
    path.write_text(f"path,speaker,emotion\na.wav,{name},happy\n")
    assert "should have no '/', brace or control character" in problems(path)[0]


def test_labels_may_be_numbers(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("path,speaker,emotion\na.wav,anna,1\n")
    assert base.list_corpus(Manifest(), path, emotions={1: "angry"}).utterances["emotion"].tolist() == ["angry"]


def test_overlapping_parts_of_a_file_are_one_persons_in_one_emotion(manifest):
    path = manifest(
        "path,speaker,emotion,start,end\n"
        "talk.wav,anna,sad,0,2\ntalk.wav,anna,sad,1,3\n"  # said twice, by one person in one emotion
        "talk.wav,ben,sad,2.5,4\ntalk.wav,cora,angry,4,5\nwhole.wav,anna,sad,,\nwhole.wav,ben,sad,1,2\n"
    )
    assert [problem.split(": ", 2)[2] for problem in problems(path)] == [
        "talk.wav from 2.5 s overlaps utterance 'talk_1_3' of speaker 'anna' with label 'sad' "
        f"({path}: line 3); should begin after it",
        "whole.wav from 1 s overlaps utterance 'whole' of speaker 'anna' with label 'sad' "
        f"({path}: line 6); should begin after it",
    ]


def test_the_start_in_a_recording_serves_in_its_dialog_and_a_column_of_its_own_is_better(manifest):
    path = manifest(
        "path,speaker,emotion,start,end,dialog,turn_start\n"
        "a.wav,a,sad,1,2,talk,\na.wav,b,sad,2,3,talk,9.5\na.wav,b,sad,3,4,,\nb.wav,b,sad,,,talk,12\nc.wav,b,sad,,,talk,\n"
    )
    assert read(path).utterances["turn_start"].fillna(-1).tolist() == [1, 9.5, -1, 12, -1]


@pytest.mark.parametrize(
    ("dialog", "turn_start", "fault"),
    [
        ("talk", "first", "turn_start is 'first'; should be a number, 0 or more"),
        ("", "3", "turn_start is '3' and dialog is empty; should be both, or turn_start empty"),
    ],
)
def test_a_turn_that_begins_nowhere_is_refused(manifest, dialog, turn_start, fault):
    path = manifest(f"path,speaker,emotion,dialog,turn_start\na.wav,s,sad,{dialog},{turn_start}\n")
    assert problems(path)[0] == f"{path}: line 2: {fault}"
