"""Laws of the folds, and their agreement with the published ones."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emofuse import contracts, parts, splits, tables
from emofuse.splits import fold_names
from emofuse.tables import EMOTIONS, SPLITS, InputError


def corpus(speakers, name="a", emotions=EMOTIONS, conditions=("",)):
    """A corpus where each speaker, named with a session, says something in every emotion and condition."""
    table = pd.DataFrame(
        {
            "utterance": "-".join(filter(None, [name, speaker, emotion, condition])),
            "corpus": name,
            "speaker": speaker,
            "session": session,
            "condition": condition,
            "emotion": emotion,
        }
        for speaker, session in speakers.items()
        for emotion in emotions
        for condition in conditions
    )
    return table.assign(given_fold=None, given_split=None)


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


def test_across_corpora_each_session_of_the_source_validates_and_all_of_the_target_is_tested():
    source, target = iemocap_like(), corpus({"F01": "Session1", "M01": "Session1"}, "msp_improv")
    table = splits.folds(splits.cross_corpus, source, target)
    assert table["fold"].unique().tolist() == [f"Session{i}" for i in range(1, 6)]
    both = pd.concat([source, target])
    assert speakers(table, both, "Session2", "validation") == ["Ses02F", "Ses02M"]
    assert speakers(table, both, "Session2", "train") == [f"Ses{i:02d}{sex}" for i in (1, 3, 4, 5) for sex in "FM"]
    for fold in table["fold"].unique():
        assert speakers(table, both, fold, "test") == ["F01", "M01"]
    assert len(table) == 5 * len(both)


def test_of_a_single_session_each_speaker_validates_once():
    source, target = corpus({"x": "1", "y": "1"}), corpus({"z": "1"}, "b")
    table = splits.folds(splits.cross_corpus, source, target)
    assert [(fold, speakers(table, source, fold, "validation")) for fold in "xy"] == [("x", ["x"]), ("y", ["y"])]


def test_folds_of_several_sources_name_the_corpus_and_people_of_one_name_are_different_people():
    a, b = corpus({"x": "1", "y": "2"}, "a"), corpus({"x": "1", "z": "1"}, "b")
    table = splits.folds(splits.cross_corpus, a, b, corpus({"x": "1"}, "c"))
    assert table["fold"].unique().tolist() == ["a-1", "a-2", "b-1"]
    validating = table[table["split"] == "validation"].groupby("fold")["utterance"].agg(set)
    assert validating["a-1"] == {f"a-x-{emotion}" for emotion in EMOTIONS}
    assert validating["b-1"] == {f"b-{speaker}-{emotion}" for speaker in "xz" for emotion in EMOTIONS}


def test_who_speaks_in_several_sessions_validates_in_each_with_all_that_is_said():
    source = corpus({"x": "1", "y": "2", "z": "3"})
    more = source[source["speaker"] == "x"].assign(utterance=lambda rows: "more-" + rows["utterance"], session="2")
    source = pd.concat([source, more])
    table = splits.folds(splits.cross_corpus, source, corpus({"t": "1"}, "b"))
    assert speakers(table, source, "1", "validation") == ["x"]
    assert speakers(table, source, "2", "validation") == ["x", "y"]
    validating = (table["fold"] == "1") & (table["split"] == "validation")
    assert validating.sum() == 2 * len(EMOTIONS)


def test_every_session_that_everybody_is_in_is_told():
    source = corpus({"x": "1", "y": "1"})
    source = pd.concat([source, source.assign(utterance="more-" + source["utterance"], session="2")])
    assert problems(fold_names, splits.cross_corpus, source, corpus({"t": "1"}, "b")) == [
        f"a: every speaker is in session '{name}'; should be one who is not, and trains" for name in "12"
    ]


several_corpora = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.lists(st.tuples(st.sampled_from("stuvwx"), st.sampled_from("1234")), min_size=1, max_size=12, unique=True),
    min_size=1,
)


@settings(max_examples=60)
@given(several_corpora, st.booleans())
def test_whatever_the_corpora_each_source_session_validates_once_and_only_the_target_is_tested(corpora, balances):
    def turns(name, places):
        rows = [corpus({speaker: session}, name).assign(turn=session) for speaker, session in places]
        table = pd.concat(rows, ignore_index=True)
        return table.assign(utterance=table["utterance"] + "-" + table["turn"]).drop(columns="turn")

    sources = [turns(name, places) for name, places in corpora.items()]
    source, target = pd.concat(sources), corpus({"s": "1", "t": "9"}, "target")
    try:
        table = splits.folds(splits.cross_corpus, *sources, target, balance=7 if balances else None)
    except InputError:
        people = source.groupby(["corpus", "speaker"]).ngroup()
        of_session = people.groupby([source["corpus"], source["session"]]).nunique()
        assert people.nunique() < 2 or (len(of_session) > 1 and of_session.max() == people.nunique())
        return
    rows = table.merge(pd.concat([source, target]), on="utterance")
    # Every session, or speaker of the only one, validates whole in the fold that is named after it.
    unit = "session" if len(source.groupby(["corpus", "session"])) > 1 else "speaker"
    names = source["corpus"] + "-" + source[unit] if len(sources) > 1 else source[unit]
    assert set(table["fold"]) == set(names)
    for name, part in rows.groupby("fold"):
        of = {split: part[part["split"] == split] for split in SPLITS}
        assert set(source.loc[names == name, "utterance"]) <= set(of["validation"]["utterance"])
        assert set(of["validation"]["speaker"]) == set(source.loc[names == name, "speaker"])
        assert set(of["test"]["utterance"]) == set(target["utterance"])
        assert part.groupby(["corpus", "speaker"])["split"].nunique().max() == 1
        assert not set(of["train"]["corpus"]) & {"target"}
        if balances:
            assert of["train"]["corpus"].value_counts().nunique() == 1


def test_balanced_corpora_train_with_as_many_utterances_each_which_no_target_changes():
    a, b = iemocap_like(), corpus({"x": "1", "y": "2"}, "b")
    one, other = (
        splits.folds(splits.cross_corpus, *tables, balance=3)
        for tables in ((a, b, corpus({"t": "1"}, "c")), (b, a.sample(frac=1, random_state=1), corpus({"u": "1"}, "d")))
    )
    sizes = one[one["split"] == "train"].assign(corpus=one["utterance"].str.split("-").str[0])
    assert sizes.groupby("fold")["corpus"].value_counts().groupby("fold").nunique().eq(1).all()
    pd.testing.assert_frame_equal(*(table[table["split"] != "test"].reset_index(drop=True) for table in (one, other)))
    again = splits.folds(splits.cross_corpus, a, b, corpus({"t": "1"}, "c"), balance=4)
    assert not again.equals(one)


def test_a_balance_is_drawn_anew_in_each_fold_and_corpus():
    def twice(source, target):
        is_source = np.arange(len(source) + len(target)) < len(source)
        for name in "12":
            yield splits.Fold(name, is_source, is_source & False, ~is_source)

    big = [corpus({f"s{number}": "1" for number in range(9)}, name) for name in "ab"]
    table = splits.folds(
        twice, *big, corpus({"s0": "1"}, "c"), corpus({"t": "1"}, "d"), balance=3, speakers_may_repeat=True
    )
    train = table[table["split"] == "train"]
    drawn = {
        key: set(rows.str[2:]) for key, rows in train.groupby([train["fold"], train["utterance"].str[0]])["utterance"]
    }
    of_big = [drawn[fold, name] for fold in "12" for name in "ab"]
    assert all(len(names) == 4 for names in drawn.values())
    assert all(one != other for place, one in enumerate(of_big) for other in of_big[:place])


@pytest.mark.parametrize("has_list", [True, False])
def test_who_trains_and_validates_is_the_same_without_a_target(tmp_path, has_list):
    source, target = iemocap_like().assign(condition="read"), corpus({"t": "1"}, "b", conditions=("natural",))
    options = {"conditions": {"train": ["read"], "test": ["natural"]}}
    table = splits.folds(splits.cross_corpus, source, target, **options)
    protocol = splits.given if has_list else splits.cross_corpus
    options |= {"table": listed(table, tmp_path / "folds.csv")} if has_list else {}
    alone = splits.folds(protocol, source, target.iloc[:0], **options)
    pd.testing.assert_frame_equal(alone, table[table["split"] != "test"].reset_index(drop=True))
    assert splits.check(alone, source, ("train", "validation")) == []


def test_conditions_restrict_each_side():
    a = corpus({"x": "1", "y": "2", "z": "3"}, conditions=("improvised", "scripted"))
    b = corpus({"t": "1"}, "b", conditions=("natural", "scripted"))
    conditions = {"train": ["improvised"], "test": ["natural"]}
    table = splits.folds(splits.cross_corpus, a, b, conditions=conditions)
    assert set(table["utterance"].str.split("-").str[-1]) == {"improvised", "natural"}
    within = splits.folds(splits.leave_one_speaker_out, a, conditions={"train": None, "test": ["scripted"]})
    of = within["utterance"].str.split("-").str[-1].groupby(within["split"]).agg(set)
    assert of["test"] == {"scripted"} and of["train"] == of["validation"] == {"improvised", "scripted"}
    within = splits.folds(splits.leave_one_speaker_out, a, conditions={"train": ["improvised"], "test": None})
    of = within["utterance"].str.split("-").str[-1].groupby(within["split"]).agg(set)
    assert of["test"] == {"improvised", "scripted"} and of["train"] == of["validation"] == {"improvised"}


def test_a_protocol_is_given_no_utterance_of_a_condition_that_its_side_is_not_of():
    def curious(source, target):
        assert [set(side["condition"]) for side in (source, target)] == [{"improvised"}, {"natural"}]
        yield from splits.cross_corpus(source, target)

    a = corpus({"x": "1", "y": "2"}, conditions=("improvised", "scripted"))
    b = corpus({"t": "1"}, "b", conditions=("natural", "scripted"))
    assert fold_names(curious, a, b, conditions={"train": ["improvised"], "test": ["natural"]}) == ["1", "2"]


def test_who_says_nothing_in_the_conditions_has_no_fold():
    a = corpus({"x": "1", "y": "1", "z": "1"}, conditions=("improvised",))
    a = pd.concat([a, corpus({"w": "1"}, conditions=("scripted",))])
    conditions = {"train": ["improvised"], "test": ["improvised"]}
    assert fold_names(splits.leave_one_speaker_out, a, conditions=conditions) == ["x", "y", "z"]


def test_every_condition_that_no_corpus_of_its_side_has_is_told_with_the_nearest():
    a = corpus({"x": "1", "y": "2"}, conditions=("improvised", "scripted"))
    conditions = {"train": ["improvisd", "scripted"], "test": ["scripted"]}
    assert problems(fold_names, splits.cross_corpus, a, corpus({"t": "1"}, "b"), conditions=conditions) == [
        "conditions: 'improvisd' is no condition of a; should be one of improvised, scripted; "
        "did you mean 'improvised'?",
        "conditions: 'scripted' is no condition of b; its utterances have none",
    ]


def test_emotions_that_the_source_lacks_are_not_tested_and_the_results_say_so():
    a = corpus({"x": "1", "y": "2"}, emotions=("angry", "neutral", "sad"))
    b = corpus({"t": "1"}, "b", emotions=("angry", "happy", "neutral"))
    table, both = splits.folds(splits.cross_corpus, a, b), pd.concat([a, b])
    splits.check(table, both)
    assert set(table.loc[table["split"] == "test", "utterance"]) == {"b-t-angry", "b-t-neutral"}
    assert splits.check(table, both) == [
        "each fold: train has no utterance that is happy, and none is tested",
        "each fold: test has no utterance that is sad, and is judged on the other emotions",
        "b: 1 of 3 utterances in no fold",
    ]


def test_across_corpora_train_needs_what_validates_and_two_emotions_of_each_corpus():
    a = corpus({"x": "1"}, emotions=("angry", "sad"))
    a = pd.concat([a, corpus({"y": "2"}, emotions=("angry",))])
    table, both = splits.folds(splits.cross_corpus, a, corpus({"t": "1"}, "b")), pd.concat([a, corpus({"t": "1"}, "b")])
    assert problems(splits.check, table, both) == [
        "fold 1: train has no utterance that is sad; should have all that validation has",
        "fold 1: all training utterances of a are angry; should be of two emotions or more",
    ]


def listed(rows, path):
    pd.DataFrame(rows, columns=["fold", "split", "utterance"]).to_csv(path, index=False)
    return str(path)


def test_a_list_of_folds_is_followed_to_the_letter(tmp_path):
    source, target = iemocap_like(), corpus({"F01": "Session1"}, "msp_improv")
    for protocol, corpora in ((splits.leave_one_speaker_out, [source]), (splits.cross_corpus, [source, target])):
        own = splits.folds(protocol, *corpora)
        path = listed(own.sample(frac=1, random_state=0), tmp_path / "folds.csv")
        pd.testing.assert_frame_equal(splits.folds(splits.given, *corpora, table=path), own)
        own.assign(comment="").to_parquet(tmp_path / "folds.parquet")
        pd.testing.assert_frame_equal(splits.folds(splits.given, *corpora, table=tmp_path / "folds.parquet"), own)


def test_the_corpora_may_say_themselves_who_trains():
    utterances = corpus({"x": "1", "y": "1", "z": "1", "rest": "1"}).assign(
        given_split=lambda rows: rows["speaker"].map({"x": "train", "y": "validation", "z": "test"})
    )
    table = splits.folds(splits.given, utterances)
    assert table["fold"].unique().tolist() == ["given"] and speakers(table, utterances, "given", "test") == ["z"]
    assert splits.check(table, utterances) == ["a: 4 of 16 utterances in no fold"]
    more = pd.concat([corpus({"t": "1"}, "b"), utterances])
    assert splits.check(table, more) == ["a: 4 of 16 utterances in no fold", "b: 4 of 4 utterances in no fold"]
    named = utterances.assign(given_fold="official")
    assert fold_names(splits.given, named) == ["official"]
    assert problems(fold_names, splits.given, corpus({"x": "1"}), corpus({"t": "1"}, "b")) == [
        "a + b: has no column split; should be a manifest that has one, "
        "or the experiment's key table should name a list of folds"
    ]


def test_everything_that_is_wrong_with_a_list_is_told_with_its_row(tmp_path):
    rows = [("1", "train", "u"), ("1", "dev", "v"), ("1", "test", "u"), ("", "test", "w")]
    path = listed(rows, tmp_path / "folds.csv")
    again = "appears more than once; each (fold, utterance) should appear once"
    assert sorted(problems(splits.read_list, path)) == [
        f"{path}: row 0 (fold 1, utterance u): {again}",
        f"{path}: row 1 (fold 1, utterance v): split is 'dev'; should be one of train, validation, test",
        f"{path}: row 2 (fold 1, utterance u): {again}",
        f"{path}: row 3 (fold , utterance w): fold is ''; should not be empty",
    ]
    path = listed([("a/b", "train", "u")], tmp_path / "folds.csv")
    assert problems(splits.read_list, path) == [
        f"{path}: fold is 'a/b'; should have no '/', brace or control character, and not be . or .."
    ]
    pd.DataFrame({"fold": ["1"], "utterance": ["u"]}).to_csv(path)
    assert problems(splits.read_list, path) == [f"{path}: column 'split' is missing; has fold, utterance"]
    assert problems(splits.read_list, tmp_path / "none.csv") == [f"{tmp_path / 'none.csv'}: no such file"]
    (tmp_path / "latin.csv").write_bytes("fold,split,utterance\n1,train,é\n".encode("latin-1"))
    (problem,) = problems(splits.read_list, tmp_path / "latin.csv")
    assert problem.startswith(f"{tmp_path / 'latin.csv'}: cannot be read as CSV in UTF-8 ('utf-8' codec can't decode")


def test_names_in_a_list_are_read_as_they_stand(tmp_path):
    """Also by a spreadsheet's mark before UTF-8, and names that look like numbers or like nothing."""
    rows = pd.DataFrame({"fold": ["01", "02"], "split": "test", "utterance": ["1.0", "null"]})
    rows.to_csv(tmp_path / "folds.csv", index=False, encoding="utf-8-sig")
    pd.testing.assert_frame_equal(splits.read_list(tmp_path / "folds.csv"), rows, check_dtype=False)


def test_every_utterance_of_a_list_that_no_corpus_has_is_told(tmp_path):
    path = listed([("1", "train", "u"), ("1", "test", "v"), ("2", "test", "v")], tmp_path / "folds.csv")
    assert splits.unknown(path, {"u"}) == [f"{path}: row 1: utterance is 'v', which no corpus of the experiment has"]


def test_a_list_across_corpora_trains_on_the_source_and_tests_on_the_target(tmp_path):
    source, target = corpus({"x": "1", "y": "1"}), corpus({"t": "1"}, "b")
    path = listed([("1", "test", "a-x-sad"), ("1", "train", "b-t-sad")], tmp_path / "folds.csv")
    assert problems(splits.folds, splits.given, source, target, table=path) == [
        f"{path}: fold 1: test has utterance 'a-x-sad' of a; should be in train or validation",
        f"{path}: fold 1: train has utterance 'b-t-sad' of b; should be in test",
    ]


def test_a_speaker_may_be_in_two_splits_where_the_experiment_says_so_and_the_results_say_it(tmp_path):
    utterances = corpus({"x": "1", "y": "1"}, conditions=("p", "q"))
    split = {"angry-p": "validation", "sad-p": "test"}
    names = utterances["utterance"]
    rows = [("1", split.get(name.split("-", 2)[2], "train"), name) for name in names]
    path = listed(rows, tmp_path / "folds.csv")
    assert problems(splits.folds, splits.given, utterances, table=path) == [
        f"fold 1: speaker '{name}' is in two splits; should be in one" for name in "xy"
    ]
    table = splits.folds(splits.given, utterances, table=path, speakers_may_repeat=True)
    assert "fold 1: speaker 'x' is in two splits, as the experiment allows" in splits.check(table, utterances)


several_speakers = st.dictionaries(
    st.text("abcdefg", min_size=1, max_size=3), st.sampled_from(["s1", "s2", "s3", "s4"]), min_size=3, max_size=12
)


WITHIN = [splits.leave_one_speaker_out, splits.leave_one_session_out]
PROTOCOLS = [parts.load(path) for path in parts.known(parts.PROTOCOL).values()]


def test_a_protocol_says_by_its_signature_how_many_tables_it_takes():
    assert {protocol.__name__: parts.accepts(protocol) for protocol in PROTOCOLS} == {
        "leave_one_speaker_out": [1],
        "leave_one_session_out": [1],
        "cross_corpus": [2],
        "given": [1, 2],
    }


@settings(max_examples=50)
@given(
    several_speakers, st.sampled_from([splits.leave_one_speaker_out, splits.leave_one_session_out]), st.integers(0, 9)
)
def test_no_speaker_is_in_two_splits_and_every_utterance_is_tested_once(sessions, protocol, seed):
    utterances = corpus(sessions)
    assume(protocol is not splits.leave_one_session_out or utterances["session"].nunique() > 2)
    table = splits.folds(protocol, utterances)
    assert fold_names(protocol, utterances) == table["fold"].unique().tolist()
    joined = table.merge(utterances, on="utterance")
    assert joined.groupby(["fold", "speaker"])["split"].agg(set).map(len).eq(1).all()
    assert joined.groupby("fold")["split"].agg(set).map(len).eq(len(SPLITS)).all()
    assert sorted(table.loc[table["split"] == "test", "utterance"]) == sorted(utterances["utterance"])
    # The order of the rows does not matter.
    pd.testing.assert_frame_equal(splits.folds(protocol, utterances.sample(frac=1, random_state=seed)), table)


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
    utterances = utterances[~lacks]
    table = splits.folds(splits.leave_one_speaker_out, utterances)
    assert splits.check(table, utterances) == [
        "fold Ses01F: test has no utterance that is angry or sad, and is judged on the other emotions",
        "fold Ses01M: validation has no utterance that is angry or sad, and is judged on the other emotions",
    ]
    assert splits.check(splits.folds(splits.leave_one_speaker_out, iemocap_like()), iemocap_like()) == []


def test_folds_of_which_the_same_is_to_be_said_are_named_together():
    utterances = corpus(dict.fromkeys("abcde", "1"))
    utterances = utterances[~(utterances["speaker"].isin(["a", "b"]) & (utterances["emotion"] == "sad"))]
    assert splits.check(splits.folds(splits.leave_one_speaker_out, utterances), utterances) == [
        "folds a, e: validation has no utterance that is sad, and is judged on the other emotions",
        "folds a, b: test has no utterance that is sad, and is judged on the other emotions",
    ]


def test_the_check_logs_what_stops_nothing(caplog):
    utterances = iemocap_like(3)
    lacks = (utterances["speaker"] == "Ses01F") & (utterances["emotion"] == "sad")
    utterances = utterances[~lacks]
    splits.check(splits.folds(splits.leave_one_speaker_out, utterances, only=["Ses01F"]), utterances)
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
    assert problem == "fold c: validation has no utterance; should have some"


def test_a_speaker_in_two_splits_is_refused_whatever_the_protocol():
    def random(utterances):
        third = pd.Series(range(len(utterances))).mod(3).to_numpy()
        yield splits.Fold("all", third == 0, third == 1, third == 2)

    utterances = corpus({"x": "1", "y": "1"})
    assert problems(splits.folds, random, utterances) == [
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
    assert problems(fold_names, splits.leave_one_speaker_out, two) == [
        "a: has 2 speakers (x, y); should have 3 or more"
    ]
    assert problems(fold_names, splits.leave_one_session_out, two) == [
        "a: has 2 sessions (1, 2); should have 3 or more"
    ]
    one = corpus({"x": "1"})
    assert problems(fold_names, splits.cross_corpus, one, corpus({"z": "1"}, "b")) == [
        "a: has 1 speaker (x); should have 2 or more"
    ]
    assert problems(fold_names, splits.leave_one_session_out, one.iloc[:0]) == [
        ": has 0 sessions (none); should have 3 or more"
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
    told = problems(fold_names, splits.cross_corpus, a, a.assign(corpus="b"))
    assert len(told) == len(a)
    assert told[0] == "iemocap and b: both have an utterance 'iemocap-Ses01F-angry'; names should differ"


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


def test_the_folds_of_a_source_are_those_of_its_experiments_without_a_target():
    source, target = iemocap_like(3), corpus({"x": "1", "y": "2"}, name="b")
    whole = splits.folds(splits.cross_corpus, source, target)
    alone = splits.source_folds(splits.cross_corpus, source)
    assert set(alone["split"]) == {"train", "validation"}
    tested = splits.tested(whole, alone, ["Session2"])
    assert set(tested["fold"]) == {"Session2"} and sorted(tested["utterance"]) == sorted(target["utterance"])
    splits.check(alone, source, SPLITS[:2])
    with pytest.raises(InputError, match="test has no utterance"):
        splits.check(alone, source)


def test_a_protocol_that_trains_on_the_target_shares_no_models():
    def greedy(source, target):
        first = np.arange(len(source) + len(target)) < len(source)
        validates = np.append(source["session"] == "1", np.zeros(len(target), dtype=bool))
        heard = np.append(np.zeros(len(source), dtype=bool), target["session"] == "1")
        yield splits.Fold("1", first & ~validates | heard, validates, ~first & ~heard)

    source, target = (corpus({"x": "1", "y": "2", "z": "3"}, name=name) for name in "ab")
    whole, alone = splits.folds(greedy, source, target), splits.source_folds(greedy, source)
    said = (
        "fold {}: trains or validates on other utterances where the target has none; "
        "a protocol that takes two corpora should train and validate on the source alone"
    )
    more = [table.assign(fold="2") for table in (whole, alone)]
    assert problems(splits.tested, pd.concat([whole, more[0]]), alone, ["1", "2"]) == [said.format(1), said.format(2)]
    assert problems(splits.tested, more[0], more[1], ["2"]) == [said.format(2)]


@pytest.mark.parametrize("only", [None, ["s1"], ["nobody"]])
@pytest.mark.parametrize("balance", [None, 7])
@pytest.mark.parametrize("conditions", [None, {"train": None, "test": ["x"]}, {"train": ["y"], "test": None}])
def test_a_plan_says_of_folds_what_their_table_would(conditions, balance, only):
    source = [
        corpus({"a": "s1", "b": "s1", "c": "s2", "d": "s3"}, "one", conditions=("x", "y")),
        corpus({"e": "s4", "f": "s5"}, "two", conditions=("x", "y")),
    ]
    target = corpus({"g": "s6", "h": "s6"}, "three", conditions=("x", "y"))
    for protocol, corpora in [
        (splits.cross_corpus, (pd.concat(source, ignore_index=True), target)),
        (splits.leave_one_session_out, (source[0],)),
    ]:
        options = {"conditions": conditions, "balance": balance}
        plan = splits.plan(protocol, *corpora, only=only, **options)
        assert plan.names == fold_names(protocol, *corpora, conditions=conditions)
        known = [name for name in plan.names if only is None or name in only]
        assert set(plan.speakers) == set(known)
        if known:
            table = splits.folds(protocol, *corpora, only=known, **options)
            utterances = pd.concat(corpora, ignore_index=True)
            assert plan.notes == splits.check(table, utterances)
            people = table[table["split"] == "train"].merge(utterances, on="utterance")
            assert plan.speakers == people.groupby("fold")["speaker"].nunique().to_dict()


def test_a_plan_refuses_a_speaker_in_two_splits_unless_the_experiment_allows_it():
    def halves(utterances):
        trains, is_x = (utterances["condition"] == "q").to_numpy(), (utterances["speaker"] == "x").to_numpy()
        yield splits.Fold("1", trains, ~trains & is_x, ~trains & ~is_x)

    utterances = corpus({"x": "1", "y": "1"}, conditions=("p", "q"))
    assert problems(splits.plan, halves, utterances) == [
        f"fold 1: speaker '{name}' is in two splits; should be in one" for name in "xy"
    ]
    assert splits.plan(halves, utterances, speakers_may_repeat=True).notes == [
        f"fold 1: speaker '{name}' is in two splits, as the experiment allows" for name in "xy"
    ]


def test_corpora_of_which_nobody_trains_are_in_balance():
    utterances = corpus({"a": "s1", "b": "s2"})
    nobody = np.zeros(len(utterances), dtype=bool)
    assert not splits._balanced(nobody, utterances, 0).any()
