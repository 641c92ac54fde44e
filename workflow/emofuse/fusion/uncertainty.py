"""How uncertain a distribution is, and how evenly torn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emofuse.fusion.base import Floats


def entropy(probability: npt.ArrayLike) -> Floats:
    """Entropy of each distribution: how uncertain it is.

    H = −Σ p ln p, with 0 ln 0 = 0.

    Args:
        probability: (…, classes) distributions

    Returns:
        (…) nats, between 0 (certain) and ln(classes) (uniform)

    >>> entropy([[0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]]).round(4).tolist()
    [1.3863, 0.0]
    """
    p = np.asarray(probability, dtype=np.float64)
    return np.abs((p * _surprise(p)).sum(axis=-1))


def varentropy(probability: npt.ArrayLike) -> Floats:
    """Varentropy of each distribution: the variance of the surprise −ln p.

    V = Σ p (ln p + H)².
    It is 0 where all classes that can occur are equally likely, whether one or four:
    low varentropy at high entropy means evenly torn.

    Args:
        probability: (…, classes) distributions

    Returns:
        (…) nats squared, at least 0

    >>> varentropy([[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.7, 0.1, 0.1, 0.1]]).round(4).tolist()
    [0.0, 0.0, 0.7952]
    """
    p = np.asarray(probability, dtype=np.float64)
    surprise = _surprise(p)
    mean = (p * surprise).sum(axis=-1, keepdims=True)
    return (p * (surprise - mean) ** 2).sum(axis=-1)


def confidence(probability: npt.ArrayLike) -> Floats:
    """The largest probability of each distribution, (…), between 1 / classes and 1."""
    return np.asarray(probability, dtype=np.float64).max(axis=-1)


def _surprise(p: Floats) -> Floats:
    """−ln p, and 0 where p is 0, where it has no weight."""
    return -np.log(p, out=np.zeros_like(p), where=p > 0)
