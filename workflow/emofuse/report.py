"""The report of a study: one HTML file that holds its tables and pictures and needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from emofuse import contracts, tables
from emofuse.evaluation.leaderboard import BASELINE, P_NAME, board, conditions
from emofuse.evaluation.metrics import ALL
from emofuse.evaluation.wording import condition_name, counted, interval_name, p_value, signed
from emofuse.figures import OF_ADAPTATION, OF_EXPERIMENT, OF_METHOD

SMALLEST_GAP = 1e-9
"""A search that stays below the exact optimum by less is at the optimum."""


@dataclass(frozen=True)
class Chapter:
    """What the report tells of an experiment, and the files that it is read from.

    Args:
        name: the experiment's
        facts: what the report says about it first, as in ``{"trained on": "iemocap"}``
        metrics: its ``metrics`` table
        comparison: its ``comparison`` table
        parameters: of each method its ``parameters.json``
        figures: its pictures, by the names of :data:`emofuse.figures.OF_EXPERIMENT`
        method_figures: of each method but the voice alone its pictures,
            by the names of :data:`emofuse.figures.OF_METHOD`
        ceilings: the methods that see the test labels
        wer: the ``wer`` table of the corpus that it tests, where there is one
        adaptation: what adaptations gain, where there are some: the ``adaptation`` table as ``table``, its picture as
            ``figure``, and as ``parameters`` what each adaptation has learned
    """

    name: str
    facts: Mapping[str, str]
    metrics: Path
    comparison: Path
    parameters: Mapping[str, Path]
    figures: Mapping[str, Path]
    method_figures: Mapping[str, Mapping[str, Path]]
    ceilings: Sequence[str] = ()
    wer: Path | None = None
    adaptation: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, name: str, recipe: Mapping[str, Any]) -> Self:
        """The chapter of an experiment, from what its rule says of it.

        Args:
            name: the experiment's
            recipe: ``facts``, ``ceilings``, the paths ``metrics``, ``comparison`` and ``wer`` (or None), ``figures``
                with a path per picture, ``methods`` with ``parameters`` and ``figures`` per method,
                and the paths of ``adaptation`` (or None)
        """
        return cls(
            name=name,
            facts=recipe["facts"],
            metrics=Path(recipe["metrics"]),
            comparison=Path(recipe["comparison"]),
            parameters={method: Path(files["parameters"]) for method, files in recipe["methods"].items()},
            figures=_paths(recipe["figures"]),
            method_figures={method: _paths(files["figures"]) for method, files in recipe["methods"].items()},
            ceilings=recipe["ceilings"],
            wer=Path(recipe["wer"]) if recipe["wer"] else None,
            adaptation=recipe["adaptation"],
        )


def _paths(texts: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(text) for name, text in texts.items()}


def report(
    study: str,
    chapters: Sequence[Chapter],
    config: Mapping[str, Any],
    template: Path,
    *,
    confidence: float,
    notes: Sequence[str],
) -> str:
    """The report of a study as one HTML page.

    Args:
        study: its name
        chapters: its experiments
        config: the study's configuration
        template: the page's Jinja template; ``captions/<figure>.rst`` beside it hold the captions
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
    environment.filters |= {
        "signed": signed,
        "p_value": p_value,
        "missing": pd.isna,
        "condition_name": condition_name,
    }
    environment.globals |= {
        "interval": interval_name(confidence),
        "p_name": P_NAME,
        "baseline": BASELINE,
        "overall": ALL,
    }
    return environment.get_template(template.name).render(
        study=study,
        chapters=[_chapter(chapter, environment) for chapter in chapters],
        ceilings=list(dict.fromkeys(name for chapter in chapters for name in chapter.ceilings)),
        notes=notes,
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
    )


def _chapter(chapter: Chapter, environment: Environment) -> dict[str, Any]:
    """An experiment as the template shows it."""
    metrics = tables.read(contracts.METRICS, chapter.metrics)
    comparison = tables.read(contracts.COMPARISON, chapter.comparison)
    boards = {name: board(comparison, metrics, name, chapter.ceilings) for name in conditions(comparison)}
    parameters = {name: tables.read_json(chapter.parameters[name]) for name in boards[ALL]["method"]}
    facts = dict(chapter.facts)
    if chapter.wer is not None:
        facts["word error rate"] = word_errors(tables.read(contracts.WER, chapter.wer))
    folds = sorted(metrics["fold"].unique())
    shown = {"folds": len(folds), "conditions": len(boards)}
    return {
        "name": chapter.name,
        "facts": facts,
        "folds": folds,
        "results": [name for name in parameters if name != BASELINE and name not in chapter.ceilings],
        "boards": {name: rows.to_dict("records") for name, rows in boards.items()},
        "best": best(boards),
        "figures": [
            _figure(environment, chapter.figures[name], name, alt, **shown) for name, alt in OF_EXPERIMENT.items()
        ],
        "adaptation": _adaptation(chapter.adaptation, environment) if chapter.adaptation else None,
        "searches": [row for row in map(search, parameters.values()) if row],
        "methods": [
            {
                "name": method,
                "ceiling": method in chapter.ceilings,
                **{key: fitted[key] for key in ("estimator", "fit_on", "parameters")},
                "figures": [
                    _figure(
                        environment,
                        chapter.method_figures[method][name],
                        name,
                        f"{method}: {alt[0].lower()}{alt[1:]}",
                        method=method,
                        **shown,
                    )
                    for name, alt in OF_METHOD.items()
                ],
            }
            for method, fitted in parameters.items()
            if method != BASELINE
        ],
    }


def _adaptation(paths: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """What adaptations gain, as the template shows it."""
    table = tables.read(contracts.ADAPTATION, paths["table"])
    entries = []
    for name, path in paths["parameters"].items():
        rows, said = table[table["adaptation"] == name], tables.read_json(path)
        by_condition = {condition: part.to_dict("records") for condition, part in rows.groupby("condition", sort=False)}
        shown = {key: said[key] for key in ("adaptation", "parameters", "sees", "left_out")}
        entries.append({"name": name, "verdict": gain(rows), "conditions": by_condition, **shown})
    ((figure, alt),) = OF_ADAPTATION.items()
    return {"entries": entries, "figure": _figure(environment, Path(paths["figure"]), figure, alt)}


def gain(rows: pd.DataFrame) -> str:
    """For how many methods an adaptation is certain to be better or worse than none.

    Args:
        rows: of the ``adaptation`` table, of one adaptation; of these, all utterances with most labelled speakers count
    """
    k = rows["k"].max()
    last = rows[(rows["condition"] == ALL) & (rows["k"] == k)]
    better, worse = (last["low"] > 0).sum(), (last["high"] < 0).sum()
    labels = f"with labels of {counted(int(k), 'speaker')}, " if k else ""
    return f"{labels}better for {better} and worse for {worse} of {counted(len(last), 'method')}"


def _figure(environment: Environment, path: Path, name: str, alt: str, **shown: str | int) -> dict[str, str]:
    """A picture with its caption, which may speak of what is shown."""
    return {
        "image": base64.b64encode(path.read_bytes()).decode(),
        "alt": alt,
        "caption": environment.get_template(f"captions/{name}.rst").render(shown),
    }


def best(boards: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """The rows of the method that leads over all utterances, by condition; neither a ceiling nor the voice alone.

    Args:
        boards: by condition, what :func:`emofuse.evaluation.leaderboard.board` returns

    Returns:
        a row per condition, of the same method; empty if there is no method
    """
    overall = boards[ALL]
    methods = overall.loc[~overall["ceiling"] & (overall["method"] != BASELINE), "method"]
    return {
        condition: row
        for condition, rows in boards.items()
        for row in rows[rows["method"].isin(methods[:1])].to_dict("records")
    }


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
    """How well the words of a corpus were understood, over all emotions: as a whole, and in each condition.

    Args:
        rates: the ``wer`` table of the corpus
    """
    overall = rates[rates["emotion"] == "all"].dropna(subset="WER").set_index("condition")
    if overall.empty:
        return "unknown, for the corpus has no reference transcripts"
    whole = f"{overall.at[ALL, 'WER']:.1%} of {overall.at[ALL, 'words']} words"
    conditions = overall["WER"].drop(index=ALL)
    if len(conditions) < 2:
        return whole
    return f"{whole} ({', '.join(f'{condition_name(name)} {rate:.1%}' for name, rate in conditions.items())})"
