"""How numbers are said to people, the same in Markdown, on the page and in pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from emofuse.evaluation.metrics import ALL


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; what rounds to zero has a plus.

    >>> signed(-0.01234), signed(0.5, 1), signed(-0.0001)
    ('−0.012', '+0.5', '+0.000')
    """
    return f"{round(value, digits) + 0:+.{digits}f}".replace("-", "−")


def p_value(value: float) -> str:
    """A p value as papers print it.

    >>> p_value(0.00002), p_value(0.0312)
    ('< 0.001', '0.031')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval_name(confidence: float) -> str:
    """What an interval is called.

    >>> interval_name(0.95), interval_name(0.995)
    ('95% interval', '99.5% interval')
    """
    return f"{100 * confidence:g}% interval"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "fold"), counted(10, "fold")
    ('1 fold', '10 folds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration_name(seconds: float) -> str:
    """A duration in the unit that suits it.

    >>> duration_name(1.77), duration_name(1527), duration_name(43_200)
    ('1.8 s', '25 min', '12.0 h')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def over_folds(folds: Sequence[str]) -> str:
    """What a mean is taken over.

    >>> over_folds(["Ses01F"]), over_folds(["Ses01F", "Ses01M"])
    ('Mean over the fold Ses01F.', 'Means over 2 folds (Ses01F, Ses01M).')
    """
    if len(folds) == 1:
        return f"Mean over the fold {folds[0]}."
    return f"Means over {counted(len(folds), 'fold')} ({', '.join(folds)})."


def condition_name(condition: str) -> str:
    """A condition as words.

    >>> condition_name("all"), condition_name("target_read")
    ('all utterances', 'target read')
    """
    return "all utterances" if condition == ALL else condition.replace("_", " ")


def in_markdown(text: str) -> str:
    r"""A text as it is, wherever in Markdown, a table's cell included.

    >>> print(in_markdown("a|b *c* snake_case <d>"))
    a\|b \*c\* snake_case \<d\>
    """
    return re.sub(r"[\\`*|<>&\[\]]|\b_|_\b", lambda special: f"\\{special[0]}", " ".join(text.split()))
