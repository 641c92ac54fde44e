"""MSP-IMPROV's pitfalls, each on a tree of the real shape."""

import pytest

from emofuse.corpora import base
from emofuse.corpora.msp_improv import CONDITION, MspImprov

CLIP = "MSP-IMPROV-S01A-F01-S-FM01"


def rows(tree):
    listing = MspImprov().read(tree.root)
    assert listing.problems == []
    return listing.utterances.set_index("utterance")


def test_a_clip_becomes_an_utterance(msp_improv):
    msp_improv.add(CLIP, "N")
    row = rows(msp_improv).loc[CLIP]
    assert row[["start", "end"]].isna().all()
    assert row.drop(["start", "end"]).to_dict() == {
        "speaker": "F01",
        "session": "Session1",
        "dialog": "Session1-S01A-improvised",
        "condition": "other_improvised",
        "path": "Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav",
        "label": "N",
        "reference": None,
        "source": f"{msp_improv.labels}: line 1",
    }


@pytest.mark.parametrize("where", [dict(labels="Evaluation.txt"), dict(audio="."), dict(labels="Evalution.txt")])
def test_both_spellings_and_both_places_of_audio(make_msp_improv, where):
    tree = make_msp_improv(**where)
    tree.add(CLIP)
    listed = base.list_corpus(MspImprov(), tree.root, partial=True)
    checked = base.check_audio(listed, tree.root, partial=True)
    assert listed.problems + checked.problems == []
    assert checked.recordings["utterance"].tolist() == [CLIP]


def test_the_label_is_what_was_heard_not_what_was_asked_for(msp_improv):
    for number, letter in enumerate("AHSNOX"):
        msp_improv.add(f"MSP-IMPROV-S01A-F01-S-FM0{number}", letter)
    listed = base.list_corpus(MspImprov(), msp_improv.root, partial=True)
    assert listed.utterances["emotion"].tolist() == ["angry", "happy", "sad", "neutral"]


def test_the_speaker_is_the_fourth_field_not_the_last_letters(msp_improv):
    msp_improv.add("MSP-IMPROV-S20H-M06-P-FM12")
    row = rows(msp_improv).iloc[0]
    assert (row["speaker"], row["session"], row["condition"]) == ("M06", "Session6", "natural_interaction")


def test_a_target_sentence_belongs_to_the_improvisation_that_leads_to_it_and_a_read_one_to_none(msp_improv):
    for clip in ("F01-S-FM01", "M01-S-MF02", "F01-T-FM01", "F01-P-FM01", "F01-R-FM01", "F02-S-FM01"):
        msp_improv.add(f"MSP-IMPROV-S01A-{clip}")
    own, natural = "Session1-S01A-improvised", "Session1-S01A-natural"
    assert rows(msp_improv)["dialog"].fillna("none").tolist() == [
        own,
        own,
        own,
        natural,
        "none",
        "Session2-S01A-improvised",
    ]


@pytest.mark.parametrize(
    "header",
    [
        "UTD-IMPROV-S01A-F01-S-FM01.avi; H; A:3.000000; V:3.500000; D:3.000000 ; N:3.333333;",
        "UTD-IMPROV-S01A-F01-S-FM01.avi;H;A:3.0;V:3.5;D:3.0;N:3.3;",
        "  UTD-IMPROV-S01A-F01-S-FM01.avi ;  H ; A:3.000000 ; V:3.500000 ; D:3.000000 ; N:3.333333 ; ",
        "UTD-IMPROV-S01A-F01-S-FM01.avi; H; A:3.000000; V:3.500000; D:3.000000;",
        "UTD-IMPROV-S01A-F01-S-FM01.avi; H; A:NaN; V:NaN; D:NaN ; N:NaN;",
        "MSP-IMPROV-S01A-F01-S-FM01.avi; H; A:3.000000; V:3.500000; D:3.000000;\r",
    ],
)
def test_headers_are_read_leniently(msp_improv, header):
    rater = "f; Neutral; Neutral; A:3.000000; V:4.000000; D:NaN; N:4.000000;"
    # A rater may be listed twice, and does not make the clip count twice.
    msp_improv.append("\n".join([header, rater, rater, "20140612_rater; Sad; Sad,Other; A:2;", "", ""]))
    assert rows(msp_improv)["label"].to_dict() == {CLIP: "H"}


def test_every_line_that_is_not_understood_is_named(msp_improv):
    msp_improv.append("UTD-IMPROV-S01A-F01-S-FM01.avi; Q; A:3.0;\n\nUTD-IMPROV-S01Z-F01-S-FM01.avi; N; A:3.0;\n")
    first, second = base.list_corpus(MspImprov(), msp_improv.root).problems
    assert "line 3: 'UTD-IMPROV-S01Z-F01-S-FM01.avi'; should be like" in first
    assert "line 1: emotion is 'Q'; should be one of A, H, N, S, O, X" in second


def test_a_clip_listed_twice_is_a_problem(msp_improv):
    msp_improv.add(CLIP, "N")
    msp_improv.append("UTD-IMPROV-S01A-F01-S-FM01.avi; A; A:3.0;\n")
    labels = msp_improv.labels
    problems = base.list_corpus(MspImprov(), msp_improv.root, partial=True).problems
    assert problems == [f"{labels}: line 4: utterance {CLIP!r} is listed already ({labels}: line 1)"]


@pytest.mark.parametrize(
    "place",
    [
        "Human_transcriptions/All_human_transcriptions",
        "All_human_transcriptions",
        "All_human_transcriptions/session1",
        "Text",
    ],
)
@pytest.mark.parametrize("name", [CLIP, CLIP.replace("MSP", "UTD")])
def test_transcripts_lie_in_several_places(msp_improv, place, name):
    msp_improv.add(CLIP)
    msp_improv.transcript(place, name, "How can I not?\n")
    msp_improv.transcript(place, f"._{name}", "\x00\x05\x16\x07")
    msp_improv.transcript(place, "README", "nothing")
    assert rows(msp_improv)["reference"].to_dict() == {CLIP: "How can I not?"}


def test_an_empty_transcript_is_none_unless_another_place_has_words(msp_improv):
    other = "MSP-IMPROV-S01A-F01-S-FM02"
    msp_improv.add(CLIP)
    msp_improv.add(other)
    msp_improv.transcript("All_human_transcriptions", CLIP, " \n")
    msp_improv.transcript("All_human_transcriptions", other, "")
    msp_improv.transcript("Text", other, "Here.")
    references = rows(msp_improv)["reference"]
    assert references[other] == "Here."
    assert references.isna()[CLIP]


def test_a_folder_without_labels_says_what_it_should_hold(tmp_path):
    assert base.list_corpus(MspImprov(), tmp_path / "msp").problems == [
        f"{tmp_path / 'msp'}: should be a folder that holds Evalution.txt or Evaluation.txt"
    ]


def test_labels_and_every_transcript_are_watched(msp_improv):
    msp_improv.add(CLIP)
    msp_improv.transcript("Text", CLIP, "How can I not?\n")
    msp_improv.transcript("All_human_transcriptions/session1", CLIP, "")
    msp_improv.transcript("Text", "README", "nothing")
    assert MspImprov().watched(msp_improv.root) == [
        msp_improv.root / "All_human_transcriptions/session1" / f"{CLIP}.txt",
        msp_improv.labels,
        msp_improv.root / "Text" / f"{CLIP}.txt",
    ]


def test_a_file_without_labels_is_named(msp_improv):
    msp_improv.append("f; Neutral; Neutral; A:3.0;\n")
    listed = base.list_corpus(MspImprov(), msp_improv.root, partial=True)
    assert listed.warnings[0] == f"{msp_improv.labels}: holds no label"
    assert listed.problems == [f"{msp_improv.root}: has no utterance of the four emotions"]


@pytest.fixture
def whole(msp_improv, short_wav):
    """A tree with as many clips of each class, scenario and session as were published."""
    scenarios = [letter for letter, clips in dict(P=2785, R=620, S=4381, T=652).items() for _ in range(clips)]
    labels = [letter for letter, clips in dict(A=792, H=2644, N=3477, S=885, X=640).items() for _ in range(clips)]
    for number, (scenario, label) in enumerate(zip(scenarios, labels, strict=True)):
        clip = f"MSP-IMPROV-S{number % 20 + 1:02d}A-F{number % 6 + 1:02d}-{scenario}-FM{number:04d}"
        msp_improv.add(clip, label, link=short_wav)
    return msp_improv


def test_a_whole_copy_agrees_with_the_published_counts(whole):
    listed = base.list_corpus(MspImprov(), whole.root)
    checked = base.check_audio(listed, whole.root, threads=2)
    assert listed.problems + checked.problems == []
    assert len(checked.recordings) == 7798
    assert set(listed.utterances["condition"]) <= set(CONDITION.values())

    # A clip of no class is not heard, but counts: the last is of scenario T.
    whole.wav(listed.labelled.loc[listed.labelled["label"] == "X", "utterance"].iloc[-1]).unlink()
    problems = base.check_audio(listed, whole.root, threads=2).problems
    assert "partial: true" in problems[0]
    assert len(problems) == 1 + 1 + 6


def test_a_clip_too_few_is_told_with_both_numbers(whole):
    text = whole.labels.read_text()
    first = text.index("UTD", 1)  # drops the first clip: angry, scenario P, session 1
    whole.labels.write_text(text[first:])
    problems = base.list_corpus(MspImprov(), whole.root).problems
    assert "partial: true" in problems[0]
    assert problems[1:3] == [
        "angry: 791 read, 792 published",
        "clips of natural_interaction: 2784 read, 2785 published",
    ]
    # The sessions' numbers come from a list that lacks 53 clips: they are told, and no problem by themselves.
    assert problems[3] == "clips of Session1: 1406 read, about 979 published"
