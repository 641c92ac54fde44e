"""Temperature scaling: logits divided by one number, so that probabilities are as sure as they are right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from emofuse import accuracy
from emofuse.tables import EMOTIONS, columns

Floats = npt.NDArray[np.float64]

BOUNDS = (0.01, 100.0)
"""The range of temperatures; without it none is best where every utterance is predicted right."""


def probabilities(logits: npt.ArrayLike, temperature: float | npt.NDArray[np.float64] = 1.0) -> Floats:
    """Softmax of logits that are divided by a temperature.

    Args:
        logits: (utterances, classes)
        temperature: above 1 makes probabilities more even, below 1 more extreme; never changes their order;
            one number, or (utterances, 1)

    Returns:
        (utterances, classes) in double precision; rows sum to 1

    >>> probabilities([[0.0, 2.0]]).round(3)
    array([[0.119, 0.881]])
    >>> probabilities([[0.0, 2.0]], temperature=2).round(3)
    array([[0.269, 0.731]])
    """
    return softmax(np.asarray(logits, np.float64) / temperature, axis=1)


def fit_temperature(logits: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    r"""The temperature at which labelled utterances are most probable.

    Minimises the mean negative log-likelihood :math:`-\frac1n\sum_i \ln \mathrm{softmax}(z_i / T)_{y_i}`,
    which is convex in :math:`1/T` (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).

    Args:
        logits: (utterances, classes), of utterances that the classifier was not trained on
        labels: (utterances,) the index of each one's class

    Returns:
        a number within :data:`BOUNDS`

    >>> sure_and_half_right = [[0.0, 9.0], [0.0, 9.0], [0.0, 9.0], [0.0, 9.0]]
    >>> round(fit_temperature(sure_and_half_right, [1, 1, 1, 0]), 2)
    8.19
    """
    logits = np.asarray(logits, np.float64)
    labels = np.asarray(labels)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -scaled[np.arange(len(labels)), labels].mean()

    best = minimize_scalar(loss, bounds=np.log(BOUNDS), method="bounded", options={"xatol": 1e-8})
    return float(np.exp(best.x))


def temperatures(speech: pd.DataFrame) -> dict[str, float]:
    """The temperature of each fold, fitted on its validation utterances.

    Args:
        speech: a ``speech`` table with a column ``emotion``

    Returns:
        a number within :data:`BOUNDS` for each fold
    """
    validation = speech[speech["split"] == "validation"]
    return {
        str(fold): fit_temperature(part[columns("logit", EMOTIONS)], accuracy.indices(part["emotion"]))
        for fold, part in validation.groupby("fold")
    }
