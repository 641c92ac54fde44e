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
def join(tmp_path, speech, utterances, transcripts, sentiment):
    """The scores as methods read them, and the temperatures, from tables of which some may be other ones."""
    given = {"speech": speech, "utterances": utterances, "transcripts": transcripts, "sentiment": sentiment}

    def made(calibration=False, text_expert=(), **changes):
        of = given | changes
        spoken = scores.spoken(of["utterances"], of["transcripts"], scores.sentiments(of["sentiment"]))
        tables.write(spoken, contracts.SPOKEN, tmp_path / "spoken.parquet")
        tables.write(of["speech"], contracts.SPEECH_LOGITS, tmp_path / "speech.parquet")
        logits, fitted = [tables.Folds(contracts.SPEECH_LOGITS, tmp_path / "speech.parquet")], {}
        with tables.writing_folds(contracts.SCORES, tmp_path / "scores.parquet") as write:
            for rows, temperature in scores.voices(logits, spoken, "spoken.parquet", calibration):
                write(rows)
                fitted |= temperature
        read = scores.Scores(tmp_path / "scores.parquet", tmp_path / "spoken.parquet", text_expert)
        return pd.concat(read, ignore_index=True), fitted

    return made


def in_order(table):
    """Rows sorted by fold, split in the order of a training, and utterance."""
    key = table.assign(split=table["split"].map(list(SPLITS.values()).index))[["fold", "split", "utterance"]]
    return list(key.itertuples(index=False)) == sorted(key.itertuples(index=False, name=None))


def test_the_table_is_sorted_whatever_the_order_of_the_others(join, speech, utterances, transcripts, sentiment):
    table, _ = join()
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


@pytest.mark.parametrize(("split", "same"), [("train", True), ("validation", False), ("test", True)])
def test_the_voice_is_calibrated_by_the_labels_of_validation_alone(join, utterances, split, same):
    permuted = utterances.copy()
    rows = permuted["speaker"].map(SPLITS) == split
    permuted.loc[rows, "emotion"] = np.random.default_rng(0).permutation(permuted.loc[rows, "emotion"])
    (first, fitted), (second, fitted_again) = join(calibration=True), join(calibration=True, utterances=permuted)
    assert (fitted_again == fitted) is same
    assert second[SPEECH].equals(first[SPEECH]) is same


def test_an_utterance_without_sentiment_is_named_and_not_dropped(join, sentiment):
    with pytest.raises(InputError, match=r"row 0 \(utterance u00\): sentiment_negative is nan"):
        join(sentiment=sentiment[1:])


def test_an_utterance_of_a_fold_without_labels_is_named(join, utterances, sentiment):
    with pytest.raises(InputError) as error:
        join(utterances=utterances[2:], sentiment=sentiment[2:])
    assert error.value.problems == [
        f"spoken.parquet: has no utterance {name}, which is in fold a" for name in ("u00", "u01")
    ]


def test_a_missing_transcript_is_missing(join, transcripts):
    table, _ = join(transcripts=transcripts[1:])
    assert table["transcript"].isna().tolist() == (table["utterance"] == "u00").tolist()


@pytest.fixture
def published(speech, tmp_path):
    """Published scores, and the table that they are written to; of each utterance one sentiment."""
    rows = speech[["fold", "split", "utterance"]].join(make_scores(120)[SPEECH])
    said = make_scores(60, seed=1)[SENTIMENT].assign(utterance=sorted(rows["utterance"].unique()))
    rows = rows.merge(said, on="utterance")
    tables.write(rows, contracts.PUBLISHED, tmp_path / "published.parquet")
    return rows, [tables.Folds(contracts.PUBLISHED, tmp_path / "published.parquet")]


def test_published_scores_are_those_of_the_folds_asked_for(published, utterances):
    rows, written = published
    (table,) = scores.published(written, utterances, ["b"])
    assert set(table["fold"]) == {"b"}
    assert in_order(table)
    expected = rows[rows["fold"] == "b"].set_index("utterance").loc[table["utterance"], [*SPEECH, *SENTIMENT]]
    np.testing.assert_array_equal(table[[*SPEECH, *SENTIMENT]], expected)
    assert [part["fold"].iloc[0] for part in scores.published(written, utterances, ["b", "a"])] == ["a", "b"]
    (few,) = scores.published(written, utterances[:9], ["b"])
    assert sorted(few["utterance"]) == sorted(utterances["utterance"][:9])


def test_folds_that_were_not_published_are_all_named(published, utterances):
    with pytest.raises(InputError) as error:
        list(scores.published(published[1], utterances, ["a", "Ses01F", "Ses01M"]))
    assert error.value.problems == [
        f"fold {fold!r} is not among the published scores; should be one of a, b" for fold in ("Ses01F", "Ses01M")
    ]


def test_a_published_sentiment_is_the_same_in_every_fold(published, utterances):
    first, second = scores.published(published[1], utterances, ["a", "b"])
    same = scores.agreed(scores.agreed(None, first), second)
    expected = first.set_index("utterance").loc[same["utterance"], SENTIMENT]
    np.testing.assert_array_equal(same[SENTIMENT], expected)
    second.loc[second["utterance"] == "u07", SENTIMENT] = 1 / 3
    with pytest.raises(InputError) as error:
        scores.agreed(same, second)
    (problem,) = error.value.problems
    assert problem.startswith("fold b, utterance u07: the published sentiment is another one than in earlier folds")


def test_methods_read_the_scores_with_the_text_expert_where_one_is_given(join, tmp_path, speech):
    rows = speech[["fold", "split", "utterance"]].assign(**dict.fromkeys(TEXT, 0.25))
    tables.write(rows, contracts.TEXT_EXPERT, tmp_path / "text_expert.parquet")
    (alone, _), (both, _) = join(), join(text_expert=[tmp_path / "text_expert.parquet"])
    assert list(both.columns) == [*alone.columns, *TEXT]
    assert both[alone.columns].equals(alone)
    assert (both[TEXT] == 0.25).all(axis=None)
