"""Corpora: how speech and its labels lie on disk, and the one table that comes of it.

A study's config names a reader by a key of :data:`READERS`;
:func:`emofuse.corpora.base.read` calls it and checks what it found.
A new corpus is a CSV manifest, or one function and one line here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

READERS = {
    "iemocap": "emofuse.corpora.iemocap:read",
    "msp_improv": "emofuse.corpora.msp_improv:read",
    "manifest": "emofuse.corpora.manifest:read",
}
"""Where each reader is, as ``module:function``; text, so that a job loads only its own."""


def load_reader(name: str) -> Callable[..., Any]:
    """The function that lists a corpus, see :class:`emofuse.corpora.base.Listing`.

    Args:
        name: a key of :data:`READERS`

    Raises:
        KeyError: if there is no such reader

    >>> load_reader("manifest").__module__
    'emofuse.corpora.manifest'
    """
    module, attribute = READERS[name].split(":")
    return getattr(importlib.import_module(module), attribute)
