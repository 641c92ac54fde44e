"""The report of a study: one HTML file that holds its tables and pictures and needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from emofuse import contracts, tables

FIGURES = {
    "leaderboard": "Methods by unweighted accuracy, with intervals of their difference to speech alone",
    "pareto": "Unweighted accuracy against the share of utterances selected",
    "uncertainty": "Box plots of entropy and varentropy of right and wrong predictions, by predicted emotion",
}
"""An experiment's pictures, in order, and what each is for those who cannot see it."""

METHOD_FIGURES = {
    "ua_by_fold": "Unweighted accuracy of each fold before and after",
    "changes": "Bars of changed predictions by pair of emotions: corrected, spoilt or wrong either way",
    "confusion": "Confusion matrices before and after",
    "plane": "Scatter plots of varentropy against entropy, a panel per predicted emotion",
}
"""A method's pictures, likewise."""

CONDITIONS = ("all", "improvised")
"""What the tables tell apart, where it is there."""

SMALLEST_GAP = 1e-9
"""A search that stays below the exact optimum by less has found it."""


def report(
    study: str,
    experiments: Mapping[Path, Mapping[str, str]],
    config: Mapping[str, Any],
    template: Path,
    *,
    ceilings: Sequence[str] = (),
    confidence: float = 0.95,
    notes: Sequence[str] = (),
) -> str:
    """The report of a study as one HTML page.

    Args:
        study: its name
        experiments: the folder of each experiment (its name is the experiment's; it holds ``metrics.parquet``,
            ``comparison.parquet``, ``fusion/<method>/parameters.json`` and ``figures/``), and what there is to say
            about it, as in ``{"trained on": "iemocap", "protocol": "leave one speaker out"}``
        config: the study's configuration
        template: the page's Jinja template; ``captions/<figure>.rst`` beside it hold the captions
        ceilings: the methods that see the test labels
        confidence: of the intervals, between 0 and 1
        notes: sentences that a reader of the results should know

    Returns:
        HTML; the same input gives the same text

    Raises:
        InputError: if a table or a parameters file is missing or bad
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"signed": _signed, "p_value": _p_value}

    def figure(path: Path, alt: str, experiment: str, method: str | None = None) -> dict[str, str]:
        caption = environment.get_template(f"captions/{path.stem}.rst")
        return {
            "image": base64.b64encode(path.read_bytes()).decode(),
            "alt": alt if method is None else f"{method}: {alt[0].lower()}{alt[1:]}",
            "caption": caption.render(method=method),
        }

    chapters = []
    for folder, facts in experiments.items():
        metrics = tables.read(contracts.METRICS, folder / "metrics.parquet")
        comparison = tables.read(contracts.COMPARISON, folder / "comparison.parquet")
        boards = {
            condition: leaderboard(metrics, comparison, condition, ceilings)
            for condition in CONDITIONS
            if (metrics["condition"] == condition).any()
        }
        order = [row["method"] for row in boards["all"]]
        parameters = {name: tables.read_json(folder / "fusion" / name / "parameters.json") for name in order}
        chapters.append(
            {
                "name": folder.name,
                "facts": facts,
                "folds": sorted(metrics["fold"].unique()),
                "boards": boards,
                "best": best(boards),
                "figures": [
                    figure(folder / "figures" / f"{name}.png", alt, folder.name) for name, alt in FIGURES.items()
                ],
                "searches": [search(value) for value in parameters.values() if search(value)],
                "methods": [
                    {
                        "name": name,
                        "ceiling": name in ceilings,
                        "estimator": parameters[name]["estimator"],
                        "fit_on": parameters[name]["fit_on"],
                        "parameters": parameters[name]["parameters"],
                        "figures": [
                            figure(folder / "figures" / name / f"{stem}.png", alt, folder.name, name)
                            for stem, alt in METHOD_FIGURES.items()
                        ],
                    }
                    for name in order
                    if name != "speech"
                ],
            }
        )
    return environment.get_template(template.name).render(
        study=study,
        chapters=chapters,
        ceilings=ceilings,
        interval=f"{confidence:.0%} interval",
        notes=notes,
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
    )


def leaderboard(
    metrics: pd.DataFrame, comparison: pd.DataFrame, condition: str, ceilings: Sequence[str]
) -> list[dict[str, Any]]:
    """Methods of one condition by mean UA, best first; ceilings last, for they are no results.

    Args:
        metrics: the metrics table
        comparison: the comparison table
        condition: which rows
        ceilings: the methods that see the test labels

    Returns:
        a row per method: method, ceiling, UA, WA, F1, selected (means over folds),
        difference, low, high, p (of UA against speech; NaN for speech itself)
    """
    rows = metrics[metrics["condition"] == condition]
    means = rows.pivot_table(index="method", columns="metric", values="value", aggfunc="mean")
    against = comparison[(comparison["condition"] == condition) & (comparison["metric"] == "UA")]
    board = means[["UA", "WA", "F1", "selected"]].join(
        against.set_index("method").drop("speech", errors="ignore")[["difference", "low", "high", "p"]]
    )
    board["ceiling"] = board.index.isin(ceilings)
    board = board.reset_index().sort_values(["ceiling", "UA", "method"], ascending=[True, False, True])
    return board.to_dict("records")


def best(boards: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    """The rows of the method that leads over all utterances, by condition; neither a ceiling nor speech alone.

    Args:
        boards: by condition, what :func:`leaderboard` returns

    Returns:
        a row per condition, of the same method; empty if there is no method
    """
    names = [row["method"] for row in boards["all"] if not row["ceiling"] and row["method"] != "speech"]
    return {name: row for name, board in boards.items() for row in board if row["method"] == names[0]} if names else {}


def search(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """How far a method's search stayed from the exact optimum, over folds.

    Args:
        parameters: the method's ``parameters.json``; the folds' ``value`` and ``exact`` are on the rows fitted on

    Returns:
        method, objective, value and exact (means over folds), largest gap, folds at the optimum, folds;
        None for a method that does not search against an exact optimum
    """
    folds = [fold for fold in parameters["folds"].values() if fold.get("exact") is not None]
    if not folds:
        return None
    value, exact = (np.array([fold[key] for fold in folds], dtype=float) for key in ("value", "exact"))
    return {
        "method": parameters["method"],
        "objective": folds[0]["objective"],
        "value": value.mean(),
        "exact": exact.mean(),
        "gap": (exact - value).max(),
        "reached": int((exact - value < SMALLEST_GAP).sum()),
        "folds": len(folds),
    }


def word_errors(rates: pd.DataFrame) -> str:
    """A sentence on how well the words of a corpus were understood.

    Args:
        rates: the ``wer`` table of a corpus
    """
    overall = rates[rates["emotion"] == "all"].set_index("condition")
    if overall.empty:
        return "The corpus has no reference transcripts to count word errors against."
    parts = [f"{row.WER:.1%} of {row.words} words" for row in overall.loc[["all"]].itertuples()]
    others = overall.drop(index="all")
    if len(others) > 1:
        parts += [f"{condition.replace('_', ' ')} {row.WER:.1%}" for condition, row in others.iterrows()]
    return f"Word error rate of the transcripts of {overall['corpus'].iloc[0]}: {', '.join(parts)}."


def _signed(value: float) -> str:
    """A difference with its sign.

    >>> _signed(-0.0123), _signed(-0.0001)
    ('−0.012', '+0.000')
    """
    return f"{round(value, 3) + 0:+.3f}".replace("-", "−")


def _p_value(value: float) -> str:
    """A p value as papers print it.

    >>> _p_value(0.00002), _p_value(0.0312)
    ('< 0.001', '0.031')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
