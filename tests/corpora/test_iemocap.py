"""IEMOCAP's pitfalls, each on a tree of the real shape."""

import shutil

import pandas as pd
import pytest

from emofuse.corpora import base
from emofuse.corpora.iemocap import LABEL, Iemocap


def rows(tree):
    listing = Iemocap().read(tree.root)
    assert listing.problems == []
    return listing.utterances.set_index("utterance")


def test_a_turn_becomes_an_utterance(iemocap):
    iemocap.add("Ses01F_impro01_F000", "neu", "Excuse me.")
    row = rows(iemocap).loc["Ses01F_impro01_F000"]
    assert row[["start", "end"]].isna().all()
    assert row.drop(["source", "start", "end"]).to_dict() == {
        "speaker": "Ses01F",
        "session": "Session1",
        "dialog": "Ses01F_impro01",
        "condition": "improvised",
        "path": "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
        "label": "neu",
        "reference": "Excuse me.",
    }
    assert row["source"].endswith("Ses01F_impro01.txt: line 3")


def test_exc_is_happy_and_other_labels_are_none_of_the_four(iemocap):
    codes = ["ang", "hap", "sad", "neu", "exc", "dis", "fru", "fea", "sur", "oth", "xxx"]
    for number, code in enumerate(codes):
        iemocap.add(f"Ses01F_impro01_F{number:03d}", code)
    listed = base.list_corpus(Iemocap(), iemocap.root, partial=True)
    assert listed.problems == []
    assert listed.utterances["emotion"].tolist() == ["angry", "happy", "sad", "neutral", "happy"]


@pytest.mark.parametrize(
    ("utterance", "speaker", "condition"),
    [
        ("Ses01F_impro01_M003", "Ses01M", "improvised"),
        ("Ses01M_script02_2_F010", "Ses01F", "scripted"),
        # Fixed character positions misfile these.
        ("Ses03M_impro05a_F001", "Ses03F", "improvised"),
        ("Ses03M_impro05b_M001", "Ses03M", "improvised"),
        ("Ses03M_impro08a_F020", "Ses03F", "improvised"),
        ("Ses03M_impro08b_M002", "Ses03M", "improvised"),
        ("Ses05M_script01_1b_F022", "Ses05F", "scripted"),
    ],
)
def test_the_speaker_is_the_session_and_the_turns_letter(iemocap, utterance, speaker, condition):
    iemocap.add(utterance)
    row = rows(iemocap).loc[utterance]
    assert (row["speaker"], row["condition"]) == (speaker, condition)


def test_script01_1b_is_a_dialog_of_its_own(iemocap):
    iemocap.add("Ses05M_script01_1_F000", text="One.")
    iemocap.add("Ses05M_script01_1b_F000", text="Two.")
    listed = rows(iemocap)
    assert listed["dialog"].tolist() == ["Ses05M_script01_1", "Ses05M_script01_1b"]
    assert listed.loc["Ses05M_script01_1b_F000", "path"].endswith("wav/Ses05M_script01_1b/Ses05M_script01_1b_F000.wav")
    assert listed["reference"].to_dict() == {"Ses05M_script01_1_F000": "One.", "Ses05M_script01_1b_F000": "Two."}


def test_single_raters_folders_are_not_read(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    labels = iemocap.file("EmoEvaluation", "Ses01F_impro01")
    for folder in ("Attribute", "Categorical", "Self-evaluation"):
        (labels.parent / folder).mkdir()
        shutil.copy(labels, labels.parent / folder / "Ses01F_impro01_e2_cat.txt")
        shutil.copy(labels, labels.parent / folder)
    assert len(rows(iemocap)) == 1


def test_files_of_macos_are_not_read(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    for kind in ("EmoEvaluation", "transcriptions"):
        path = iemocap.file(kind, "Ses01F_impro01")
        (path.parent / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07[\xff\n[1 - 2]\tnonsense")
    wav = iemocap.wav("Ses01F_impro01_F000")
    (wav.parent / f"._{wav.name}").write_bytes(b"\x00\x05\x16\x07")
    assert rows(iemocap)["reference"].to_dict() == {"Ses01F_impro01_F000": "Excuse me."}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_text_may_be_utf8_or_latin1(iemocap, encoding):
    iemocap.add("Ses01F_impro01_F000", text="Déjà vu.", encoding=encoding)
    assert rows(iemocap)["reference"].item() == "Déjà vu."


def test_a_byte_of_windows_does_not_break_a_line(iemocap):
    iemocap.add("Ses01F_impro01_F000", text="Well\x85 yes.", encoding="latin-1")
    assert rows(iemocap)["reference"].item() == "Well yes."


def test_lines_that_are_no_utterances_are_no_transcripts(iemocap):
    iemocap.append("transcriptions", "Ses01F_impro01", "Ses01F_impro01_MXX0 [001.0-002.0]: Nobody's.\n")
    iemocap.append("transcriptions", "Ses01F_impro01", "M: Nobody's.\nSes01F_impro01_F000\n")
    iemocap.add("Ses01F_impro01_F000", text="Mine.")
    iemocap.append("transcriptions", "Ses01F_impro01", "Ses01F_impro01_FXX0 [001.0-002.0]: Nobody's.\n\n")
    assert rows(iemocap)["reference"].to_dict() == {"Ses01F_impro01_F000": "Mine."}


def test_tokens_are_no_words_and_no_transcript_is_no_reference(iemocap):
    iemocap.add("Ses01F_impro01_F000", text="[LAUGHTER] Oh, my [BREATHING]  God.")
    iemocap.add("Ses01F_impro01_F001", text="[LAUGHTER]")
    iemocap.add("Ses01F_impro01_F002", text=None)
    references = rows(iemocap)["reference"]
    assert references.iloc[:2].tolist() == ["Oh, my God.", ""]
    assert references.isna().tolist() == [False, False, True]


def test_line_ends_of_windows(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    for kind in ("EmoEvaluation", "transcriptions"):
        path = iemocap.file(kind, "Ses01F_impro01")
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert rows(iemocap)["reference"].item() == "Excuse me."


def test_every_line_that_is_not_understood_is_named(iemocap):
    iemocap.add("Ses01F_impro01_F000", "angr")
    iemocap.append("EmoEvaluation", "Ses01F_impro01", "[1.0 - 2.0] Ses01F_impro01_F001 ang [1, 2, 3]\n")
    iemocap.add("Ses02F_impro01_F000", "foo")
    problems = base.list_corpus(Iemocap(), iemocap.root).problems
    assert len(problems) == 3
    assert "Ses01F_impro01.txt: line 8: '[1.0 - 2.0] Ses01F_impro01_F001" in problems[0]
    assert "Ses01F_impro01.txt: line 3: emotion is 'angr'; should be one of ang, hap, exc, neu, sad, dis" in problems[1]
    assert "Session2" in problems[2]


def test_a_wrong_folder_says_what_it_should_hold(tmp_path):
    assert base.list_corpus(Iemocap(), tmp_path / "no").problems == [
        f"{tmp_path / 'no'}: should be a folder that holds Session1 … Session5, each with dialog/EmoEvaluation"
    ]


@pytest.mark.parametrize("wrong", [".", "IEMOCAP_full_release/Session1", "IEMOCAP"])
def test_a_wrong_folder_says_where_the_corpus_is(iemocap, wrong):
    iemocap.add("Ses01F_impro01_F000")
    (problem,) = base.list_corpus(Iemocap(), iemocap.root.parent / wrong).problems
    assert problem.endswith(f"; {iemocap.root} holds it")


def test_the_files_of_labels_and_transcripts_are_watched(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    iemocap.add("Ses02F_impro01_F000", text=None)
    labels = iemocap.file("EmoEvaluation", "Ses01F_impro01")
    (labels.parent / "Categorical").mkdir()
    shutil.copy(labels, labels.parent / "Categorical")
    shutil.copy(labels, labels.with_name(f"._{labels.name}"))
    assert Iemocap().watched(iemocap.root) == [
        labels,
        iemocap.file("transcriptions", "Ses01F_impro01"),
        iemocap.file("EmoEvaluation", "Ses02F_impro01"),
    ]


def test_what_holds_no_label_is_named_in_a_part_of_the_corpus_too(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    empty = iemocap.append("EmoEvaluation", "Ses01F_impro02", "nothing\n")
    (iemocap.root / "Session2/dialog").mkdir(parents=True)
    silent = [f"{empty}: holds no label", f"{iemocap.root / 'Session2/dialog/EmoEvaluation'}: holds no label"]
    partial = base.list_corpus(Iemocap(), iemocap.root, partial=True)
    assert partial.problems == []
    assert partial.warnings[:2] == silent
    whole = base.list_corpus(Iemocap(), iemocap.root)
    assert "partial: true" in whole.problems[0]
    assert whole.problems[1:3] == silent


@pytest.fixture
def whole(iemocap, short_wav):
    """A tree with as many labels of each class and session as were published; a third of what is happy is excited."""
    code = {"angry": ["ang"], "happy": ["exc", "exc", "hap"], "neutral": ["neu"], "sad": ["sad"]}
    for session in range(1, 6):
        counts = [item for item in Iemocap.published if item.where["session"] == f"Session{session}"]
        labels = [
            code[item.where["emotion"]][number % len(code[item.where["emotion"]])]
            for item in counts
            for number in range(item.published)
        ]
        for number, label in enumerate(labels):
            name = f"Ses0{session}F_impro{number // 1000:02d}_F{number % 1000:03d}"
            iemocap.add(name, label, text=None, link=short_wav)
    return iemocap


def test_a_whole_copy_agrees_with_the_published_counts(whole):
    listed = base.list_corpus(Iemocap(), whole.root)
    checked = base.check_audio(listed, whole.root, threads=2)
    assert (listed.problems, listed.warnings) == ([], [])
    assert (checked.problems, checked.warnings) == ([], [])
    utterances = base.utterances_of(listed, "iemocap", checked.recordings)
    assert len(utterances) == 5531
    # facts of the usual four-class set, by emotion and by session
    assert utterances["emotion"].value_counts().to_dict() == dict(angry=1103, happy=1636, neutral=1708, sad=1084)
    by_session = utterances["session"].value_counts().sort_index().tolist()
    assert by_session == [1085, 1023, 1151, 1031, 1241]

    # Without excited, a common variant, it is still the whole corpus.
    variant = base.list_corpus(Iemocap(), whole.root, emotions={"EXC": None})
    assert (variant.problems, variant.warnings) == ([], [])
    assert set(variant.utterances["emotion"]) == {"angry", "happy", "neutral", "sad"}
    assert len(variant.utterances) == 5531 - sum(listed.labelled["label"] == "exc")

    # A file too few is told with both numbers, unless its absence is a problem by itself.
    whole.wav("Ses03F_impro00_F000").unlink()  # the first of Session3 is angry
    checked = base.check_audio(listed, whole.root, rejects="leave_out", threads=2)
    assert "partial: true" in checked.problems[0]
    assert checked.problems[1:] == ["Session3 angry: 239 read, 240 published"]
    checked = base.check_audio(listed, whole.root, rejects="leave_out", partial=True, threads=2)
    assert checked.problems == []
    assert checked.warnings[1:] == ["Session3 angry: 239 read, 240 published"]
    (problem,) = base.check_audio(listed, whole.root, threads=2).problems
    assert problem.endswith("utterance 'Ses03F_impro00_F000' has audio that cannot be used: no such file")


def test_a_key_of_emotions_that_is_no_label_is_told(iemocap):
    iemocap.add("Ses01F_impro01_F000")
    said = f"emotions: no utterance of {iemocap.root} has the label 'exs'; did you mean 'exc'?"
    assert said in base.list_corpus(Iemocap(), iemocap.root, emotions={"exs": None}).problems
    assert said in base.list_corpus(Iemocap(), iemocap.root, emotions={"exs": None}, partial=True).warnings


def test_published_names_give_the_published_speakers_and_conditions(published_labels):
    names = published_labels["filename"]
    matches = pd.DataFrame([LABEL.fullmatch(f"[1 - 2]\t{name}\tneu\t[1, 2, 3]").groupdict() for name in names])
    assert ("Ses" + matches["session"] + matches["turn"]).tolist() == published_labels["speaker"].tolist()
    assert matches["condition"].tolist() == published_labels["condition"].tolist()


def test_published_labels_have_the_published_counts(published_labels):
    emotion = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}
    listed = pd.DataFrame(
        {
            "session": "Session" + published_labels["speaker"].str[4],
            "emotion": published_labels["label"].map(emotion),
        }
    )
    assert base.compare(listed, Iemocap.published) == []
