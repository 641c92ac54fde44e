"""One method over all folds: fit, predict, say what was learned, and how it does within the validation rows."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

from emofuse import accuracy, contracts, parts
from emofuse.accuracy import Indices
from emofuse.fusion.base import FusionMethod, normalised
from emofuse.fusion.uncertainty import entropy, varentropy
from emofuse.provenance import seed
from emofuse.tables import EMOTIONS, PROBABILITY, SPEECH, InputError, Problem

log = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a method comes to over all folds.

    Attributes:
        predictions: the `predictions` table
        parameters: what was learned, as JSON holds it
        trials: the `trials` table
        inner: the `inner` table, without rows for a ceiling
        front: the `front` table, without rows for a method that has no front
    """

    predictions: pd.DataFrame
    parameters: dict[str, Any]
    trials: pd.DataFrame
    inner: pd.DataFrame
    front: pd.DataFrame


def run(
    scores: pd.DataFrame,
    method: dict[str, Any],
    path: str,
    seed_names: Sequence[str | int],
    name: str,
    number_of_parts: int,
) -> Result:
    """Fit a method on some splits of each fold and predict the fold's test utterances.

    How good it is without a look at the test, the validation rows tell: they are divided into parts, and each part is
    predicted by the method fitted without it and its dialogs.

    Args:
        scores: the `scores` table, with the text expert's columns where the method reads them
        method: the completed config entry: `estimator`, `fit_on`, `parameters`
        path: of the estimator's class, as :func:`emofuse.parts.load` takes it
        seed_names: what seeds are derived from, with the method and the fold
        name: the method's name
        number_of_parts: of the validation rows, 2 or more

    Raises:
        InputError: if a fold has no utterances to fit on or to test, and as :func:`divide` does
    """
    problems = list(absent(scores, method["fit_on"], f"method {name}"))
    if problems:
        raise InputError(problems)

    predictions, trials, inner, front = [], [], [], []
    conditions = [condition for condition, _ in accuracy.by_condition(scores[scores["split"] == "test"])]
    learned: dict[str, Any] = {}
    for fold, part, estimator in fitted(scores, method, path, seed_names, name):
        rows, test = part[part["split"].isin(method["fit_on"])], part[part["split"] == "test"]
        dialogs = around(part)
        predictions.append(predict(estimator, test, dialogs))
        learned[fold] = estimator.parameters_
        tried = estimator.trials_
        trials.append(tried.assign(fold=fold, trial=np.arange(len(tried))))
        if estimator.has_front(**estimator.get_params()):
            front.append(_along_front(estimator, test, dialogs, conditions))
        if not estimator.sees_test_labels:
            validation = part[part["split"] == "validation"]
            # No name of a method in the seed: the parts are the same for all.
            number = divide(validation, number_of_parts, seed(*seed_names, "parts", fold))
            inner.append(_predict_parts(estimator, rows, validation.assign(part=number), dialogs))
    return Result(
        pd.concat(predictions, ignore_index=True),
        {"method": name, **method, "folds": learned},
        pd.concat(trials, ignore_index=True),
        pd.concat(inner or [pd.DataFrame(columns=list(contracts.INNER.columns))], ignore_index=True),
        pd.concat(front or [pd.DataFrame(columns=list(contracts.FRONT.columns))], ignore_index=True).assign(
            method=name
        ),
    )


def fitted(
    scores: pd.DataFrame, method: Mapping[str, Any], path: str, seed_names: Sequence[str | int], name: str
) -> Iterator[tuple[str, pd.DataFrame, FusionMethod]]:
    """A method fitted in each fold; arguments as in :func:`run`.

    Yields:
        the fold, its rows of the `scores` table, and the method fitted on those of its ``fit_on``
    """
    for fold, part in scores.groupby("fold", sort=True):
        rows = part[part["split"].isin(method["fit_on"])]
        yield str(fold), part, fit(rows, method, path, [*seed_names, name, str(fold)], around(part))


def around(part: pd.DataFrame) -> pd.DataFrame:
    """What methods that read dialogs are told of a fold: all of its rows, but of labels those of training alone.

    Args:
        part: rows of a `scores` table, of one fold
    """
    return part.assign(emotion=part["emotion"].where(part["split"] == "train"))


def divide(validation: pd.DataFrame, number_of_parts: int, random_state: int) -> Indices:
    """Divide labelled utterances into parts that are alike in their emotions and leave dialogs whole.

    Utterances of no dialog stand alone; so do all, where they are of one dialog.

    Args:
        validation: rows of a `scores` table, of one fold
        number_of_parts: 2 or more; of fewer dialogs, or fewer utterances of each emotion, fewer are made
        random_state: decides between equally good divisions

    Returns:
        (utterances,) the number of each one's part, from 0

    Raises:
        InputError: if there are not two utterances of an emotion
    """
    fold = validation["fold"].iloc[0]
    groups = validation["dialog"].fillna(validation["utterance"])
    if groups.nunique() == 1:
        log.warning("fold %s: all validation utterances are of one dialog, which is divided to choose a method", fold)
        groups = validation["utterance"]
    count = min(number_of_parts, groups.nunique(), validation["emotion"].value_counts().max())
    if count < 2:
        problem: Problem = f"fold {fold}: validation has {len(validation)} utterances; should have two of an emotion"
        raise InputError([f"{problem} at least, to choose a method"])
    division = StratifiedGroupKFold(count, shuffle=True, random_state=random_state)
    number = np.zeros(len(validation), dtype=np.intp)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # a rare emotion is not in every part
        for part, (_, held_out) in enumerate(division.split(validation, validation["emotion"], groups)):
            number[held_out] = part
    return number


def _along_front(
    estimator: FusionMethod, test: pd.DataFrame, dialogs: pd.DataFrame, conditions: Sequence[str]
) -> pd.DataFrame:
    """Rows of the `front` table: what each point of a method's front comes to on the test rows of one fold.

    Args:
        estimator: fitted
        test: rows of the `scores` table
        dialogs: as :func:`around` gives them
        conditions: of the test rows of all folds; this fold may lack some
    """
    emotion = accuracy.indices(test["emotion"])
    among = {name: (test["condition"] == name).to_numpy() | (name == accuracy.ALL) for name in conditions}
    points = [
        (condition, number, accuracy.unweighted_accuracy(emotion[rows], decided[rows]), selected[rows].mean())
        for number, (decided, selected) in enumerate(estimator.along_front(test[estimator.columns], dialogs))
        for condition, rows in among.items()
        if rows.any()
    ]
    table = pd.DataFrame(points, columns=["condition", "point", "UA", "selected"])
    return table.assign(fold=test["fold"].iloc[0])


def _again(estimator: FusionMethod, number_of_parts: int) -> FusionMethod:
    """The same method, unfitted; a search has as many trials in all parts together as in the fit itself."""
    again = clone(estimator)
    if "trials" in again.get_params():
        again.set_params(trials=-(-again.get_params()["trials"] // number_of_parts))
    return again


def _predict_parts(
    estimator: FusionMethod, fitted_on: pd.DataFrame, validation: pd.DataFrame, dialogs: pd.DataFrame
) -> pd.DataFrame:
    """The `inner` table of a fold: each part of the validation rows, predicted without it.

    Args:
        estimator: fitted
        fitted_on: the rows that it is fitted on
        validation: with the number of each row's ``part``
        dialogs: as :func:`around` gives them
    """
    predicted = []
    for part, held_out in validation.groupby("part"):
        whole = set(held_out["dialog"].dropna()) - set(validation.loc[validation["part"] != part, "dialog"])
        is_out = fitted_on["utterance"].isin(held_out["utterance"]) | fitted_on["dialog"].isin(whole)
        if is_out.any():
            rows = fitted_on[~is_out]
            fitted = _again(estimator, validation["part"].nunique())
            fitted.fit(rows[estimator.columns], rows["emotion"], dialogs)
        else:
            fitted = estimator
        X = held_out[estimator.columns]
        columns = held_out[["fold", "part", "utterance", "emotion"]]
        predicted.append(columns.assign(predicted=fitted.predict(X, dialogs), selected=fitted.selected(X, dialogs)))
    return pd.concat(predicted, ignore_index=True)


def fit(
    rows: pd.DataFrame, method: Mapping[str, Any], path: str, seed_names: Sequence[str | int], dialogs: pd.DataFrame
) -> FusionMethod:
    """A method fitted on rows of the ``scores`` table.

    Args:
        rows: labelled
        method: the completed config entry, of which `parameters` counts
        path: of the estimator's class, as :func:`emofuse.parts.load` takes it
        seed_names: what its seed is derived from, where it draws random numbers
        dialogs: of the fold, as :func:`around` gives them
    """
    estimator = parts.load(path)(**method["parameters"])
    if parts.GIVEN in estimator.get_params():
        estimator.set_params(**{parts.GIVEN: seed(*seed_names)})
    return estimator.fit(rows[estimator.columns], rows["emotion"], dialogs)


def absent(scores: pd.DataFrame, fit_on: Sequence[str], who: str) -> Iterator[Problem]:
    """The folds that lack utterances to fit on or to test, where somebody needs them."""
    for fold, part in scores.groupby("fold", sort=True):
        for splits in (fit_on, ["test"]):
            if not part["split"].isin(splits).any():
                yield f"fold {fold}: has no utterance in {', '.join(splits)}; {who} needs some"


def predict(estimator: FusionMethod, test: pd.DataFrame, dialogs: pd.DataFrame) -> pd.DataFrame:
    """The ``predictions`` table of a fitted method, a row per test utterance.

    Args:
        estimator: fitted
        test: rows of the ``scores`` table
        dialogs: of the fold, as :func:`around` gives them
    """
    X, voice = test[estimator.columns], test[SPEECH].to_numpy()
    return test[["fold", "utterance", "speaker", "condition", "emotion"]].assign(
        speech=np.array(EMOTIONS)[normalised(voice).argmax(axis=1)],
        predicted=estimator.predict(X, dialogs),
        **dict(zip(PROBABILITY, estimator.predict_proba(X, dialogs).T, strict=True)),
        entropy=entropy(voice),
        varentropy=varentropy(voice),
        selected=estimator.selected(X, dialogs),
    )
