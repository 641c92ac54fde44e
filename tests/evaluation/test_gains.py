"""A gain is the mean over draws and source folds on the same rows, with an interval over all that was drawn."""

import numpy as np
import pandas as pd
import pytest

from emofuse import accuracy, contracts, tables
from emofuse.evaluation import gains, statistics
from emofuse.evaluation.gains import gains_of
from emofuse.tables import EMOTIONS, PROBABILITY

GIVEN = {"confidence": 0.95, "resamples": 400, "seed": 0}
FOLDS, SPEAKERS = ("Ses01", "Ses02"), 5


def predictions(right, seed=0, utterances=40):
    """Target predictions of each source fold, of which about a share is right."""
    random = np.random.default_rng(seed)
    emotion = np.array(EMOTIONS)[np.random.default_rng(1).integers(4, size=SPEAKERS * utterances)]
    tables_of_folds = []
    for fold in FOLDS:
        is_right = random.random(len(emotion)) < right
        tables_of_folds.append(
            pd.DataFrame({"emotion": emotion, "predicted": np.where(is_right, emotion, "sad")}).assign(
                fold=fold,
                utterance=[f"u{number}" for number in range(len(emotion))],
                speaker=[f"T{number % SPEAKERS}" for number in range(len(emotion))],
                condition=np.where(np.arange(len(emotion)) % 3, "improvised", "read"),
                speech="sad",
                **dict.fromkeys(PROBABILITY, 0.25),
                entropy=0.5,
                varentropy=0.1,
                selected=is_right,
            )
        )
    return pd.concat(tables_of_folds, ignore_index=True)


def drawn(table, method, *draws):
    """A table as it is adapted: without the labelled speakers of each draw."""
    return pd.concat(
        [
            table[~table["speaker"].isin(labelled)].assign(method=method, k=len(labelled), draw=number)
            for number, labelled in enumerate(draws)
        ],
        ignore_index=True,
    )


def ua(rows):
    return accuracy.unweighted_accuracy(*(accuracy.indices(rows[name]) for name in ("emotion", "predicted")))


def test_both_sides_are_means_over_draws_and_source_folds_on_the_same_rows():
    before, after = predictions(0.5), predictions(0.7, seed=9)
    table = gains_of({"speakers": drawn(after, "mean", ["T0"], ["T3"])}, {"mean": before}, **GIVEN)
    table = tables.check(table, contracts.ADAPTATION, "gains")
    assert table["condition"].tolist() == ["all", "improvised", "read"]
    for row in table.itertuples():
        for said, side in ((row.UA, after), (row.without, before)):
            parts = [
                side[(side["speaker"] != labelled) & (side["fold"] == fold)]
                for labelled in ("T0", "T3")
                for fold in FOLDS
            ]
            wanted = [part if row.condition == "all" else part[part["condition"] == row.condition] for part in parts]
            assert said == pytest.approx(np.mean([ua(part) for part in wanted]))
        assert row.difference == pytest.approx(row.UA - row.without)
        assert row.low < row.difference < row.high
        assert (row.k, row.draws) == (1, 2)


def test_no_change_gains_nothing_with_certainty():
    before = predictions(0.5)
    table = gains_of({"share": drawn(before, "mean", [])}, {"mean": before}, **GIVEN)
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)
    assert table.at[0, "selected"] == pytest.approx(before["selected"].mean())


def test_with_one_draw_and_one_source_fold_the_interval_is_that_over_speakers():
    before, after = (predictions(right, seed=5)[: SPEAKERS * 40] for right in (0.5, 0.7))
    ours = [accuracy.confusions(table.assign(draw=0), "predicted", gains.AXES) for table in (after, before)]
    theirs = [counts[0] for counts in ours]
    many = GIVEN | {"resamples": 20_000}
    expected = statistics.interval(*theirs, "UA", crossed=False, **many)
    np.testing.assert_allclose(gains.interval(*ours, **many), expected, atol=0.003)


def test_source_folds_and_draws_widen_the_interval():
    """Speakers are alike; one source fold, or one draw, gains 0.2 and the other nothing."""
    random = np.random.default_rng(0)
    before = np.tile(np.eye(4) * 50 + 50, (1, 1, 4, 1, 1))
    better = before + np.eye(4) * 40 * random.uniform(0.99, 1.01)
    still = gains.interval(np.concatenate([better, better], axis=1), np.concatenate([before, before], axis=1), **GIVEN)
    for axis in (0, 1):
        after = np.concatenate([better, before], axis=axis)
        low, high = gains.interval(after, np.concatenate([before, before], axis=axis), **GIVEN)
        assert high - low > 2 * (still[1] - still[0])
        assert low == pytest.approx(0, abs=1e-9)


def test_the_seed_decides_what_is_drawn_and_the_confidence_how_wide_an_interval_is():
    counts = [accuracy.confusions(predictions(right).assign(draw=0), "predicted", gains.AXES) for right in (0.7, 0.5)]
    ends = gains.interval(*counts, **GIVEN)
    assert ends == gains.interval(*counts, **GIVEN) != gains.interval(*counts, **GIVEN | {"seed": 1})
    low, high = gains.interval(*counts, **GIVEN | {"confidence": 0.5})
    assert ends[0] < low < high < ends[1]


def test_a_single_speaker_has_no_interval():
    counts = np.ones((1, 2, 1, 4, 4))
    assert np.isnan(gains.interval(counts, counts, **GIVEN)).all()


def test_what_tests_nothing_is_left_out_of_a_mean_and_a_mean_of_nothing_is_missing():
    """Two draws of one source fold: the first tests the first speaker alone and is right, the second tests nobody."""
    counts = np.zeros((2, 1, 2, 4, 4))
    counts[0, 0, 0] = np.eye(4)
    once = np.ones((1, 1))
    assert gains.mean_ua(counts, np.ones((1, 2)), once, np.ones((1, 2))).tolist() == [1]
    assert np.isnan(gains.mean_ua(counts, np.array([[0, 2]]), once, np.ones((1, 2)))).all()
    assert np.isnan(gains.mean_ua(counts, np.ones((1, 2)), once, np.array([[0, 2]]))).all()


def test_rows_stand_by_adaptation_method_and_k_and_say_how_many_draws_they_are_over():
    before = predictions(0.5)
    voice = before.assign(predicted="sad", selected=False)
    of_voice = pd.concat([drawn(voice, "voice", ["T0", "T1"], ["T2", "T3"]), drawn(voice, "voice", ["T4"])])
    adapted = {"speakers": pd.concat([of_voice, drawn(before, "mean", ["T1"])]), "share": drawn(before, "mean", [])}
    table = gains_of(adapted, {"mean": before, "voice": voice}, **GIVEN | {"resamples": 10})
    table = table[table["condition"] == "all"].reset_index(drop=True)
    assert table[["adaptation", "method", "k", "draws"]].to_numpy().tolist() == [
        ["speakers", "voice", 1, 1],
        ["speakers", "voice", 2, 2],
        ["speakers", "mean", 1, 1],
        ["share", "mean", 0, 1],
    ]
    left = before[before["speaker"] != "T1"]
    assert table["selected"].tolist() == pytest.approx([0, 0, left["selected"].mean(), before["selected"].mean()])
