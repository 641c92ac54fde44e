"""Passwords and tokens in the addresses of servers: where they are, and texts without them."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"(?<=://)[^\s'\"<>]+")
"""What follows the scheme of an address."""


def hidden(text: str) -> str:
    """A text, with the credentials in all of its addresses hidden.

    Whatever stands between the scheme and the last @ is taken for a name and a password, unless it begins a path, and
    the values of a query for tokens.

    >>> hidden("postgresql://me:secret@db/mlflow is not https://me:p@ss@h:5000/?token=abc&key=d#top")
    'postgresql://***@db/mlflow is not https://***@h:5000/?token=***&key=***#top'
    """
    return ADDRESS.sub(_hidden, text)


def holds_credentials(address: str) -> bool:
    """Whether an address has a name, a password or a query.

    >>> holds_credentials("https://me@host"), holds_credentials("sqlite:////home/me@work/mlflow.db")
    (True, False)
    """
    return hidden(address) != address


def _hidden(match: re.Match[str]) -> str:
    place = re.sub(r"^(?!/).*@", "***@", match[0])
    return re.sub(r"([?&][^=&#]*)=[^&#]*", r"\1=***", place)
