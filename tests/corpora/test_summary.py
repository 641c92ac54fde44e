"""What a corpus holds, against numbers that were counted by hand."""

import pandas as pd
import pytest

from emofuse import contracts, tables
from emofuse.corpora import base, summary

UTTERANCES = pd.DataFrame(
    [
        # utterance, speaker, session, condition, emotion
        ("u1", "anna", "1", "read", "angry"),
        ("u2", "anna", "1", "read", "angry"),
        ("u3", "anna", "1", "", "sad"),
        ("u4", "bert", "1", "read", "sad"),
        ("u5", "cora", "2", "free", "happy"),
    ],
    columns=["utterance", "speaker", "session", "condition", "emotion"],
).assign(corpus="voices")
RECORDINGS = pd.DataFrame({"utterance": ["u5", "u4", "u3", "u2", "u1"], "duration": [5.0, 4.0, 3.0, 2.0, 1.0]})


def summarise(tmp_path, *given):
    tables.write(summary.summarise(*given), contracts.SUMMARY, tmp_path / "summary.parquet")
    return (
        tables.read(contracts.SUMMARY, tmp_path / "summary.parquet").set_index(["by", "group", "emotion"]).sort_index()
    )


def test_utterances_and_durations_are_counted_by_emotion_condition_session_and_speaker(tmp_path):
    table = summarise(tmp_path, UTTERANCES, RECORDINGS)
    counted = table["utterances"]
    assert counted["corpus", "voices"].to_dict() == {"all": 5, "angry": 2, "happy": 1, "neutral": 0, "sad": 2}
    assert counted["condition", "read"].to_dict() == {"all": 3, "angry": 2, "happy": 0, "neutral": 0, "sad": 1}
    assert counted["session", "2"].to_dict() == {"all": 1, "angry": 0, "happy": 1, "neutral": 0, "sad": 0}
    assert counted.xs(("speaker", "all"), level=("by", "emotion")).to_dict() == {"anna": 3, "bert": 1, "cora": 1}
    assert table.loc[("corpus", "voices", "all"), "speakers"] == 3
    assert table.loc[("corpus", "voices", "sad"), "speakers"] == 2
    whole = table.loc[("corpus", "voices", "all")]
    assert (whole["seconds"], whole["p25"], whole["p50"], whole["p95"]) == (15, 2, 3, pytest.approx(4.8))
    assert table.loc[("condition", "read", "all"), ["seconds", "p50"]].tolist() == [7, 2]


def test_an_empty_condition_is_no_group_and_a_group_may_lack_an_emotion(tmp_path):
    table = summarise(tmp_path, UTTERANCES, RECORDINGS)
    assert set(table.loc["condition"].index.get_level_values("group")) == {"free", "read"}
    missing = table.loc[("corpus", "voices", "neutral")]
    assert missing["seconds"] == 0 and pd.isna(missing["p50"])


def test_a_corpus_without_conditions_has_no_group_of_them(tmp_path):
    table = summarise(tmp_path, UTTERANCES.assign(condition=""), RECORDINGS)
    assert set(table.index.get_level_values("by")) == {"corpus", "session", "speaker"}


def test_a_corpus_without_audio_has_no_durations(tmp_path):
    table = summarise(tmp_path, UTTERANCES)
    assert table.loc[("corpus", "voices", "all"), "utterances"] == 5
    assert table[["seconds", "p5", "p50", "p95"]].isna().all(axis=None)


def test_reasons_that_differ_in_numbers_alone_are_one(tmp_path):
    rejects = pd.DataFrame(
        [("u1", "no such file"), ("u2", "too short: 0.020 s"), ("u3", "too short: 0.050 s")],
        columns=["utterance", "reason"],
    ).assign(path="")
    tables.write(summary.reasons(rejects), contracts.REASONS, tmp_path / "reasons.parquet")
    rows = tables.read(contracts.REASONS, tmp_path / "reasons.parquet")
    assert rows.to_numpy().tolist() == [["too short: … s", 2, "u2"], ["no such file", 1, "u1"]]


@pytest.mark.parametrize("rejects", [None, pd.DataFrame({"utterance": [], "path": [], "reason": []}, dtype=str)])
def test_nothing_left_out_is_an_empty_table(rejects, tmp_path):
    tables.write(summary.reasons(rejects), contracts.REASONS, tmp_path / "reasons.parquet")
    assert tables.read(contracts.REASONS, tmp_path / "reasons.parquet").empty


SAD, HAPPY = (base.Count(emotion, {"emotion": emotion}, 2) for emotion in ("sad", "happy"))
ABOUT = base.Count("anna", {"speaker": "anna"}, 2, exact=False)


@pytest.mark.parametrize(
    ("published", "differs"),
    [
        ([SAD], [False]),
        ([SAD, HAPPY], [False, True]),
        ([SAD, ABOUT], [False, False]),  # what is not exact says nothing alone
        ([HAPPY, ABOUT], [True, True]),
        ([], []),
    ],
)
def test_what_was_read_stands_beside_what_is_published(published, differs, tmp_path):
    tables.write(base.counts(UTTERANCES, published), contracts.COUNTS, tmp_path / "counts.parquet")
    rows = tables.read(contracts.COUNTS, tmp_path / "counts.parquet")
    assert rows["differs"].tolist() == differs
    assert rows["read"].tolist() == [{"sad": 2, "happy": 1, "anna": 3}[count.name] for count in published]
    assert len(base.compare(UTTERANCES, published)) == sum(differs)
