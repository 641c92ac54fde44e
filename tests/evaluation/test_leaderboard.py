"""The leaderboard says to a person what the tables say."""

import pandas as pd
from helpers import make_predictions

from emofuse.evaluation.leaderboard import leaderboard, order
from emofuse.evaluation.metrics import evaluate
from emofuse.evaluation.statistics import compare


def test_methods_stand_by_ua_with_their_difference_and_the_ceiling_marked():
    speech = make_predictions(1)
    methods = {"speech": speech, "other": make_predictions(2), "oracle": speech.assign(predicted=speech["emotion"])}
    comparison = pd.concat([compare(table, speech, name) for name, table in methods.items()])
    metrics = pd.concat([evaluate(table, speech, name) for name, table in methods.items()])
    text = leaderboard(comparison, metrics, ["oracle"], "study / experiment")
    assert text.startswith("# study / experiment\n\nMeans over 4 folds (S0, S1, S2, S3).")
    assert [part for part in text.split("\n") if part.startswith("## ")] == ["## all", "## improvised", "## scripted"]
    assert order(comparison)[0] == "oracle"
    first = text.split("|---|")[1].split("\n")[1]
    assert first.startswith("| oracle (ceiling: sees the labels) | 1.0000 |")
    row = comparison[(comparison["method"] == "other") & (comparison["condition"] == "all")].set_index("metric")
    assert f"| other | {row.loc['UA', 'mean']:.4f} | {row.loc['WA', 'mean']:.4f} |" in text
    assert f"{row.loc['UA', 'difference']:+.4f} | {row.loc['UA', 'low']:+.4f}" in text
