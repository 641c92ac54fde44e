"""Laws of the folds, and their agreement with the published ones."""

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emofuse import contracts, parts, splits, tables
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
            "emotion": emotion,
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
    table = splits.folds(splits.leave_one_speaker_out, utterances)
    assert table["fold"].unique().tolist() == sorted(set(utterances["speaker"]))
    assert speakers(table, utterances, "Ses03M", "test") == ["Ses03M"]
    assert speakers(table, utterances, "Ses03M", "validation") == ["Ses03F"]
    assert speakers(table, utterances, "Ses03M", "train") == [f"Ses{i:02d}{sex}" for i in (1, 2, 4, 5) for sex in "FM"]


def test_a_speaker_alone_in_a_session_is_validated_on_the_next_of_the_corpus():
    utterances = corpus({"a": "a", "b": "b", "c": "c"})
    table = splits.folds(splits.leave_one_speaker_out, utterances)
    assert [speakers(table, utterances, fold, "validation") for fold in "abc"] == [["b"], ["c"], ["a"]]


def test_in_a_session_of_many_the_next_speaker_validates():
    utterances = corpus({"a": "1", "b": "1", "c": "1", "d": "2"})
    table = splits.folds(splits.leave_one_speaker_out, utterances)
    assert [speakers(table, utterances, fold, "validation") for fold in "abcd"] == [["b"], ["c"], ["a"], ["a"]]


def test_leave_one_session_out_validates_on_the_next_session():
    utterances = iemocap_like()
    table = splits.folds(splits.leave_one_session_out, utterances)
    assert table["fold"].unique().tolist() == [f"Session{i}" for i in range(1, 6)]
    assert speakers(table, utterances, "Session5", "test") == ["Ses05F", "Ses05M"]
    assert speakers(table, utterances, "Session5", "validation") == ["Ses01F", "Ses01M"]
    assert speakers(table, utterances, "Session1", "train") == [f"Ses{i:02d}{sex}" for i in (3, 4, 5) for sex in "FM"]


def test_cross_corpus_tests_all_of_the_other_corpus():
    train, test = iemocap_like(), corpus({"F01": "Session1", "M01": "Session1"}, "msp_improv")
    table = splits.folds(splits.cross_corpus, train, test)
    assert set(table["fold"]) == {"msp_improv"}
    both = pd.concat([train, test])
    assert speakers(table, both, "msp_improv", "test") == ["F01", "M01"]
    assert speakers(table, both, "msp_improv", "validation") == ["Ses05F", "Ses05M"]
    assert len(table) == len(both)


def test_cross_corpus_validates_on_the_last_speaker_of_a_single_session():
    train, test = corpus({"x": "1", "y": "1"}), corpus({"z": "1"}, "b")
    table = splits.folds(splits.cross_corpus, train, test)
    assert speakers(table, train, "b", "validation") == ["y"]


several_speakers = st.dictionaries(
    st.text("abcdefg", min_size=1, max_size=3), st.sampled_from(["s1", "s2", "s3", "s4"]), min_size=3, max_size=12
)


PROTOCOLS = [parts.load(path) for path in parts.known(parts.PROTOCOL).values()]


def test_a_protocol_says_by_its_signature_whether_it_takes_two_corpora():
    assert {protocol.__name__: parts.positional(protocol) == 2 for protocol in PROTOCOLS} == {
        "leave_one_speaker_out": False,
        "leave_one_session_out": False,
        "cross_corpus": True,
    }


@settings(max_examples=50, deadline=None)
@given(several_speakers, st.sampled_from(PROTOCOLS), st.integers(0, 9))
def test_no_speaker_is_in_two_splits_and_every_utterance_is_tested_once(sessions, protocol, seed):
    source = corpus(sessions)
    target = corpus({"x": "s1", "y": "s1"}, "b") if parts.positional(protocol) == 2 else None
    assume(protocol is not splits.leave_one_session_out or source["session"].nunique() > 2)
    table = splits.folds(protocol, source, target)
    assert splits.fold_names(protocol, source, target) == table["fold"].unique().tolist()
    joined = table.merge(pd.concat([source, target]), on="utterance")
    assert joined.groupby(["fold", "corpus", "speaker"])["split"].agg(set).map(len).eq(1).all()
    assert joined.groupby("fold")["split"].agg(set).map(len).eq(len(SPLITS)).all()
    assert (table[table["split"] == "test"].groupby("utterance").size() == 1).all()
    tested = source if target is None else target
    assert set(table.loc[table["split"] == "test", "utterance"]) == set(tested["utterance"])
    # The order of the rows does not matter.
    pd.testing.assert_frame_equal(splits.folds(protocol, source.sample(frac=1, random_state=seed), target), table)


def test_folds_keep_their_contract_and_are_sorted(tmp_path):
    table = splits.folds(splits.leave_one_speaker_out, iemocap_like())
    tables.write(table, contracts.FOLDS, tmp_path / "folds.parquet")
    pd.testing.assert_frame_equal(tables.read(contracts.FOLDS, tmp_path / "folds.parquet"), table)
    order = table.assign(split=table["split"].map(SPLITS.index))
    pd.testing.assert_frame_equal(order.sort_values(["fold", "split", "utterance"]), order)


def problems(function, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        function(*args, **kwargs)
    return caught.value.problems


def test_train_must_have_every_emotion():
    utterances = iemocap_like(3)
    lacks = utterances["speaker"].str.startswith("Ses03") & utterances["emotion"].isin(["angry", "sad"])
    lacks |= utterances["speaker"].str.startswith("Ses02") & (utterances["emotion"] == "sad")
    folds = splits.folds(splits.leave_one_session_out, utterances[~lacks])
    assert problems(splits.check, folds, utterances) == [
        "fold Session1: train has no utterance that is angry or sad; should have all four",
        "fold Session3: train has no utterance that is sad; should have all four",
    ]


def test_validation_and_test_say_what_they_lack():
    utterances = iemocap_like(3)
    lacks = (utterances["speaker"] == "Ses01F") & utterances["emotion"].isin(["angry", "sad"])
    table = splits.folds(splits.leave_one_speaker_out, utterances[~lacks])
    assert splits.notes(table, utterances) == [
        "fold Ses01F: test has no utterance that is angry or sad, and is judged on the other emotions",
        "fold Ses01M: validation has no utterance that is angry or sad, and is judged on the other emotions",
    ]
    assert splits.notes(splits.folds(splits.leave_one_speaker_out, iemocap_like()), iemocap_like()) == []


def test_the_check_logs_what_stops_nothing(caplog):
    utterances = iemocap_like(3)
    lacks = (utterances["speaker"] == "Ses01F") & (utterances["emotion"] == "sad")
    splits.check(splits.folds(splits.leave_one_speaker_out, utterances[~lacks], only=["Ses01F"]), utterances)
    assert caplog.messages == ["fold Ses01F: test has no utterance that is sad, and is judged on the other emotions"]


def test_only_the_folds_that_are_asked_for_are_built():
    asked = ["Ses03M", "Ses02F"]
    table = splits.folds(splits.leave_one_speaker_out, iemocap_like(3), only=asked)
    assert table["fold"].unique().tolist() == sorted(asked)
    whole = splits.folds(splits.leave_one_speaker_out, iemocap_like())
    one = splits.folds(splits.leave_one_speaker_out, iemocap_like(), only=["Ses03M"])
    pd.testing.assert_frame_equal(one, whole[whole["fold"] == "Ses03M"].reset_index(drop=True))


def test_every_name_that_is_no_fold_is_told_with_the_nearest():
    assert problems(splits.folds, splits.leave_one_session_out, iemocap_like(3), only=["berta", "Sesion1"]) == [
        "'berta' is no fold; should be one of Session1, Session2, Session3",
        "'Sesion1' is no fold; should be one of Session1, Session2, Session3; did you mean 'Session1'?",
    ]


def test_to_name_folds_builds_one_at_a_time():
    begun = []

    def counted(utterances):
        for fold in splits.leave_one_speaker_out(utterances):
            begun.append(fold.name)
            yield fold

    first = next(iter(counted(iemocap_like())))
    assert begun == [first.name]


def test_a_protocol_has_parameters_of_its_own():
    def validate_on(utterances, *, speaker: str):
        for fold in splits.leave_one_speaker_out(utterances):
            held = (utterances["speaker"] == speaker).to_numpy() & ~fold.test
            yield splits.Fold(fold.name, ~fold.test & ~held, held, fold.test)

    utterances = corpus({"a": "1", "b": "1", "c": "2"})
    table = splits.folds(validate_on, utterances, only=["a"], speaker="c")
    assert speakers(table, utterances, "a", "validation") == ["c"]
    # A fold without validation is refused.
    folds = splits.folds(validate_on, utterances, only=["c"], speaker="c")
    (problem,) = problems(splits.check, folds, utterances)
    assert problem.startswith("fold c: validation has no utterance that is angry")


def test_a_speaker_in_two_splits_is_refused_whatever_the_protocol():
    def random(utterances):
        third = pd.Series(range(len(utterances))).mod(3).to_numpy()
        yield splits.Fold("all", third == 0, third == 1, third == 2)

    utterances = corpus({"x": "1", "y": "1"})
    assert problems(splits.check, splits.folds(random, utterances), utterances)[:2] == [
        "fold all: speaker 'x' is in two splits; should be in one",
        "fold all: speaker 'y' is in two splits; should be in one",
    ]


def test_a_fold_that_appears_twice_is_refused():
    def twice(utterances):
        for _ in range(2):
            yield from splits.leave_one_speaker_out(utterances)

    utterances = corpus({"x": "1", "y": "1", "z": "1"})
    assert "fold x: appears twice; should appear once" in problems(splits.folds, twice, utterances)


def test_too_few_speakers_or_sessions():
    two = corpus({"x": "1", "y": "2"})
    assert problems(splits.fold_names, splits.leave_one_speaker_out, two) == [
        "a: has 2 speakers (x, y); should have 3 or more"
    ]
    assert problems(splits.fold_names, splits.leave_one_session_out, two) == [
        "a: has 2 sessions (1, 2); should have 3 or more"
    ]
    one = corpus({"x": "1"})
    assert problems(splits.fold_names, splits.cross_corpus, one, corpus({"z": "1"}, "b")) == [
        "a: has 1 speaker (x); should have 2 or more"
    ]


def test_every_speaker_in_several_sessions_is_named():
    utterances = corpus({"x": "1", "y": "2", "z": "3"})
    moved = utterances.assign(utterance="more-" + utterances["utterance"], session="2")
    assert problems(splits.folds, splits.leave_one_session_out, pd.concat([utterances, moved])) == [
        "a: speaker 'x' is in sessions 1, 2; should be in one",
        "a: speaker 'z' is in sessions 2, 3; should be in one",
    ]


def test_every_utterance_that_both_corpora_name_is_told():
    a = iemocap_like(3)
    told = problems(splits.fold_names, splits.cross_corpus, a, a.assign(corpus="b"))
    assert len(told) == len(a)
    assert told[0].endswith("both have an utterance 'iemocap-Ses01F-angry'; names should differ")


def test_speakers_of_two_corpora_are_different_people_whatever_their_names():
    source, target = corpus({"x": "1", "y": "2"}), corpus({"x": "1"}, "b")
    assert splits.fold_names(splits.cross_corpus, source, target) == ["b"]
    assert len(splits.folds(splits.cross_corpus, source, target)) == 12


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
    ours = splits.folds(splits.leave_one_speaker_out, utterances)
    names = sorted(set(utterances["speaker"]))
    folders = sorted((root / "Merge/Predict Results").glob("fold_*"))
    assert folders
    for folder in folders:
        fold = ours[ours["fold"] == names[int(folder.name.removeprefix("fold_"))]]
        for split, file in {"train": "train", "validation": "val", "test": "test"}.items():
            theirs = pd.read_csv(folder / f"{file}-predictions-raw.csv", usecols=["ID"])["ID"]
            assert sorted(fold.loc[fold["split"] == split, "utterance"]) == sorted(theirs), (folder.name, split)
