"""The leaderboard: every method of an experiment, best first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from emofuse.accuracy import ALL
from emofuse.evaluation.choice import times_chosen
from emofuse.evaluation.metrics import BASELINE
from emofuse.evaluation.wording import (
    about_choice,
    about_statistics,
    condition_name,
    interval_name,
    over_folds,
    p_value,
    signed,
    spread,
)
from emofuse.markdown import in_markdown
from emofuse.places import CHOSEN

P_NAME = "McNemar's p (WA), corrected"
"""The test is about accuracy, so its p is said beside WA."""

SPREAD_NAME = "UA over source folds"
"""Its least and its greatest, where folds test the same utterances."""


def conditions(comparison: pd.DataFrame) -> list[str]:
    """All conditions of an experiment, ``all`` first.

    Args:
        comparison: the ``comparison`` table
    """
    return list(dict.fromkeys(comparison["condition"]))


def is_crossed(comparison: pd.DataFrame) -> bool:
    """Whether an experiment's folds are source folds, which test the same utterances.

    Args:
        comparison: the ``comparison`` table
    """
    return bool(comparison["crossed"].any())


def board(comparison: pd.DataFrame, metrics: pd.DataFrame, condition: str, ceilings: Sequence[str]) -> pd.DataFrame:
    """The methods in one condition, by their mean UA over all utterances, best first.

    The order is the same in every condition. Ceilings stand last, for they are no results.

    Args:
        comparison: the ``comparison`` table of all methods
        metrics: the ``metrics`` table of all methods
        condition: whose rows
        ceilings: the methods that see the test labels

    Returns:
        a row per method with the columns ``method``; ``ceiling``, whether it is one;
        ``UA``, ``WA``, ``F1`` and ``selected``, means over folds between 0 and 1;
        ``least`` and ``most``, UA of the folds with the lowest and the highest;
        ``speech_UA`` and ``speech_WA``, the same of the voice alone;
        ``difference``, ``low`` and ``high``, of UA to the voice alone;
        and ``p`` of McNemar's test, which is about WA, corrected over methods.
        The voice alone has no difference to itself: these four are NaN; a ceiling has no p
    """
    values = comparison[comparison["condition"] == condition].pivot(index="method", columns="metric")
    of_condition = metrics[metrics["condition"] == condition]
    by_method = {metric: rows.groupby("method")["value"] for metric, rows in of_condition.groupby("metric")}
    table = pd.DataFrame(
        {
            "ceiling": values.index.isin(list(ceilings)),
            **{metric: values["mean", metric] for metric in ("UA", "WA", "F1")},
            "selected": by_method["selected"].mean(),
            "least": by_method["UA"].min(),
            "most": by_method["UA"].max(),
            **{f"speech_{metric}": values["speech", metric] for metric in ("UA", "WA")},
            **{name: values[name, "UA"] for name in ("difference", "low", "high")},
            "p": values["p_holm", "WA"],
        },
        index=values.index,
    )
    table.loc[table.index == BASELINE, ["difference", "low", "high", "p"]] = float("nan")
    overall = comparison[(comparison["condition"] == ALL) & (comparison["metric"] == "UA")]
    ranked = overall.assign(ceiling=overall["method"].isin(list(ceilings))).sort_values(
        ["ceiling", "mean", "method"], ascending=[True, False, True]
    )
    return table.loc[ranked["method"]].reset_index()


def leaderboard(
    comparison: pd.DataFrame,
    metrics: pd.DataFrame,
    choices: pd.DataFrame,
    ceilings: Sequence[str],
    confidence: float,
    title: str,
) -> str:
    """The leaderboard as Markdown: a picture, which lies in ``figures`` beside it, and a table per condition.

    Args:
        comparison: the ``comparison`` table of all methods
        metrics: the ``metrics`` table of all methods
        choices: the ``choices`` table
        ceilings: the methods that see the test labels
        confidence: of the intervals, between 0 and 1
        title: what stands above
    """
    crossed = is_crossed(comparison)
    interval = interval_name(confidence)
    lines = [f"# {in_markdown(title)}", ""]
    lines += [over_folds([in_markdown(fold) for fold in sorted(metrics["fold"].unique())], crossed)]
    lines += [about_statistics(confidence, crossed)]
    times = {in_markdown(method): number for method, number in times_chosen(choices).items()}
    lines += [about_choice(CHOSEN, times), ""]
    lines += ["![UA against the share of utterances whose words are needed](figures/pareto.png)", ""]
    for condition in conditions(comparison):
        cells = [
            _cells(row, interval, crossed) for row in board(comparison, metrics, condition, ceilings).to_dict("records")
        ]
        lines += [f"## {in_markdown(condition_name(condition))}", ""]
        lines += [_line(cells[0].keys()), "|---|" + "---:|" * (len(cells[0]) - 1)]
        lines += [_line(of_method.values()) for of_method in cells]
        lines.append("")
    return "\n".join(lines)


def _cells(row: Mapping[str, Any], interval: str, crossed: bool) -> dict[str, str]:
    """What is said of a row of the board, by column; what is missing is left empty."""

    def said(text: str, name: str) -> str:
        return "" if pd.isna(row[name]) else text

    return {
        "method": in_markdown(row["method"]) + (" (ceiling: sees the labels)" if row["ceiling"] else ""),
        "UA": f"{row['UA']:.4f}",
        **({SPREAD_NAME: spread(row["least"], row["most"])} if crossed else {}),
        "UA − speech": said(signed(row["difference"], 4), "difference"),
        interval: said(f"{signed(row['low'], 4)} … {signed(row['high'], 4)}", "low"),
        "WA": f"{row['WA']:.4f}",
        P_NAME: said(p_value(row["p"]), "p"),
        "F1": f"{row['F1']:.4f}",
        "selected": f"{row['selected']:.1%}",
    }


def _line(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"
