"""One method over all folds: fit, predict, and say what was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from emofuse import parts
from emofuse.fusion.base import FusionMethod, normalised
from emofuse.fusion.uncertainty import entropy, varentropy
from emofuse.provenance import seed
from emofuse.tables import EMOTIONS, PROBABILITY, SPEECH, InputError, Problem


def run(
    scores: pd.DataFrame, method: dict[str, Any], path: str, seed_names: Sequence[str | int], name: str
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Fit a method on some splits of each fold and predict the fold's test utterances.

    Args:
        scores: the `scores` table, with the text expert's columns where the method reads them
        method: the completed config entry: `estimator`, `fit_on`, `parameters`
        path: of the estimator's class, as :func:`emofuse.parts.load` takes it
        seed_names: what seeds are derived from, with the method and the fold
        name: the method's name

    Returns:
        the `predictions` table, the parameters as JSON holds them, and the `trials` table

    Raises:
        InputError: if a fold has no utterances to fit on or to test
    """
    problems = list(absent(scores, method["fit_on"], f"method {name}"))
    if problems:
        raise InputError(problems)

    predictions, trials = [], []
    learned: dict[str, Any] = {}
    for fold, part in scores.groupby("fold", sort=True):
        rows = part[part["split"].isin(method["fit_on"])]
        estimator = fit(rows, method, path, [*seed_names, name, str(fold)])
        predictions.append(predict(estimator, part[part["split"] == "test"]))
        learned[str(fold)] = estimator.parameters_
        tried = estimator.trials_
        trials.append(tried.assign(fold=str(fold), trial=np.arange(len(tried))))
    parameters = {"method": name, **method, "folds": learned}
    return pd.concat(predictions, ignore_index=True), parameters, pd.concat(trials, ignore_index=True)


def fit(rows: pd.DataFrame, method: Mapping[str, Any], path: str, seed_names: Sequence[str | int]) -> FusionMethod:
    """A method fitted on rows of the ``scores`` table.

    Args:
        rows: labelled
        method: the completed config entry, of which `parameters` counts
        path: of the estimator's class, as :func:`emofuse.parts.load` takes it
        seed_names: what its seed is derived from, where it draws random numbers
    """
    estimator = parts.load(path)(**method["parameters"])
    if parts.GIVEN in estimator.get_params():
        estimator.set_params(**{parts.GIVEN: seed(*seed_names)})
    return estimator.fit(rows[estimator.columns], rows["emotion"])


def absent(scores: pd.DataFrame, fit_on: Sequence[str], who: str) -> Iterator[Problem]:
    """The folds that lack utterances to fit on or to test, where somebody needs them."""
    for fold, part in scores.groupby("fold", sort=True):
        for splits in (fit_on, ["test"]):
            if not part["split"].isin(splits).any():
                yield f"fold {fold}: has no utterance in {', '.join(splits)}; {who} needs some"


def predict(estimator: FusionMethod, test: pd.DataFrame) -> pd.DataFrame:
    """The ``predictions`` table of a fitted method, a row per test utterance."""
    X, voice = test[estimator.columns], test[SPEECH].to_numpy()
    return test[["fold", "utterance", "speaker", "condition", "emotion"]].assign(
        speech=np.array(EMOTIONS)[normalised(voice).argmax(axis=1)],
        predicted=estimator.predict(X),
        **dict(zip(PROBABILITY, estimator.predict_proba(X).T, strict=True)),
        entropy=entropy(voice),
        varentropy=varentropy(voice),
        selected=estimator.selected(X),
    )
