"""MSP-IMPROV's pitfalls, each on a tree of the real shape."""

import pytest

from emofuse.corpora import base
from emofuse.corpora.msp_improv import CONDITION, read

CLIP = "MSP-IMPROV-S01A-F01-S-FM01"


def rows(tree):
    listing = read(str(tree.root))
    assert listing.problems == []
    return listing.utterances.set_index("utterance")


def test_a_clip_becomes_an_utterance(msp_improv):
    msp_improv.add(CLIP, "N")
    assert rows(msp_improv).loc[CLIP].to_dict() == {
        "speaker": "F01",
        "session": "Session1",
        "condition": "other_improvised",
        "path": str(msp_improv.root / "Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav"),
        "emotion": "neutral",
        "reference": None,
        "source": f"{msp_improv.labels}: line 1",
    }


@pytest.mark.parametrize("where", [dict(labels="Evaluation.txt"), dict(audio="."), dict(labels="Evalution.txt")])
def test_both_spellings_and_both_places_of_audio(make_msp_improv, where):
    tree = make_msp_improv(**where)
    tree.add(CLIP)
    corpus = base.read("msp", "msp_improv", path=str(tree.root), partial=True)
    assert corpus.problems == []
    assert corpus.utterances["utterance"].tolist() == [CLIP]


def test_the_label_is_what_was_heard_not_what_was_asked_for(msp_improv):
    for number, letter in enumerate("AHSNOX"):
        msp_improv.add(f"MSP-IMPROV-S01A-F01-S-FM0{number}", letter)
    found = rows(msp_improv)["emotion"]
    assert found.iloc[:4].tolist() == ["angry", "happy", "sad", "neutral"]
    assert found.iloc[4:].isna().all()


def test_the_speaker_is_the_fourth_field_not_the_last_letters(msp_improv):
    msp_improv.add("MSP-IMPROV-S20H-M06-P-FM12")
    row = rows(msp_improv).iloc[0]
    assert (row["speaker"], row["session"], row["condition"]) == ("M06", "Session6", "natural_interaction")


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
    assert rows(msp_improv)["emotion"].to_dict() == {CLIP: "happy"}


def test_every_line_that_is_not_understood_is_named(msp_improv):
    msp_improv.append("UTD-IMPROV-S01A-F01-S-FM01.avi; Q; A:3.0;\n\nUTD-IMPROV-S01Z-F01-S-FM01.avi; N; A:3.0;\n")
    first, second = read(str(msp_improv.root)).problems
    assert "line 1 (UTD-IMPROV-S01A-F01-S-FM01.avi): 'Q'; should be one of A, H, N, S, O, X" in first
    assert "line 3: 'UTD-IMPROV-S01Z-F01-S-FM01.avi'; should be like" in second


def test_a_clip_listed_twice_is_a_problem(msp_improv):
    msp_improv.add(CLIP, "N")
    msp_improv.append("UTD-IMPROV-S01A-F01-S-FM01.avi; A; A:3.0;\n")
    corpus = base.read("msp", "msp_improv", path=str(msp_improv.root), partial=True)
    labels = msp_improv.labels
    assert corpus.problems == [f"{labels}: line 4: utterance {CLIP!r} is there already ({labels}: line 1)"]


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
    found = rows(msp_improv)["reference"]
    assert found[other] == "Here."
    assert found.isna()[CLIP]


def test_a_folder_without_labels_says_what_it_should_hold(tmp_path):
    assert read(str(tmp_path)).problems == [
        f"{tmp_path}: should be a folder that holds Evalution.txt or Evaluation.txt"
    ]


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
    corpus = base.read("msp", "msp_improv", path=str(whole.root), threads=2)
    assert corpus.problems == []
    assert len(corpus.utterances) == 7798
    assert set(corpus.utterances["condition"]) <= set(CONDITION.values())


def test_a_clip_too_few_is_told_with_both_numbers(whole):
    text = whole.labels.read_text()
    first = text.index("UTD", 1)  # drops the first clip: angry, scenario P, session 1
    whole.labels.write_text(text[first:])
    problems = base.read("msp", "msp_improv", path=str(whole.root), threads=2).problems
    assert "partial: true" in problems[0]
    assert problems[1:3] == [
        "angry: 791 read, 792 published",
        "clips of natural_interaction: 2784 read, 2785 published",
    ]
    # The sessions' numbers come from a list that lacks 53 clips: they are told, and no problem by themselves.
    assert problems[3] == "clips of Session1: 1406 read, about 979 published"
