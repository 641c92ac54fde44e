"""One adaptation over all methods, source folds and draws of target speakers: adapt, predict, say what was learned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    scores: Iterable[pd.DataFrame],
    adaptation: Mapping[str, Any],
    path: str,
    methods: Sequence[Method],
    seed_names: Sequence[str | int],
    write: Callable[[pd.DataFrame], None],
    *,
    class_weights: bool,
) -> dict[str, Any]:
    """Adapt methods to the target and predict its utterances.

    What an adaptation may not see it is not given: the target's rows come without their emotions,
    but for those of the speakers that it has drawn, which in turn it does not predict.

    Args:
        scores: the rows of each fold, as :class:`emofuse.scores.Scores` gives them, of scores that are made as
            :meth:`Adaptation.scaling` asks; gone through twice
        adaptation: the completed config entry: `adaptation`, `parameters`
        path: of the adaptation's class, as :func:`emofuse.parts.load` takes it
        methods: those that it is applied to
        seed_names: what seeds are derived from, as for the methods without adaptation
        write: is handed each fold of the ``adapted`` table, one after another
        class_weights: whether all emotions weighed the same when the speech classifier was trained

    Returns:
        the parameters as JSON holds them: what was learned, by method, fold and draw

    Raises:
        InputError: if a fold has no utterances to train on, to fit on or to test,
            or the target too few speakers for any draw
    """
    problems: Problems = []
    tested: set[str] = set()
    for part in scores:
        for method in methods:
            problems += folds.absent(part, method.entry["fit_on"], f"method {method.name}")
        problems += folds.absent(part, ["train"], "the adaptation")
        tested |= set(part.loc[part["split"] == "test", "speaker"])
    if problems:
        raise InputError(problems)
    adapts: Adaptation = parts.load(path)(**adaptation["parameters"])
    speakers = sorted(tested)
    notes: Problems = list(adapts.problems(len(speakers), **adaptation["parameters"]))
    draws = list(adapts.draw_speakers(speakers, seed_names))
    if not draws:
        raise InputError(notes)
    for note in notes:
        log.warning("left out: %s", note)

    learned: dict[str, dict[str, list[dict[str, Any]]]] = {method.name: {} for method in methods}
    for part in scores:
        fold, predictions = str(part["fold"].iloc[0]), []
        test = part["split"] == "test"
        prior = _prior(part[part["split"] == "train"], class_weights)
        for method in methods:
            of_fold = learned[method.name][fold] = []
            names = [*seed_names, method.name, fold]
            for draw, task in _tasks(part[~test], part[test], prior, draws, method, names):
                adapted = adapts.adapt(task)
                rows = adapted.target.assign(emotion=part["emotion"])
                predicted = folds.predict(adapted.method, rows, folds.around(part))
                predictions.append(predicted.assign(method=method.name, k=draw.k, draw=draw.draw))
                said = {"k": draw.k, "draw": draw.draw, "speakers": list(draw.speakers)}
                of_fold.append(said | {"learned": adapted.learned})
        write(pd.concat(predictions, ignore_index=True))
    return {**adaptation, "sees": adapts.sees, "left_out": notes, "methods": learned}


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
    dialogs = folds.around(pd.concat([source, test]))

    def fit(rows: pd.DataFrame) -> Any:
        return folds.fit(rows, method.entry, method.path, seed_names, dialogs)

    fitted_on = source[source["split"].isin(method.entry["fit_on"])]
    fitted = fit(fitted_on)
    for draw in draws:
        is_labelled = test["speaker"].isin(draw.speakers)
        target = test[~is_labelled].drop(columns="emotion")
        yield draw, Task(fitted, fit, fitted_on, prior, test[is_labelled], target)
