"""Scores join the wings' tables by utterance, in one order, and lose no row in silence."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_scores

from emofuse import contracts, scores, tables
from emofuse.calibration import probabilities, temperatures
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, TEXT, InputError, columns

SPLITS = {"A": "train", "B": "validation", "C": "test"}


@pytest.fixture
def utterances():
    corpus = make_scores(60)[["emotion"]].assign(
        corpus="made", session="1", dialog="talk", turn_start=0.5, condition=""
    )
    return corpus.assign(utterance=[f"u{number:02d}" for number in range(60)], speaker=list("ABC") * 20)


@pytest.fixture
def transcripts(utterances):
    return utterances[["utterance"]].assign(text="well " + utterances["utterance"])


@pytest.fixture
def sentiment(utterances):
    logits = np.random.default_rng(1).normal(size=(60, 3))
    return pd.DataFrame(logits, columns=columns("logit", SENTIMENTS)).assign(utterance=utterances["utterance"])


@pytest.fixture
def speech(utterances):
    folds = [utterances[["utterance"]].assign(fold=fold, split=utterances["speaker"].map(SPLITS)) for fold in "ba"]
    rows = pd.concat(folds, ignore_index=True).sample(frac=1, random_state=0, ignore_index=True)
    logits = np.random.default_rng(0).normal(size=(120, 4))
    return pd.concat([rows, pd.DataFrame(logits, columns=columns("logit", EMOTIONS))], axis=1)


@pytest.fixture
def join(speech, utterances, transcripts, sentiment):
    given = {"speech": speech, "utterances": utterances, "transcripts": transcripts, "sentiment": sentiment}
    return lambda calibration=False, **changes: scores.join(**given | changes, calibration=calibration)


def in_order(table):
    """Rows sorted by fold, split in the order of a training, and utterance."""
    key = table.assign(split=table["split"].map(list(SPLITS.values()).index))[["fold", "split", "utterance"]]
    return list(key.itertuples(index=False)) == sorted(key.itertuples(index=False, name=None))


def test_the_table_is_sorted_whatever_the_order_of_the_others(join, speech, utterances, transcripts, sentiment):
    table, _ = join()
    assert tables.check(table, contracts.SCORES, "scores.parquet").equals(table)
    assert in_order(table)
    assert len(table) == len(speech)
    turned, _ = join(**{"speech": speech[::-1], "utterances": utterances[::-1], "transcripts": transcripts[::-1]})
    pd.testing.assert_frame_equal(turned, table)


def test_each_row_has_what_is_said_of_its_utterance(join, speech, utterances, transcripts, sentiment):
    table, _ = join()
    names = table["utterance"]
    of = {"emotion": utterances, "speaker": utterances, "text": transcripts}
    for column, name in (("emotion", "emotion"), ("speaker", "speaker"), ("transcript", "text")):
        assert table[column].tolist() == of[name].set_index("utterance")[name].loc[names].tolist()
    words = sentiment.set_index("utterance").loc[names, columns("logit", SENTIMENTS)]
    np.testing.assert_array_equal(table[SENTIMENT], probabilities(words))
    voice = speech.set_index(["fold", "utterance"]).loc[list(zip(table["fold"], names, strict=True))]
    np.testing.assert_array_equal(table[SPEECH], probabilities(voice[columns("logit", EMOTIONS)]))


def test_calibration_divides_the_logits_of_the_voice_by_the_temperature_of_the_fold(join, speech, utterances):
    plain, ones = join(calibration=False)
    assert ones == {"a": 1.0, "b": 1.0}
    table, fitted = join(calibration=True)
    assert fitted == pytest.approx(temperatures(speech.merge(utterances, on="utterance")))
    logits = np.log(plain[SPEECH].to_numpy())
    by_row = table["fold"].map(fitted).to_numpy()[:, None]
    np.testing.assert_allclose(table[SPEECH], probabilities(logits, by_row))
    pd.testing.assert_frame_equal(table.drop(columns=SPEECH), plain.drop(columns=SPEECH))


@pytest.mark.parametrize("lacking", ["utterances", "sentiment"])
def test_an_utterance_that_a_table_lacks_is_named_and_not_dropped(join, request, tmp_path, lacking):
    table, _ = join(**{lacking: request.getfixturevalue(lacking)[1:]})
    with pytest.raises(InputError, match="fold a, utterance u00"):
        tables.write(table, contracts.SCORES, tmp_path / "scores.parquet")


def test_a_missing_transcript_is_missing(join, transcripts):
    table, _ = join(transcripts=transcripts[1:])
    checked = tables.check(table, contracts.SCORES, "scores.parquet")
    assert checked["transcript"].isna().tolist() == (checked["utterance"] == "u00").tolist()


@pytest.fixture
def published(speech, utterances):
    rows = speech[["fold", "split", "utterance"]]
    return pd.concat([rows, make_scores(120)[[*SPEECH, *SENTIMENT]]], axis=1)


def test_published_scores_are_those_of_the_folds_asked_for(published, utterances, transcripts):
    table = scores.published(published, utterances, transcripts, ["b"])
    assert tables.check(table, contracts.SCORES, "scores.parquet").equals(table)
    assert set(table["fold"]) == {"b"}
    assert in_order(table)
    expected = published[published["fold"] == "b"].set_index("utterance").loc[table["utterance"], [*SPEECH, *SENTIMENT]]
    np.testing.assert_array_equal(table[[*SPEECH, *SENTIMENT]], expected)
    both = scores.published(published, utterances, transcripts, ["b", "a"])
    assert in_order(both)
    assert len(both) == len(published)


def test_folds_that_were_not_published_are_all_named(published, utterances, transcripts):
    with pytest.raises(InputError) as error:
        scores.published(published, utterances, transcripts, ["a", "Ses01F", "Ses01M"])
    assert error.value.problems == [
        f"fold {fold!r} is not among the published scores; should be one of a, b" for fold in ("Ses01F", "Ses01M")
    ]


def test_methods_read_the_scores_with_the_text_expert_where_one_is_given(
    tmp_path, speech, utterances, transcripts, sentiment
):
    table, _ = scores.join(speech, utterances, transcripts, sentiment, calibration=False)
    tables.write(table, contracts.SCORES, tmp_path / "scores.parquet")
    rows = table[["fold", "split", "utterance"]].assign(**dict.fromkeys(TEXT, 0.25))
    tables.write(rows.iloc[::-1], contracts.TEXT_EXPERT, tmp_path / "text_expert.parquet")
    alone = scores.read(tmp_path / "scores.parquet", [])
    both = scores.read(tmp_path / "scores.parquet", [tmp_path / "text_expert.parquet"])
    assert list(both.columns) == [*alone.columns, *TEXT]
    assert both[alone.columns].equals(alone)
    assert (both[TEXT] == 0.25).all(axis=None)
