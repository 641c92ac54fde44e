"""One adaptation over all methods, source folds and draws of target speakers: adapt, predict, say what was learned."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from emofuse import accuracy, parts
from emofuse.accuracy import Floats
from emofuse.fusion import folds
from emofuse.fusion.adaptation.base import Adaptation, Draw, Task
from emofuse.fusion.base import shares
from emofuse.tables import InputError, Problems

log = logging.getLogger(__name__)


class Method(NamedTuple):
    """A method of the study.

    Args:
        name: its own
        entry: the completed config entry: `estimator`, `fit_on`, `parameters`
        path: of the estimator's class, as :func:`emofuse.parts.load` takes it
    """

    name: str
    entry: Mapping[str, Any]
    path: str


def run(
    scores: pd.DataFrame,
    adaptation: Mapping[str, Any],
    path: str,
    methods: Sequence[Method],
    seed_names: Sequence[str | int],
    *,
    class_weights: bool,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Adapt methods to the target and predict its utterances.

    What an adaptation may not see it is not given: the target's rows come without their emotions,
    but for those of the speakers that it has drawn, which in turn it does not predict.

    Args:
        scores: the ``scores`` table, made as :meth:`Adaptation.scaling` asks,
            with the text expert's columns where a method reads them
        adaptation: the completed config entry: `adaptation`, `parameters`
        path: of the adaptation's class, as :func:`emofuse.parts.load` takes it
        methods: those that it is applied to
        seed_names: what seeds are derived from, as for the methods without adaptation
        class_weights: whether all emotions weighed the same when the speech classifier was trained

    Returns:
        the ``adapted`` table, and the parameters as JSON holds them: what was learned, by method, fold and draw

    Raises:
        InputError: if a fold has no utterances to train on, to fit on or to test,
            or the target too few speakers for any draw
    """
    problems: Problems = [
        problem
        for method in methods
        for problem in folds.absent(scores, method.entry["fit_on"], f"method {method.name}")
    ]
    problems += folds.absent(scores, ["train"], "the adaptation")
    if problems:
        raise InputError(problems)
    adapts: Adaptation = parts.load(path)(**adaptation["parameters"])
    speakers = sorted(scores.loc[scores["split"] == "test", "speaker"].unique())
    notes: Problems = list(adapts.problems(len(speakers), **adaptation["parameters"]))
    draws = list(adapts.draw_speakers(speakers, seed_names))
    if not draws:
        raise InputError(notes)
    for note in notes:
        log.warning("left out: %s", note)

    predictions = []
    learned: dict[str, dict[str, list[dict[str, Any]]]] = {method.name: {} for method in methods}
    for fold, part in scores.groupby("fold", sort=True):
        test = part["split"] == "test"
        prior = _prior(part[part["split"] == "train"], class_weights)
        for method in methods:
            of_fold = learned[method.name][str(fold)] = []
            names = [*seed_names, method.name, str(fold)]
            for draw, task in _tasks(part[~test], part[test], prior, draws, method, names):
                adapted = adapts.adapt(task)
                rows = adapted.target.assign(emotion=part["emotion"])
                predicted = folds.predict(adapted.method, rows)
                predictions.append(predicted.assign(method=method.name, k=draw.k, draw=draw.draw))
                said = {"k": draw.k, "draw": draw.draw, "speakers": list(draw.speakers)}
                of_fold.append(said | {"learned": adapted.learned})
    parameters = {**adaptation, "sees": adapts.sees, "left_out": notes, "methods": learned}
    return pd.concat(predictions, ignore_index=True), parameters


def _prior(train: pd.DataFrame, class_weights: bool) -> Floats:
    """The shares of the emotions that the speech classifier met in training; with class weights all are alike."""
    prior = shares(accuracy.indices(train["emotion"]))
    return (prior > 0) / (prior > 0).sum() if class_weights else prior


def _tasks(
    source: pd.DataFrame,
    test: pd.DataFrame,
    prior: Floats,
    draws: Sequence[Draw],
    method: Method,
    seed_names: Sequence[str | int],
) -> Iterator[tuple[Draw, Task]]:
    """A method of one fold with each draw of target speakers; it is fitted on the source once."""

    def fit(rows: pd.DataFrame) -> Any:
        return folds.fit(rows, method.entry, method.path, seed_names)

    fitted_on = source[source["split"].isin(method.entry["fit_on"])]
    fitted = fit(fitted_on)
    for draw in draws:
        is_labelled = test["speaker"].isin(draw.speakers)
        target = test[~is_labelled].drop(columns="emotion")
        yield draw, Task(fitted, fit, fitted_on, prior, test[is_labelled], target)
