"""Published scores are read as they are, or refused with everything that is wrong with them."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_release, published

from emofuse import contracts, tables
from emofuse.corpora.released import FOLDS, LABELS, files, read_scores
from emofuse.tables import SENTIMENT, SPEECH, InputError

TEST = f"{FOLDS}/fold_0/test-predictions-raw.csv"
VALIDATION = f"{FOLDS}/fold_0/val-predictions-raw.csv"


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path / "release", speakers=4, utterances=16)


def edit(path, row, **values):
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, value in values.items():
        frame.loc[row, column] = value
    frame.to_csv(path, index=False)


def problems(root):
    with pytest.raises(InputError) as caught:
        read_scores(root)
    return "\n".join(caught.value.problems)


def test_the_table_keeps_its_contract_and_names_folds_after_the_speaker_tested(release):
    scores = tables.check(read_scores(release), contracts.SCORES, "scores")
    assert set(scores["fold"]) == {"Ses01F", "Ses01M", "Ses02F", "Ses02M"}
    assert set(scores["condition"]) == {"improvised", "scripted"}
    for fold, part in scores.groupby("fold"):
        assert set(part.loc[part["split"] == "test", "speaker"]) == {fold}


def test_the_rest_of_the_sentiment_is_spread_evenly(release):
    edit(release / TEST, 0, sentiment="positive", sentiment_score="0.6")
    first = pd.read_csv(release / TEST)["ID"][0]
    scores = read_scores(release).set_index(["split", "utterance"]).query("fold == 'Ses01F'")
    assert np.allclose(scores.loc[("test", first), SENTIMENT].astype(float), [0.2, 0.2, 0.6])


def test_words_that_look_like_missing_values_stay_words(release):
    edit(release / TEST, 0, transcription=" None")
    first = pd.read_csv(release / TEST)["ID"][0]
    scores = read_scores(release)
    said = scores.loc[(scores["fold"] == "Ses01F") & (scores["utterance"] == first), "transcript"]
    assert said.tolist() == ["None"]


def test_the_folds_that_are_there_are_used(release):
    for file in (release / FOLDS / "fold_2").iterdir():
        file.unlink()
    (release / FOLDS / "fold_2").rmdir()
    assert set(read_scores(release)["fold"]) == {"Ses01F", "Ses01M", "Ses02M"}
    assert len(files(release)) == 1 + 3 * 3


def test_every_problem_of_every_file_is_named_at_once(release):
    edit(release / TEST, 0, **{"0_Score": "nan"})
    edit(release / TEST, 1, **{"1_Score": "-0.5"})
    edit(release / TEST, 2, **{"0_Score": "0.9", "1_Score": "0.9", "2_Score": "0", "3_Score": "0"})
    edit(release / TEST, 3, sentiment="mixed")
    edit(release / TEST, 4, sentiment_score="0.2")
    ids = pd.read_csv(release / TEST)["ID"]
    edit(release / TEST, 6, ID=ids[5])
    edit(release / VALIDATION, 0, ID=ids[7])
    edit(release / VALIDATION, 1, ID="Ses09X_new")
    edit(release / LABELS, 0, label="X")
    (release / FOLDS / "fold_1" / "train-predictions-raw.csv").unlink()
    edited = release / FOLDS / "fold_3" / "test-predictions-raw.csv"
    pd.read_csv(edited).drop(columns="sentiment").to_csv(edited, index=False)

    text = problems(release)
    assert f"{release / TEST}: line 2 ({ids[0]}): 0_Score is 'nan'; should be a probability between 0 and 1" in text
    assert f"line 3 ({ids[1]}): 1_Score is '-0.5'" in text
    assert f"line 4 ({ids[2]}): 0_Score … 3_Score sum to 1.8000; should be 1 within 0.001" in text
    assert "line 5 " in text and "sentiment is 'mixed'; should be one of negative, neutral, positive" in text
    assert "sentiment_score is '0.2'; the largest of three should be at least 1/3" in text
    assert f"line 8 ({ids[5]}): ID appears already in line 7" in text
    assert f"({ids[7]}): is in" in text and "should be in one split of a fold" in text
    assert f"(Ses09X_new): has no label in {LABELS}" in text
    assert "label is 'X'; should be one of A, H, N, S" in text
    assert "fold_1/train-predictions-raw.csv: no such file" in text
    assert "fold_3/test-predictions-raw.csv: column 'sentiment' is missing; has ID" in text


def test_a_split_without_an_emotion_is_named(release):
    labels = pd.read_csv(release / LABELS)
    labels.loc[(labels["speaker"] == "Ses01F") & (labels["label"] == "S"), "label"] = "N"
    labels.to_csv(release / LABELS, index=False)
    assert f"{release / TEST}: no utterance is sad; every split should hold all emotions" in problems(release)


def test_a_folder_that_is_no_release_says_what_it_should_hold(tmp_path):
    text = problems(tmp_path)
    assert f"{tmp_path / LABELS}: no such file" in text
    assert "no folder fold_K; should hold the folds of the authors' repository" in text


def test_a_file_that_is_no_csv_is_named(release):
    (release / TEST).write_bytes(b"\xff\xfe\x00")
    assert f"{release / TEST}: cannot be read as CSV" in problems(release)


def test_the_published_scores_are_read_to_the_last_row():
    scores = read_scores(published())
    folds = scores["fold"].nunique()
    # 5531 utterances a fold, as in the paper and on the usual four-class count of IEMOCAP.
    assert (scores.groupby("fold").size() == 5531).all()
    assert scores["utterance"].nunique() == 5531
    assert len(scores) == folds * 5531
    assert np.allclose(scores[SPEECH].sum(axis=1), 1, atol=1e-3)
