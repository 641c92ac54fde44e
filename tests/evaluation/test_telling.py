"""The utterances that tell are the most confident changes, and what is said of them is what each said."""

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import contracts, tables
from emofuse.evaluation.telling import MOST, most_confident, telling_of
from emofuse.tables import EMOTIONS, PROBABILITY, SENTIMENT, SPEECH, TEXT


def make(utterances=200, folds=("a",), seed=0):
    """A `predictions` and a `scores` table: all folds test the same utterances, four to a dialog, by two speakers."""
    random = np.random.default_rng(seed)
    names = [f"u{number:03d}" for number in range(utterances)]
    emotion = random.choice(EMOTIONS, utterances)
    told, said = [], []
    for fold in folds:
        voice, decided, words = (random.dirichlet([0.5] * size, utterances) for size in (4, 4, 3))
        rows = pd.DataFrame({"fold": fold, "utterance": names, "condition": "", "emotion": emotion})
        rows["speaker"] = [f"s{number % 2}" for number in range(utterances)]
        predicted = pd.DataFrame(decided, columns=PROBABILITY).assign(
            speech=np.array(EMOTIONS)[voice.argmax(axis=1)],
            predicted=np.array(EMOTIONS)[decided.argmax(axis=1)],
            entropy=0.5,
            varentropy=0.5,
            selected=random.random(utterances) < 0.5,
        )
        told.append(pd.concat([rows, predicted], axis=1))
        scored = pd.DataFrame(np.hstack([voice, words]), columns=[*SPEECH, *SENTIMENT]).assign(
            split=random.choice(tables.SPLITS, utterances),
            dialog=[f"d{number // 4}" for number in range(utterances)],
            turn_start=-np.arange(utterances) % 4.0,  # turns are told in another order than they come in
            transcript=[f"words of {name}" for name in names],
        )
        said.append(pd.concat([rows, scored], axis=1).sample(frac=1, random_state=seed))
    predictions = tables.check(pd.concat(told), contracts.PREDICTIONS, "made")
    return predictions, pd.concat(said, ignore_index=True)


def tell(predictions, scores, reading_text=()):
    of_methods = {method: by_fold(table) for method, table in predictions.items()}
    return tables.check(telling_of(of_methods, by_fold(scores), reading_text), contracts.TELLING, "made")


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), utterances=st.integers(1, 120), folds=st.integers(1, 3))
def test_the_largest_margins_are_told_each_utterance_once(seed, utterances, folds):
    """Against one utterance after another."""
    predictions, _ = make(utterances, [f"f{number}" for number in range(folds)], seed)
    largest = {}
    for row in predictions.to_dict("records"):
        if (row["speech"] == row["emotion"]) != (row["predicted"] == row["emotion"]):
            margin = row[f"probability_{row['predicted']}"] - row[f"probability_{row['speech']}"]
            if margin > largest.get(row["utterance"], (-1,))[0]:
                largest[row["utterance"]] = margin, row["fold"], row["predicted"] == row["emotion"]
    expected = []
    for side in (True, False):
        changed = [(margin, name, fold) for name, (margin, fold, better) in largest.items() if better == side]
        expected += sorted(changed, key=lambda told: (-told[0], told[1]))[:MOST]
    rows = most_confident(by_fold(predictions))
    assert list(rows[["margin", "utterance", "fold"]].itertuples(index=False, name=None)) == expected


def test_what_was_said_of_an_utterance_is_what_each_finds_most_probable():
    predictions, scores = make(folds=["a", "b"])
    scores[TEXT] = np.random.default_rng(1).dirichlet([1] * 4, len(scores))
    table = tell({"alone": predictions, "read": predictions}, scores, ["read"])
    assert table["method"].value_counts().to_dict() == {"alone": 2 * MOST, "read": 2 * MOST}
    of_utterance = scores.set_index(["fold", "utterance"])
    for row in table.to_dict("records"):
        said = of_utterance.loc[(row["fold"], row["utterance"])]
        assert row["transcript"] == said["transcript"]
        for name, columns in (("speech", SPEECH), ("sentiment", SENTIMENT), ("text", TEXT)):
            if name == "text" and row["method"] == "alone":
                assert pd.isna(row["text"]) and pd.isna(row["text_probability"])
            else:
                assert f"{name}_{row[name]}" == said[columns].astype(float).idxmax()
                assert row[f"{name}_probability"] == said[columns].max()


def test_the_turns_beside_an_utterance_are_those_of_its_dialog_in_its_fold():
    predictions, scores = make(folds=["a", "b"])
    voice = np.array(EMOTIONS)[scores[SPEECH].to_numpy().argmax(axis=1)]
    turns = scores.assign(said=voice).set_index(["fold", "dialog", "turn_start"])[["speaker", "said"]]
    of_utterance = scores.set_index(["fold", "utterance"])
    for row in tell({"method": predictions}, scores).to_dict("records"):
        said = of_utterance.loc[(row["fold"], row["utterance"])]
        for place, step in (("before", -1), ("after", 1)):
            key = row["fold"], said["dialog"], said["turn_start"] + step
            expected = turns.loc[key].tolist() if key in turns.index else [None, None]
            shown = [row[f"speaker_{place}"], row[f"speech_{place}"]]
            assert [None if pd.isna(value) else value for value in shown] == expected


@pytest.mark.parametrize("column", ["dialog", "turn_start"])
def test_an_utterance_without_a_place_in_a_dialog_has_no_turns_beside_it(column):
    predictions, scores = make()
    table = tell({"method": predictions}, scores.assign(**{column: None}))
    beside = [f"{name}_{place}" for name in ("speaker", "speech") for place in ("before", "after")]
    assert len(table) == 2 * MOST and table[beside].isna().all(axis=None)


def test_a_method_that_changes_nothing_tells_nothing():
    predictions, scores = make()
    same = predictions.assign(predicted=predictions["speech"])
    assert tell({"same": same}, scores).empty
    assert tell({}, scores).empty
    assert set(tell({"same": same, "method": predictions}, scores)["method"]) == {"method"}
