"""The leaderboard: every method of an experiment, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from emofuse.evaluation.metrics import ALL
from emofuse.evaluation.wording import condition_name, interval_name, over_folds, p_value, signed

BASELINE = "speech"
"""The method that all others are compared with: the voice alone."""

P_NAME = "McNemar's p (WA)"
"""The test is about accuracy, so its p is said beside WA."""


def conditions(comparison: pd.DataFrame) -> list[str]:
    """All conditions of an experiment, ``all`` first.

    Args:
        comparison: the ``comparison`` table
    """
    return list(dict.fromkeys(comparison["condition"]))


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
        ``speech_UA`` and ``speech_WA``, the same of the voice alone;
        ``difference``, ``low`` and ``high``, of UA to the voice alone;
        and ``p`` of McNemar's test, which is about WA.
        The voice alone has no difference to itself: these four are NaN
    """
    values = comparison[comparison["condition"] == condition].pivot(index="method", columns="metric")
    selected = metrics[(metrics["condition"] == condition) & (metrics["metric"] == "selected")]
    table = pd.DataFrame(
        {
            "ceiling": values.index.isin(list(ceilings)),
            **{metric: values["mean", metric] for metric in ("UA", "WA", "F1")},
            "selected": selected.groupby("method")["value"].mean(),
            **{f"speech_{metric}": values["speech", metric] for metric in ("UA", "WA")},
            **{name: values[name, "UA"] for name in ("difference", "low", "high")},
            "p": values["p", "WA"],
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
    comparison: pd.DataFrame, metrics: pd.DataFrame, ceilings: Sequence[str], confidence: float, title: str
) -> str:
    """The leaderboard as Markdown, a table per condition.

    Args:
        comparison: the ``comparison`` table of all methods
        metrics: the ``metrics`` table of all methods
        ceilings: the methods that see the test labels
        confidence: of the intervals, between 0 and 1
        title: what stands above
    """
    lines = [f"# {title}", "", over_folds(sorted(metrics["fold"].unique())), ""]
    for condition in conditions(comparison):
        lines += [f"## {condition_name(condition)}", ""]
        lines += [f"| method | UA | UA − speech | {interval_name(confidence)} | WA | {P_NAME} | F1 | selected |"]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|"]
        lines += [_line(row) for row in board(comparison, metrics, condition, ceilings).to_dict("records")]
        lines.append("")
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    """A row of the board in Markdown; what is missing is left empty."""

    def said(text: str, name: str) -> str:
        return "" if pd.isna(row[name]) else text

    return " | ".join(
        [
            f"| {row['method']}" + (" (ceiling: sees the labels)" if row["ceiling"] else ""),
            f"{row['UA']:.4f}",
            said(signed(row["difference"], 4), "difference"),
            said(f"{signed(row['low'], 4)} … {signed(row['high'], 4)}", "low"),
            f"{row['WA']:.4f}",
            said(p_value(row["p"]), "p"),
            f"{row['F1']:.4f}",
            f"{row['selected']:.1%} |",
        ]
    )
