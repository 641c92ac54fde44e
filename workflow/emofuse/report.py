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
from emofuse.accuracy import ALL
from emofuse.evaluation.across import boards as boards_across
from emofuse.evaluation.choice import times_chosen
from emofuse.evaluation.leaderboard import P_NAME, SPREAD_NAME, board, conditions, is_crossed
from emofuse.evaluation.metrics import BASELINE
from emofuse.evaluation.shift import sentence
from emofuse.evaluation.wording import (
    about_choice,
    about_statistics,
    condition_name,
    counted,
    drawn,
    duration_name,
    interval_name,
    p_value,
    signed,
    spread,
)
from emofuse.figures import OF_ADAPTATION, OF_CORPUS, OF_CROSS, OF_EXPERIMENT, OF_METHOD, OF_STUDY
from emofuse.places import CHOSEN
from emofuse.report_corpora import CorpusChapter, section, word_errors
from emofuse.tables import EMOTIONS

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
        choices: its ``choices`` table
        telling: its ``telling`` table
        parameters: of each method its ``parameters.json``
        figures: its pictures, by the names of :data:`emofuse.figures.OF_EXPERIMENT`
        method_figures: of each method but the voice alone its pictures,
            by the names of :data:`emofuse.figures.OF_METHOD`
        ceilings: the methods that see the test labels
        wer: the ``wer`` table of the corpus that it tests, where there is one
        shift: its ``shift`` table, where it crosses corpora
        adaptation: what adaptations gain, where there are some: the ``adaptation`` table as ``table``, its picture as
            ``figure``, and as ``parameters`` what each adaptation has learned
    """

    name: str
    facts: Mapping[str, str]
    metrics: Path
    comparison: Path
    choices: Path
    telling: Path
    parameters: Mapping[str, Path]
    figures: Mapping[str, Path]
    method_figures: Mapping[str, Mapping[str, Path]]
    ceilings: Sequence[str] = ()
    wer: Path | None = None
    shift: Path | None = None
    adaptation: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> Self:
        """The chapter of an experiment, from what its rule says of it.

        Args:
            recipe: ``name``, ``facts`` (pairs, in order), ``ceilings``, the paths ``metrics``, ``comparison``,
                ``choices``, ``telling``, ``wer`` (or None) and ``shift`` (or None), ``figures`` with a path per
                picture, ``methods`` with ``parameters`` and ``figures`` per method, and the paths of ``adaptation``
                (or None)
        """
        return cls(
            name=recipe["name"],
            facts=dict(recipe["facts"]),
            metrics=Path(recipe["metrics"]),
            comparison=Path(recipe["comparison"]),
            choices=Path(recipe["choices"]),
            telling=Path(recipe["telling"]),
            parameters={method: Path(files["parameters"]) for method, files in recipe["methods"].items()},
            figures=_paths(recipe["figures"]),
            method_figures={method: _paths(files["figures"]) for method, files in recipe["methods"].items()},
            ceilings=recipe["ceilings"],
            wer=Path(recipe["wer"]) if recipe["wer"] else None,
            shift=Path(recipe["shift"]) if recipe["shift"] else None,
            adaptation=recipe["adaptation"],
        )


def _paths(texts: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(text) for name, text in texts.items()}


def report(
    study: str,
    chapters: Sequence[Chapter],
    corpora: Sequence[CorpusChapter],
    config: Mapping[str, Any],
    template: Path,
    *,
    across: Mapping[str, Any],
    confidence: float,
    notes: Sequence[str],
) -> str:
    """The report of a study as one HTML page.

    Args:
        study: its name
        chapters: its experiments
        corpora: those that they use
        config: the study's configuration
        template: the page's Jinja template; beside it lie ``corpora.html.j2``, which it includes, and the captions,
            ``captions/<figure>.rst``
        across: what compares the experiments: the path of the ``across`` ``table``, and ``figures`` with a path per
            picture; empty where none is compared
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
        "drawn": drawn,
        "condition_name": condition_name,
        "duration": duration_name,
    }
    environment.globals |= {
        "interval": interval_name(confidence),
        "p_name": P_NAME,
        "spread": spread,
        "spread_name": SPREAD_NAME,
        "baseline": BASELINE,
        "chosen": CHOSEN,
        "overall": ALL,
        "emotions": EMOTIONS,
    }
    ceilings = list(dict.fromkeys(name for chapter in chapters for name in chapter.ceilings))
    return environment.get_template(template.name).render(
        study=study,
        across=_across(across, ceilings, environment) if across else None,
        chapters=[_chapter(chapter, environment, confidence) for chapter in chapters],
        corpora=[_corpus(chapter, environment) for chapter in corpora],
        ceilings=ceilings,
        notes=notes,
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
    )


def _across(files: Mapping[str, Any], ceilings: Sequence[str], environment: Environment) -> dict[str, Any]:
    """The comparison of experiments as the template shows it."""
    table = tables.read(contracts.ACROSS, files["table"])
    return {
        "figures": [_figure(environment, Path(files["figures"][name]), name, alt) for name, alt in OF_STUDY.items()],
        "boards": boards_across(table, ceilings),
    }


def _chapter(chapter: Chapter, environment: Environment, confidence: float) -> dict[str, Any]:
    """An experiment as the template shows it."""
    metrics = tables.read(contracts.METRICS, chapter.metrics)
    comparison = tables.read(contracts.COMPARISON, chapter.comparison)
    boards = {name: board(comparison, metrics, name, chapter.ceilings) for name in conditions(comparison)}
    choices = tables.read(contracts.CHOICES, chapter.choices)
    telling = tables.read(contracts.TELLING, chapter.telling)
    names = [name for name in boards[ALL]["method"] if name != CHOSEN]
    parameters = {name: tables.read_json(chapter.parameters[name]) for name in names}
    facts = dict(chapter.facts)
    if chapter.wer is not None:
        facts["word error rate"] = word_errors(tables.read(contracts.WER, chapter.wer))
    folds = sorted(metrics["fold"].unique())
    crossed = is_crossed(comparison)
    shown = {"folds": len(folds), "conditions": len(boards), "crossed": crossed}
    return {
        "name": chapter.name,
        "facts": facts,
        "folds": folds,
        "crossed": crossed,
        "statistics": about_statistics(confidence, crossed),
        "results": [name for name in parameters if name != BASELINE and name not in chapter.ceilings],
        "boards": {name: rows.to_dict("records") for name, rows in boards.items()},
        "best": best(boards),
        "chosen": boards[ALL].set_index("method").loc[CHOSEN].to_dict(),
        "choice": about_choice(CHOSEN, times_chosen(choices)),
        "figures": [
            _figure(environment, chapter.figures[name], name, alt, **shown) for name, alt in OF_EXPERIMENT.items()
        ],
        "shift": None
        if chapter.shift is None
        else {
            "sentence": sentence(tables.read(contracts.SHIFT, chapter.shift)),
            "figures": [
                _figure(environment, chapter.figures[name], name, alt, **shown) for name, alt in OF_CROSS.items()
            ],
        },
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
                "telling": _telling(telling[telling["method"] == method]),
            }
            for method, fitted in parameters.items()
            if method != BASELINE
        ],
    }


def _telling(rows: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The utterances that a method changed most confidently, for better and for worse, where there are some."""
    is_better = rows["predicted"] == rows["emotion"]
    sides = {"better": rows[is_better], "worse": rows[~is_better]}
    return {name: side.to_dict("records") for name, side in sides.items() if len(side)}


def _corpus(chapter: CorpusChapter, environment: Environment) -> dict[str, Any]:
    """A corpus as the template shows it."""
    said = section(chapter)
    ((name, alt),) = OF_CORPUS.items()
    figure = _figure(environment, chapter.picture, name, f"{chapter.name}: {alt[0].lower()}{alt[1:]}", **said["shown"])
    return said | {"figure": figure}


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
        "image": base64.b64encode(tables.read_whole(path)).decode(),
        "alt": alt,
        "caption": environment.get_template(f"captions/{name}.rst").render(shown),
    }


def best(boards: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """The rows of the method that leads over all utterances, by condition.

    A ceiling, the voice alone and what the validation rows choose do not lead.

    Args:
        boards: by condition, what :func:`emofuse.evaluation.leaderboard.board` returns

    Returns:
        a row per condition, of the same method; empty if there is no method
    """
    overall = boards[ALL]
    methods = overall.loc[~overall["ceiling"] & ~overall["method"].isin([BASELINE, CHOSEN]), "method"]
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
