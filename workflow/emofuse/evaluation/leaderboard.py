"""The leaderboard: the comparison of all methods as a person reads it."""

from __future__ import annotations

import pandas as pd

from emofuse.evaluation.metrics import ALL

CEILINGS = ("oracle",)
"""Estimators that see the test labels: shown as what no selection can exceed, never as a method."""


def order(comparison: pd.DataFrame) -> list[str]:
    """The methods by their mean UA over all utterances, best first."""
    overall = comparison[(comparison["condition"] == ALL) & (comparison["metric"] == "UA")]
    return overall.sort_values(["mean", "method"], ascending=[False, True])["method"].tolist()


def leaderboard(comparison: pd.DataFrame, metrics: pd.DataFrame, ceilings: list[str], title: str) -> str:
    """The leaderboard as Markdown, a table a condition, methods by UA.

    Args:
        comparison: the `comparison` table of all methods
        metrics: the `metrics` table of all methods
        ceilings: the methods that see the test labels
        title: what stands above

    Returns:
        Markdown text
    """
    folds = sorted(metrics["fold"].unique())
    lines = [f"# {title}", "", f"Means over {len(folds)} folds ({', '.join(folds)}).", ""]
    for condition in dict.fromkeys(comparison["condition"]):
        lines += [f"## {condition}", ""]
        lines += ["| method | UA | WA | F1 | UA − speech | 95 % interval | McNemar's p | selected |"]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|"]
        here = comparison[comparison["condition"] == condition].pivot(index="method", columns="metric")
        selected = metrics[(metrics["condition"] == condition) & (metrics["metric"] == "selected")]
        share = selected.groupby("method")["value"].mean()
        for method in order(comparison):
            if method not in here.index:
                continue
            row = here.loc[method]
            name = f"{method} (ceiling: sees the labels)" if method in ceilings else method
            difference = f"{row['difference', 'UA']:+.4f}"
            interval = f"{row['low', 'UA']:+.4f} … {row['high', 'UA']:+.4f}"
            p = f"{row['p', 'UA']:.2g}"
            if method == "speech":
                difference = interval = p = ""
            means = " | ".join(f"{row['mean', metric]:.4f}" for metric in ("UA", "WA", "F1"))
            lines.append(f"| {name} | {means} | {difference} | {interval} | {p} | {share[method]:.1%} |")
        lines.append("")
    return "\n".join(lines)
