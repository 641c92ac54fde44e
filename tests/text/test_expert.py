"""The text expert learns from the training speakers' transcripts, and from nothing else."""

import numpy as np
import pandas as pd
import pytest

from emofuse import contracts, tables
from emofuse.tables import EMOTIONS, TEXT, InputError
from emofuse.text import expert
from emofuse.text.expert import make_expert

WORDS = {"angry": "furious", "happy": "glad", "neutral": "table", "sad": "sorry"}
SPLITS = {"A": "train", "B": "train", "C": "train", "D": "validation", "E": "test"}


def predict(rows, parts=4):
    """The expert on the tables that these rows of folds are joined from."""
    corpus = rows.drop_duplicates("utterance")
    return expert.predict(
        rows[["fold", "split", "utterance"]],
        corpus[["utterance", "speaker", "emotion"]],
        corpus[["utterance", "text"]].dropna(),
        inverse_penalty=3.0,
        smoothing=0.1,
        parts=parts,
    )


def make_rows(utterances=24, folds=("one",), splits=SPLITS):
    """What each speaker said: a word that tells the emotion, and some that do not."""
    random = np.random.default_rng(0)
    rows = [
        {
            "fold": fold,
            "split": split,
            "utterance": f"{speaker}{number:02d}",
            "speaker": speaker,
            "emotion": EMOTIONS[number % 4],
            "text": f"{random.choice(['so', 'and', 'well'])} {WORDS[EMOTIONS[number % 4]]} {number}",
        }
        for fold in folds
        for speaker, split in splits.items()
        for number in range(utterances)
    ]
    return pd.DataFrame(rows)


def test_table():
    """Every row of the folds gets a distribution, and the table keeps its contract and the order of the rows."""
    rows = make_rows(folds=("one", "two")).sample(frac=1, random_state=0, ignore_index=True)
    probabilities = predict(rows)
    tables.check(probabilities, contracts.TEXT_EXPERT, "text_expert.parquet")
    pd.testing.assert_frame_equal(probabilities[["fold", "split", "utterance"]], rows[["fold", "split", "utterance"]])
    np.testing.assert_allclose(probabilities[TEXT].sum(axis=1), 1)


def test_words_are_learned():
    """Words that told the emotion of the training speakers tell it for other speakers."""
    rows = make_rows()
    predicted = predict(rows)[TEXT].to_numpy().argmax(axis=1)
    assert (np.array(EMOTIONS)[predicted] == rows["emotion"]).all()


def test_training_rows_are_read_by_an_expert_of_other_speakers():
    """What a speaker alone says carries no information about that speaker, and does about speakers who say it later."""
    rows = make_rows()
    own = (rows["speaker"] == "A") & (rows["emotion"] == "sad")
    rows["text"] = "well"
    rows.loc[own, "text"] = "well hippopotamus"
    test = rows["split"] == "test"
    rows.loc[test, "text"] = "well hippopotamus"
    probabilities = predict(rows, parts=3)
    np.testing.assert_allclose(probabilities.loc[own, TEXT], 0.25, atol=1e-3)
    assert (probabilities.loc[test, "text_sad"] > 0.5).all()


def test_each_training_speaker_is_left_out():
    """With as many parts as speakers, a training row is read by an expert of exactly the other ones."""
    rows = make_rows()
    probabilities = predict(rows, parts=3)
    train = rows[rows["split"] == "train"]
    for speaker in "ABC":
        others, own = train[train["speaker"] != speaker], train[train["speaker"] == speaker]
        reader = make_expert(3.0, 0.1).fit(others["text"], others["emotion"])
        np.testing.assert_allclose(probabilities.loc[own.index, TEXT], reader.predict_proba(own["text"]), atol=1e-6)


def test_labels_of_validation_and_test_are_not_read():
    """Other labels of validation and test change nothing."""
    rows = make_rows()
    shuffled = rows.copy()
    held_out = shuffled["split"] != "train"
    shuffled.loc[held_out, "emotion"] = np.random.default_rng(1).permutation(shuffled.loc[held_out, "emotion"])
    assert (shuffled["emotion"] != rows["emotion"]).any()
    pd.testing.assert_frame_equal(predict(shuffled), predict(rows))


def test_the_order_of_the_tables_changes_nothing():
    """Rows of labels and transcripts are joined by their utterance."""
    rows = make_rows()
    corpus = rows.sample(frac=1, random_state=0)
    settings = {"inverse_penalty": 3.0, "smoothing": 0.1, "parts": 4}
    shuffled = expert.predict(rows[["fold", "split", "utterance"]], corpus, corpus, **settings)
    pd.testing.assert_frame_equal(shuffled, predict(rows))


def test_folds_do_not_mix():
    """A fold's expert is the same whatever the other folds are, also where they share training rows."""
    swapped = SPLITS | {"D": "test", "E": "validation"}
    one, two = make_rows(), make_rows(folds=("two",), splits=swapped)
    three = make_rows(folds=("three",), splits=SPLITS | {"C": "test", "E": "train"})
    together = predict(pd.concat([one, two, three], ignore_index=True))
    for rows in (one, two, three):
        part = together[together["fold"] == rows["fold"][0]].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, predict(rows))


def test_missing_transcripts():
    """A missing transcript is an empty one; it says little, and nothing fails."""
    rows = make_rows()
    gone = rows.index % 5 == 0
    missing, empty = rows.copy(), rows.copy()
    missing.loc[gone, "text"] = None
    empty.loc[gone, "text"] = ""
    probabilities = predict(missing)
    pd.testing.assert_frame_equal(probabilities, predict(empty))
    np.testing.assert_allclose(probabilities.loc[gone, TEXT], 0.25, atol=0.1)


def test_fold_without_test_rows():
    """A fold may have training rows only."""
    assert len(predict(make_rows(splits={"A": "train", "B": "train"}))) == 48


def test_an_emotion_that_is_not_trained_is_never_expected():
    """A source may lack an emotion; the others are told as before."""
    rows = make_rows()
    rows = rows[rows["emotion"] != "happy"]
    probability = predict(rows)
    assert probability["text_happy"].eq(0).all()
    np.testing.assert_allclose(probability[TEXT].sum(axis=1), 1)
    told = np.array(EMOTIONS)[probability[TEXT].to_numpy().argmax(axis=1)]
    assert (told == rows["emotion"].to_numpy()).mean() > 0.9


def test_bad_input():
    """Every fold's problem is named, before anything is trained."""
    one = make_rows()
    one.loc[one["split"] == "train", "text"] = [None, "...", ""] * 24
    two = make_rows(folds=("two",), splits={"F": "train", "G": "test"})
    two = two[(two["emotion"] == "sad") | (two["split"] != "train")]
    with pytest.raises(InputError) as error:
        predict(pd.concat([one, two], ignore_index=True))
    assert error.value.problems == [
        "fold one: the training rows hold no transcript with a word; the text expert has nothing to learn from",
        "fold two: the training rows hold 1 emotion; the text expert needs at least 2",
        "fold two: the training rows hold 1 speaker; the text expert needs at least 2",
    ]
