"""Texts in Markdown that come from data: shown as they are, whatever they hold."""

from __future__ import annotations

import re


def in_markdown(text: str) -> str:
    r"""A text as it is, wherever within a line of Markdown, a table's cell included.

    >>> print(in_markdown("a|b *c* snake_case <d>"))
    a\|b \*c\* snake_case \<d\>
    """
    return re.sub(r"[\\`*|<>&\[\]~#]|\b_|_\b|(?<=_)_", lambda special: f"\\{special[0]}", " ".join(text.split()))


def code(text: str) -> str:
    r"""A text as code, within a line of Markdown but not in a table's cell, where a bar would end it.

    >>> print(code("a|b"), code("a`b"))
    `a|b` ``a`b``
    """
    text = " ".join(text.split())
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"
