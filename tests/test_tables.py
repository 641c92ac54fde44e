"""Tables are whole and right, or they are refused with every reason at once."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import make_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from emofuse import contracts, tables
from emofuse.tables import InputError

SCORES = tables.Contract(
    "scores",
    contracts.SCORES.columns | contracts.SPOKEN.columns,
    unique=("fold", "utterance"),
    sums_to_one=(tables.SPEECH, tables.SENTIMENT),
)
"""Voice and words in one table."""


@pytest.fixture
def scores():
    frame = make_scores(8).assign(
        fold="a", split="test", speaker="s", dialog="d", turn_start=1.5, condition="", transcript="hi"
    )
    return frame.assign(utterance=[f"u{row}" for row in range(8)])


def test_a_table_survives_writing_and_reading(scores, tmp_path):
    tables.write(scores, SCORES, tmp_path / "scores.parquet")
    again = tables.read(SCORES, tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(again, tables.check(scores, SCORES, "x"))
    assert list(again)[:3] == ["fold", "split", "utterance"]


def test_the_same_table_gives_the_same_bytes(scores, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        tables.write(scores, SCORES, tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_all_problems_are_named_at_once_with_row_and_value(scores):
    scores.loc[1, "emotion"] = "cross"
    scores.loc[2, "speech_sad"] = np.nan
    scores.loc[3, "speech_angry"] = -0.25
    scores.loc[4, tables.SENTIMENT] = [0.5, 0.5, 0.5]
    scores.loc[6, "utterance"] = "u5"
    with pytest.raises(InputError) as caught:
        tables.check(scores, SCORES, "scores.parquet")
    text = str(caught.value)
    assert "row 1 (fold a, utterance u1): emotion is 'cross'; should be one of angry, happy, neutral, sad" in text
    assert "row 2 (fold a, utterance u2): speech_sad is nan; should not be missing" in text
    assert "row 3 (fold a, utterance u3): speech_angry is -0.25; should be a number between 0 and 1" in text
    assert "row 4 (fold a, utterance u4): sentiment_negative … sentiment_positive should sum to 1" in text
    for row in (5, 6):
        assert f"row {row} (fold a, utterance u5): appears more than once" in text


def test_missing_and_unknown_columns_are_named(scores):
    with pytest.raises(InputError) as caught:
        tables.check(scores.rename(columns={"emotion": "mood"}), SCORES, "x")
    assert "x: column 'emotion' is missing; has speech_angry" in str(caught.value)
    assert "x: column 'mood' is not expected; should be fold, split" in str(caught.value)


def test_a_file_that_is_missing_or_not_parquet_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: no such file"):
        tables.read(SCORES, tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_text("words")
    with pytest.raises(InputError, match=r"bad\.parquet: cannot be read as Parquet \(.*\); delete it and run again"):
        tables.read(SCORES, tmp_path / "bad.parquet")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("table.parquet", "cannot be read as Parquet"),
        ("parameters.json", "is not JSON"),
        ("plane.png", "is not a whole picture"),
    ],
)
def test_a_result_that_is_cut_is_not_passed_on(scores, tmp_path, name, said):
    path = tmp_path / name
    with pytest.raises(InputError, match=rf"{name}: no such file"):
        tables.read_whole(path)
    match path.suffix:
        case ".parquet":
            tables.write(scores, SCORES, path)
        case ".json":
            tables.write_json({"parameters": list(range(99))}, path)
        case ".png":
            Image.effect_noise((99, 99), 9).save(path)
    whole = path.read_bytes()
    assert tables.read_whole(path) == whole
    for share in (0, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=rf"{name}: {said}"):
            tables.read_whole(path)


def folds_of(scores, names):
    return [scores.assign(fold=name, turn_start=float(number)) for number, name in enumerate(names)]


def test_a_table_that_is_written_by_folds_is_read_by_folds(scores, tmp_path):
    path, folds = tmp_path / "scores.parquet", folds_of(scores, ["c", "a", "b"])
    with tables.writing_folds(SCORES, path) as write:
        for of_fold in folds:
            write(of_fold)
        assert not path.exists()
    pd.testing.assert_frame_equal(tables.read(SCORES, path), tables.check(pd.concat(folds), SCORES, "x"))
    read = tables.Folds(SCORES, path)
    assert read.names == ["a", "b", "c"]
    for _ in range(2):
        assert [of_fold["turn_start"].unique().tolist() for of_fold in read] == [[1], [2], [0]]
    pd.testing.assert_frame_equal(read.read("c"), tables.check(folds[0], SCORES, "x"))
    assert [of_fold["fold"].iloc[0] for of_fold in tables.Folds(SCORES, path, only=["c", "b", "z"])] == ["b", "c"]
    assert pq.ParquetFile(path).num_row_groups == 3  # so that none is read for the sake of another
    tables.write(pd.concat(folds).sample(frac=1, random_state=0), SCORES, path)  # folds in one group, mixed
    assert [len(of_fold) for of_fold in tables.Folds(SCORES, path)] == [8, 8, 8]


def test_a_bad_fold_is_refused_and_nothing_is_written(scores, tmp_path):
    good, bad = folds_of(scores, ["a", "b"])
    path = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match="fold b, utterance u0"), tables.writing_folds(SCORES, path) as write:
        write(good)
        write(bad.assign(emotion="cross"))
    with pytest.raises(InputError, match="fold a is written twice"), tables.writing_folds(SCORES, path) as write:
        write(good)
        write(good)
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_no_folds_has_its_columns(tmp_path):
    with tables.writing_folds(SCORES, tmp_path / "scores.parquet"):
        pass
    assert list(tables.read(SCORES, tmp_path / "scores.parquet").columns) == list(SCORES.columns)
    assert tables.Folds(SCORES, tmp_path / "scores.parquet").names == []
    with pytest.raises(InputError, match=r"none\.parquet: no such file"):
        list(tables.Folds(SCORES, tmp_path / "none.parquet"))


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.json"
    tables.write_json({"a": 1}, path)
    with pytest.raises(RuntimeError), tables.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert tables.read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_json_refuses_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError):
        tables.write_json({"a": float("nan")}, tmp_path / "a.json")
    tables.write_json({"a": np.float64(0.5), "b": np.arange(2)}, tmp_path / "a.json")
    assert tables.read_json(tmp_path / "a.json") == {"a": 0.5, "b": [0, 1]}


NAMES = st.lists(st.text(min_size=1), unique=True)


@settings(max_examples=50)
@given(NAMES, NAMES, st.integers(1, 9))
def test_every_utterance_is_in_one_shard_whichever_more_the_corpus_has(names, more, shards):
    def divided(utterances):
        frame = pd.DataFrame({"utterance": utterances})
        return [tables.shard(frame, shard, shards)["utterance"].tolist() for shard in range(shards)]

    alone, together = divided(names), divided([*names, *(name for name in more if name not in names)])
    assert sorted(name for shard in alone for name in shard) == sorted(names)
    assert [[name for name in shard if name in names] for shard in together] == alone


def test_shards_are_of_about_the_same_size():
    names = [f"Ses0{session}F_impro01_F{turn:03}" for session in range(1, 6) for turn in range(1000)]
    sizes = np.bincount(tables.shard_numbers(names, 10))
    assert sizes.sum() == 5000 and abs(sizes - 500).max() < 75  # 3.5 standard deviations
