"""Laws of the folds, and their agreement with the published ones."""

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emofuse import contracts, splits, tables
from emofuse.tables import EMOTIONS, SPLITS, InputError


def corpus(speakers, name="a"):
    """A corpus where each speaker, named with a session, says something in every emotion."""
    return pd.DataFrame(
        {
            "utterance": f"{name}-{speaker}-{emotion}",
            "corpus": name,
            "speaker": speaker,
            "session": session,
            "condition": "",
            "path": "x.wav",
            "duration": 1.0,
            "emotion": emotion,
            "reference": None,
        }
        for speaker, session in speakers.items()
        for emotion in EMOTIONS
    )


def iemocap_like(sessions=5):
    return corpus({f"Ses{i:02d}{sex}": f"Session{i}" for i in range(1, sessions + 1) for sex in "FM"}, "iemocap")


def speakers(table, utterances, fold, split):
    names = table.loc[(table["fold"] == fold) & (table["split"] == split), "utterance"]
    return sorted(set(utterances.set_index("utterance").loc[names, "speaker"]))


def test_leave_one_speaker_out_validates_on_the_other_speaker_of_the_session():
    utterances = iemocap_like()
    table = splits.leave_one_speaker_out(utterances)
    assert table["fold"].unique().tolist() == sorted(set(utterances["speaker"]))
    assert speakers(table, utterances, "Ses03M", "test") == ["Ses03M"]
    assert speakers(table, utterances, "Ses03M", "validation") == ["Ses03F"]
    assert speakers(table, utterances, "Ses03M", "train") == [f"Ses{i:02d}{sex}" for i in (1, 2, 4, 5) for sex in "FM"]


def test_a_speaker_alone_in_a_session_is_validated_on_the_next_of_the_corpus():
    utterances = corpus({"a": "a", "b": "b", "c": "c"})
    table = splits.leave_one_speaker_out(utterances)
    assert [speakers(table, utterances, fold, "validation") for fold in "abc"] == [["b"], ["c"], ["a"]]


def test_in_a_session_of_many_the_next_speaker_validates():
    utterances = corpus({"a": "1", "b": "1", "c": "1", "d": "2"})
    table = splits.leave_one_speaker_out(utterances)
    assert [speakers(table, utterances, fold, "validation") for fold in "abcd"] == [["b"], ["c"], ["a"], ["a"]]


def test_leave_one_session_out_validates_on_the_next_session():
    utterances = iemocap_like()
    table = splits.leave_one_session_out(utterances)
    assert table["fold"].unique().tolist() == [f"Session{i}" for i in range(1, 6)]
    assert speakers(table, utterances, "Session5", "test") == ["Ses05F", "Ses05M"]
    assert speakers(table, utterances, "Session5", "validation") == ["Ses01F", "Ses01M"]
    assert speakers(table, utterances, "Session1", "train") == [f"Ses{i:02d}{sex}" for i in (3, 4, 5) for sex in "FM"]


def test_cross_corpus_tests_all_of_the_other_corpus():
    train, test = iemocap_like(), corpus({"F01": "Session1", "M01": "Session1"}, "msp_improv")
    table = splits.cross_corpus(train, test)
    assert set(table["fold"]) == {"msp_improv"}
    both = pd.concat([train, test])
    assert speakers(table, both, "msp_improv", "test") == ["F01", "M01"]
    assert speakers(table, both, "msp_improv", "validation") == ["Ses05F", "Ses05M"]
    assert len(table) == len(both)


def test_cross_corpus_validates_on_the_last_speaker_of_a_single_session():
    train, test = corpus({"x": "1", "y": "1"}), corpus({"z": "1"}, "b")
    table = splits.cross_corpus(train, test)
    assert speakers(table, train, "b", "validation") == ["y"]


several_speakers = st.dictionaries(
    st.text("abcdefg", min_size=1, max_size=3), st.sampled_from(["s1", "s2", "s3", "s4"]), min_size=3, max_size=12
)


@settings(max_examples=50, deadline=None)
@given(several_speakers, st.sampled_from(splits.PROTOCOLS), st.integers(0, 9))
def test_no_speaker_is_in_two_splits_and_every_utterance_is_tested_once(sessions, protocol, seed):
    train = corpus(sessions)
    test = corpus({"x": "s1", "y": "s1"}, "b") if protocol == "cross_corpus" else train
    assume(protocol != "leave_one_session_out" or train["session"].nunique() > 2)
    table = splits.folds(protocol, train, test)
    joined = table.merge(pd.concat([train, test]).drop_duplicates("utterance"), on="utterance")
    assert joined.groupby(["fold", "speaker"])["split"].agg(set).map(len).eq(1).all()
    assert joined.groupby("fold")["split"].agg(set).map(len).eq(len(SPLITS)).all()
    assert (table[table["split"] == "test"].groupby("utterance").size() == 1).all()
    assert set(table.loc[table["split"] == "test", "utterance"]) == set(test["utterance"])
    # The order of the rows does not matter.
    shuffled = train.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(splits.folds(protocol, shuffled, shuffled if test is train else test), table)


def test_folds_keep_their_contract(tmp_path):
    utterances = iemocap_like()
    table = splits.folds("leave_one_speaker_out", utterances, utterances)
    tables.write(table, contracts.FOLDS, tmp_path / "folds.parquet")
    pd.testing.assert_frame_equal(tables.read(contracts.FOLDS, tmp_path / "folds.parquet"), table)


def problems(function, *args):
    with pytest.raises(InputError) as caught:
        function(*args)
    return caught.value.problems


def test_every_split_without_an_emotion_is_named():
    utterances = iemocap_like(3)
    lacks = (utterances["speaker"] == "Ses01F") & utterances["emotion"].isin(["angry", "sad"])
    assert problems(splits.leave_one_speaker_out, utterances[~lacks]) == [
        "fold Ses01F: test has no utterance that is angry or sad; should have all four",
        "fold Ses01M: validation has no utterance that is angry or sad; should have all four",
    ]


def test_too_few_speakers_or_sessions():
    two = corpus({"x": "1", "y": "2"})
    assert problems(splits.leave_one_speaker_out, two) == ["a: has 2 speaker(s) (x, y); should have 3 or more"]
    assert problems(splits.leave_one_session_out, two) == ["a: has 2 session(s) (1, 2); should have 3 or more"]
    one = corpus({"x": "1"})
    assert problems(splits.cross_corpus, one, corpus({"z": "1"}, "b")) == [
        "a: has 1 speaker(s) (x); should have 2 or more"
    ]


def test_every_speaker_in_several_sessions_is_named():
    utterances = corpus({"x": "1", "y": "2", "z": "3"})
    moved = utterances.assign(utterance="more-" + utterances["utterance"], session="2")
    assert problems(splits.leave_one_session_out, pd.concat([utterances, moved])) == [
        "a: speaker 'x' is in sessions 1, 2; should be in one",
        "a: speaker 'z' is in sessions 2, 3; should be in one",
    ]


def test_a_protocol_must_fit_the_corpora():
    a, b = iemocap_like(3), corpus({"x": "1"}, "b")
    assert "takes one corpus, not iemocap and b" in problems(splits.folds, "leave_one_speaker_out", a, b)[0]
    assert "takes two corpora, not iemocap twice" in problems(splits.folds, "cross_corpus", a, a)[0]
    assert len(problems(splits.folds, "cross_corpus", a, a.assign(corpus="b"))) == len(a)


def published_data():
    repository = Path(__file__).parents[1]
    places = [os.environ.get("EMOFUSE_DATA"), repository.parent / "shared/data", repository / "data"]
    roots = [Path(place) / "Emotion-Recognition" for place in places if place]
    return next((root for root in roots if root.is_dir()), None)


def test_the_published_labels_split_into_the_published_folds():
    """Fold K of the published scores tests the K-th speaker, utterance for utterance."""
    root = published_data()
    if root is None:
        pytest.skip("the published scores are not here (set EMOFUSE_DATA to the folder that holds Emotion-Recognition)")
    labels = pd.read_csv(root / "Evaluation/Sentiment/twitter-XLM-roBERTa-base/sentiment_truths_IEMOCAP.csv")
    utterances = pd.DataFrame(
        {
            "utterance": labels["filename"],
            "corpus": "iemocap",
            "speaker": labels["speaker"],
            "session": labels["speaker"].str[:5],
            "emotion": labels["label"].map({emotion[0].upper(): emotion for emotion in EMOTIONS}),
        }
    )
    ours = splits.leave_one_speaker_out(utterances)
    names = sorted(set(utterances["speaker"]))
    folders = sorted((root / "Merge/Predict Results").glob("fold_*"))
    assert folders
    for folder in folders:
        fold = ours[ours["fold"] == names[int(folder.name.removeprefix("fold_"))]]
        for split, file in {"train": "train", "validation": "val", "test": "test"}.items():
            theirs = pd.read_csv(folder / f"{file}-predictions-raw.csv", usecols=["ID"])["ID"]
            assert sorted(fold.loc[fold["split"] == split, "utterance"]) == sorted(theirs), (folder.name, split)
