"""Fusion methods: how the scores of the voice and of the words become one prediction.

Each method is a scikit-learn classifier (:class:`emofuse.fusion.base.FusionMethod`).
A study's config names them by the keys of :data:`METHODS`; a new idea is one class and one line here.
"""

from __future__ import annotations

import importlib

METHODS = {
    "speech": "emofuse.fusion.single:Speech",
    "sentiment": "emofuse.fusion.single:Sentiment",
    "oracle": "emofuse.fusion.single:Oracle",
    "paper": "emofuse.fusion.paper:Paper",
    "entropy_varentropy": "emofuse.fusion.selection:EntropyVarentropy",
    "entropy": "emofuse.fusion.selection:Entropy",
    "varentropy": "emofuse.fusion.selection:Varentropy",
    "confidence": "emofuse.fusion.selection:Confidence",
    "mean": "emofuse.fusion.combination:Mean",
    "product": "emofuse.fusion.combination:Product",
    "bayes": "emofuse.fusion.combination:Bayes",
    "stacking": "emofuse.fusion.combination:Stacking",
    "bayes_text": "emofuse.fusion.combination:BayesText",
    "stacking_text": "emofuse.fusion.combination:StackingText",
}
"""Where each method's class is, as ``module:class``.

Text rather than classes, so that a job loads only its own method, and so that
an edit of one method is known to concern that method's jobs alone.
"""


def load_method(name: str) -> type:
    """The class of a method.

    Args:
        name: a key of :data:`METHODS`

    Raises:
        KeyError: if there is no such method

    >>> load_method("speech").__name__
    'Speech'
    """
    module, attribute = METHODS[name].split(":")
    return getattr(importlib.import_module(module), attribute)
