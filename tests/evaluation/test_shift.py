"""What differs on the target is counted as it is, and said as it is."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_scores
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emofuse import contracts, tables
from emofuse.calibration import probabilities
from emofuse.evaluation.metrics import expected_calibration_error
from emofuse.evaluation.shift import (
    AFTER,
    BEFORE,
    at_temperature_one,
    calibration_and_proportions,
    of_methods,
    of_voice,
    places,
    quantiles,
    sentence,
)
from emofuse.tables import EMOTIONS, SPEECH

# method: (share selected, UA) on source validation and on the target, where speech has UA 0.6 and 0.5
PARETO = {"pareto": ((0.2, 0.626), (0.049, 0.496))}


def table_of(entropies=(0.62, 0.41), methods=PARETO, folds=("Ses01",)):
    rows = []
    for fold in folds:
        for side, (split, ua) in enumerate((("validation", 0.6), ("test", 0.5))):
            rows.append(("speech", fold, split, "all", "UA", np.nan, ua))
            rows += [("speech", fold, split, "all", "entropy", q, q * 2 * entropies[side]) for q in (0, 0.5, 1)]
            for method, values in methods.items():
                rows.append((method, fold, split, "all", "UA", np.nan, values[side][1]))
                rows.append((method, fold, split, "all", "selected", np.nan, values[side][0]))
                rows.append((method, fold, split, "sad", "entropy", 0.25 + 0.5 * side, 0.7))
    return pd.DataFrame(rows, columns=["method", "fold", "split", "emotion", "metric", "quantile", "value"])


def test_a_surer_voice_selects_less_and_gains_less():
    assert sentence(table_of()) == (
        "On the target the voice is surer (median entropy 0.41 against 0.62 nats), so the thresholds of pareto, "
        "which select 20.0% of the source's validation utterances, select 4.9% here, "
        "and the gain in UA over speech alone falls from +2.6 to −0.4 points."
    )


def test_a_less_sure_voice_selects_more_and_may_gain_more():
    assert sentence(table_of((0.41, 0.62), {"m": ((0.1, 0.61), (0.3, 0.55))})) == (
        "On the target the voice is less sure (median entropy 0.62 against 0.41 nats), so the thresholds of m, "
        "which select 10.0% of the source's validation utterances, select 30.0% here, "
        "and the gain in UA over speech alone rises from +1.0 to +5.0 points."
    )


def test_what_does_not_follow_is_not_said_to_follow_and_what_stays_stays():
    assert sentence(table_of((0.5, 0.501), {"m": ((0.1, 0.61), (0.3, 0.51))})) == (
        "On the target the voice is as sure (median entropy 0.50 nats), and the thresholds of m, "
        "which select 10.0% of the source's validation utterances, select 30.0% here, "
        "and the gain in UA over speech alone stays at +1.0 points."
    )
    assert "surer (median entropy 0.41 against 0.62 nats), and the" in sentence(
        table_of(methods={"m": ((0.1, 0.61), (0.3, 0.51))})
    )


def test_without_thresholds_the_voice_alone_is_spoken_of():
    said = "On the target the voice is surer (median entropy 0.41 against 0.62 nats)."
    assert sentence(table_of(methods={})) == said


def test_the_method_that_gains_most_on_the_source_is_spoken_of():
    methods = {"late": ((0.5, 0.61), (0.5, 0.9))} | PARETO
    assert "the thresholds of pareto," in sentence(table_of(methods=methods))


def test_methods_stand_in_their_order_and_source_validation_first():
    table = table_of(methods={"z": ((0.1, 0.61), (0.3, 0.55))} | PARETO)
    assert list(of_methods(table).index) == ["z", "pareto"]
    assert list(places(table).index) == [("z", "sad", "entropy"), ("pareto", "sad", "entropy")]
    assert list(places(table).columns) == ["validation", "test"]
    assert of_methods(table)["selected"].loc["z"].to_dict() == pytest.approx({"validation": 0.1, "test": 0.3})
    alone = of_methods(table_of(methods={}))
    assert alone.empty and list(alone.columns.unique(0)) == ["selected", "gain"]


def test_all_is_the_mean_over_folds():
    one, other = table_of(folds=["Ses01"]), table_of((0.82, 0.61), folds=["Ses02"])
    other["quantile"] = other["quantile"].where(other["method"] == "speech", other["quantile"] + 0.1)
    both = pd.concat([one, other])
    assert quantiles(both, "entropy").loc[0.5].to_dict() == pytest.approx({"validation": 0.72, "test": 0.51})
    assert of_methods(both)["gain"].loc["pareto"].to_dict() == pytest.approx({"validation": 0.026, "test": -0.004})
    assert places(both).loc[("pareto", "sad", "entropy")].tolist() == pytest.approx([0.3, 0.8])


@given(
    hnp.arrays(float, (3, 4), elements=st.floats(-20, 20)),
    st.floats(0.1, 10),
)
def test_a_temperature_is_undone(logits, temperature):
    undone = at_temperature_one(probabilities(logits, temperature), temperature)
    np.testing.assert_allclose(undone, probabilities(logits), atol=1e-9)


def test_at_any_temperature_no_row_vanishes():
    voice = np.array([[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.4, 0.3, 0.2, 0.1]])
    assert at_temperature_one(voice, 2000.0).round(9).tolist() == [[0.25] * 4, [0.5, 0.5, 0, 0], [1, 0, 0, 0]]


def test_calibration_and_proportions_are_those_of_either_side():
    source, target = make_scores(200, seed=1), make_scores(120, seed=2)
    target["emotion"] = "sad"
    scores = pd.concat([source.assign(split="validation"), target.assign(split="test")]).assign(fold="Ses01")
    table = calibration_and_proportions([pd.concat([scores, source.assign(split="train")])], {"Ses01": 2.0})
    tables.check(table, contracts.SHIFT, "made")
    assert set(table["method"]) == {"speech"} and set(table["split"]) == {"validation", "test"}
    assert of_voice(table, "proportion").loc["sad"].to_dict() == {"validation": 0.25, "test": 1.0}
    assert set(of_voice(table, "proportion").index) == set(EMOTIONS)
    voice = target[SPEECH].to_numpy()
    said = np.array(EMOTIONS)[voice.argmax(axis=1)]
    for metric, probability in ((AFTER, voice), (BEFORE, at_temperature_one(voice, 2.0))):
        expected = expected_calibration_error(target["emotion"], said, probability)
        assert of_voice(table, metric).at["all", "test"] == pytest.approx(expected)
