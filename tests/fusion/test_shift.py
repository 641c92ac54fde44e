"""What thresholds come to on source validation and on the target is what the fitted method does there."""

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold, fuse, make_scores
from sklearn.metrics import balanced_accuracy_score

from emofuse import contracts, parts, tables
from emofuse.evaluation.metrics import scores_of
from emofuse.fusion.shift import shift
from emofuse.fusion.thresholds import MEASURES
from emofuse.tables import EMOTIONS, SPEECH

PATHS = parts.known(parts.METHOD)
METHODS = {
    "paper": {"estimator": "paper", "fit_on": ["train", "validation"], "parameters": {"steps": 10}},
    "pareto": {
        "estimator": "entropy_varentropy",
        "fit_on": ["validation"],
        "parameters": {"search": "exact", "budget": 0.2},
    },
    "confidence": {"estimator": "confidence", "fit_on": ["validation"], "parameters": {"search": "exact"}},
}


@pytest.fixture(scope="module")
def scores():
    """Two source folds, each tested on the same target, of which the voice is surer."""
    target = make_scores(160, seed=9, sharpness=3).assign(split="test")
    folds = []
    for number in (1, 2):
        source = make_scores(240, seed=number)
        source["split"] = np.where(np.arange(240) < 120, "train", "validation")
        fold = pd.concat([source, target], ignore_index=True)
        folds.append(fold.assign(fold=f"Ses0{number}", utterance=[f"u{row}" for row in range(len(fold))]))
    return pd.concat(folds, ignore_index=True).assign(speaker="s", condition="", dialog=None)


def fitted(scores):
    return {name: fuse(scores, entry, PATHS[entry["estimator"]], [0], name, 2) for name, entry in METHODS.items()}


def table_of(scores, learned):
    paths = {name: PATHS[entry["estimator"]] for name, entry in METHODS.items()}
    methods = [result.parameters for result in learned.values()]
    return tables.check(shift(by_fold(scores), methods, paths), contracts.SHIFT, "made")


@pytest.fixture(scope="module")
def learned(scores):
    return fitted(scores)


@pytest.fixture(scope="module")
def table(scores, learned):
    return table_of(scores, learned)


def test_on_the_target_it_is_what_the_predictions_say(table, learned):
    for method, (predictions, *_) in learned.items():
        for fold, rows in predictions.groupby("fold"):
            of = table[(table["method"] == method) & (table["fold"] == fold) & (table["split"] == "test")]
            values = of[of["quantile"].isna()].set_index("metric")["value"]
            assert values[["UA", "selected"]].to_dict() == pytest.approx(
                {name: scores_of(rows)[name] for name in ("UA", "selected")}
            )


def test_a_place_is_the_share_below_the_threshold(table, learned):
    """On the target, where predictions hold the entropy of each utterance."""
    predictions, parameters, *_ = learned["pareto"]
    rows = table[(table["method"] == "pareto") & (table["split"] == "test") & (table["metric"] == "entropy")]
    assert len(rows)
    for row in rows.itertuples():
        assert row.value == parameters["folds"][row.fold]["thresholds"][row.emotion]["entropy"]
        of = predictions[(predictions["fold"] == row.fold) & (predictions["speech"] == row.emotion)]
        assert row.quantile == pytest.approx((of["entropy"] < row.value).mean())


def test_labels_of_the_target_change_ua_alone(table, scores):
    shuffled = scores.copy()
    is_target = shuffled["split"] == "test"
    shuffled.loc[is_target, "emotion"] = np.random.default_rng(0).permutation(shuffled.loc[is_target, "emotion"])
    again = table_of(shuffled, fitted(shuffled))
    tested = (table["split"] == "test") & (table["metric"] == "UA")
    pd.testing.assert_frame_equal(again[~tested], table[~tested])
    assert (again.loc[tested, "value"] != table.loc[tested, "value"]).all()


def test_without_methods_the_voice_alone_is_described(scores):
    table = tables.check(shift(by_fold(scores), [], {}), contracts.SHIFT, "made")
    assert set(table["method"]) == {"speech"} and set(table["metric"]) == {"UA", "entropy", "varentropy"}
    assert len(table) == 4 * (1 + 2 * 101)
    curves = table[table["quantile"].notna()].groupby(["fold", "split", "metric"])
    for (fold, split, metric), points in curves:
        rows = scores[(scores["fold"] == fold) & (scores["split"] == split)]
        values = MEASURES[metric][0](rows[SPEECH].to_numpy())
        np.testing.assert_allclose(points["value"], np.quantile(values, points["quantile"]))
    ua = table[table["metric"] == "UA"].set_index(["fold", "split"])["value"]
    for side, rows in scores[scores["split"] != "train"].groupby(["fold", "split"]):
        said = np.array(EMOTIONS)[rows[SPEECH].to_numpy().argmax(axis=1)]
        assert ua[side] == pytest.approx(balanced_accuracy_score(rows["emotion"], said))
