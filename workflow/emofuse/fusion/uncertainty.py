"""How uncertain a distribution is, and how evenly torn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emofuse.accuracy import Floats


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


def attainable(classes: int) -> tuple[Floats, Floats]:
    """The closed outline of all (entropy, varentropy) that probabilities of some classes can have.

    For a given entropy the varentropy is largest where one class stands out and the others are equal,
    and smallest where some classes are equal and one takes what is left.

    Args:
        classes: number of classes, at least 2

    Returns:
        entropy (nats) and varentropy (nats²) along the outline, starting at certainty

    >>> h, v = attainable(4)
    >>> round(float(h.max()), 4), round(float(v.min()), 4)
    (1.3863, 0.0)
    """
    step = np.linspace(0, 1, 200) ** 3  # the outline is steep where a probability nears 0: small steps there
    upper = [(1 - rest, *[rest / (classes - 1)] * (classes - 1)) for rest in (1 - 1 / classes) * step]
    lower = [
        (*[(1 - rest) / equal] * equal, rest, *[0.0] * (classes - equal - 1))
        for equal in range(classes - 1, 0, -1)
        for rest in step[::-1] / (equal + 1)
    ]
    outline = np.array(upper + lower)
    return entropy(outline), varentropy(outline)


def _surprise(p: Floats) -> Floats:
    """−ln p, and 0 where p is 0, where it has no weight."""
    return -np.log(p, out=np.zeros_like(p), where=p > 0)
