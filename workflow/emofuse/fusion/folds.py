"""One method over all folds: fit, predict, and say what was learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from emofuse.fusion import load_method
from emofuse.fusion.uncertainty import entropy, varentropy
from emofuse.provenance import seed
from emofuse.tables import PROBABILITY, SPEECH, InputError


def run(
    scores: pd.DataFrame, method: dict[str, Any], seed_names: list[str | int], name: str
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Fit a method on some splits of each fold and predict the fold's test utterances.

    Args:
        scores: the `scores` table, with the text expert's columns where the method reads them
        method: the completed config entry: `estimator`, `fit_on`, `parameters`
        seed_names: what seeds are derived from, with the method and the fold
        name: the method's name

    Returns:
        the `predictions` table, the parameters as JSON holds them, and the `trials` table

    Raises:
        InputError: if a fold has no utterances to fit on or to test
    """
    template = load_method(method["estimator"])(**method["parameters"])
    absent = [
        f"fold {fold}: has no utterance in {', '.join(splits)}; method {name} needs some"
        for fold, part in scores.groupby("fold", sort=True)
        for splits in (method["fit_on"], ["test"])
        if not part["split"].isin(splits).any()
    ]
    if absent:
        raise InputError(absent)

    predictions, trials = [], []
    learned: dict[str, Any] = {}
    for fold, part in scores.groupby("fold", sort=True):
        estimator = load_method(method["estimator"])(**template.get_params())
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed(*seed_names, name, str(fold)))
        rows, test = part[part["split"].isin(method["fit_on"])], part[part["split"] == "test"]
        columns = estimator.columns
        estimator.fit(rows[columns], rows["emotion"])
        voice = test[SPEECH].to_numpy()
        predictions.append(
            test[["fold", "utterance", "emotion"]].assign(
                predicted=estimator.predict(test[columns]),
                **dict(zip(PROBABILITY, estimator.predict_proba(test[columns]).T, strict=True)),
                entropy=entropy(voice),
                varentropy=varentropy(voice),
                selected=estimator.selected(test[columns]),
            )
        )
        learned[str(fold)] = estimator.parameters_
        tried = estimator.trials_
        trials.append(tried.assign(fold=str(fold), trial=np.arange(len(tried))))
    parameters = {"method": name, **method, "folds": learned}
    return pd.concat(predictions, ignore_index=True), parameters, pd.concat(trials, ignore_index=True)
