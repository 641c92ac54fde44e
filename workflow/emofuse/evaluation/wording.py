"""How numbers are said to people, the same in Markdown, on the page and in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emofuse.accuracy import ALL


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


def over_folds(folds: Sequence[str], crossed: bool) -> str:
    """What a mean is taken over.

    >>> over_folds(["Ses01F"], False), over_folds(["Ses01F", "Ses01M"], False)
    ('Mean over the fold Ses01F.', 'Means over 2 folds (Ses01F, Ses01M).')
    >>> over_folds(["Ses01", "Ses02"], True)
    'Means over 2 source folds (Ses01, Ses02), which test the same utterances.'
    """
    if len(folds) == 1:
        return f"Mean over the fold {folds[0]}."
    noun, same = ("source fold", ", which test the same utterances") if crossed else ("fold", "")
    return f"Means over {counted(len(folds), noun)} ({', '.join(folds)}){same}."


def drawn(crossed: bool) -> str:
    """What is drawn for an interval.

    >>> drawn(False), drawn(True)
    ('speakers', 'speakers and source folds')
    """
    return "speakers and source folds" if crossed else "speakers"


def about_statistics(confidence: float, crossed: bool) -> str:
    """What intervals and p values are.

    >>> about_statistics(0.95, False)
    "The 95% interval is over speakers.
     p is of McNemar's exact test of accuracy, corrected over all methods but the ceilings (Holm)."
    """
    test = "McNemar's exact test of accuracy"
    per_fold = f"p is twice the median over source folds (at most 1) of {test}" if crossed else f"p is of {test}"
    return (
        f"The {interval_name(confidence)} is over {drawn(crossed)}. "
        f"{per_fold}, corrected over all methods but the ceilings (Holm)."
    )


def about_choice(name: str, times: Mapping[str, int]) -> str:
    """What the validation rows chose.

    Args:
        name: of what is made of the chosen methods
        times: the number of folds of each method that is chosen

    >>> about_choice("chosen", {"bayes": 4, "paper": 1})
    'chosen is, in each fold, the method with the highest UA in a cross-validation within the validation rows
     (dialogs kept whole): bayes in 4 of 5 folds, paper in 1.'
    """
    folds = counted(sum(times.values()), "fold")
    first, *more = [f"{method} in {count}" for method, count in times.items()]
    listed = ", ".join([f"{first} of {folds}", *more])
    return (
        f"{name} is, in each fold, the method with the highest UA in a cross-validation within the validation rows "
        f"(dialogs kept whole): {listed}."
    )


def spread(least: float, most: float) -> str:
    """Values over source folds, from the least to the greatest.

    >>> spread(0.61234, 0.65)
    '0.612 … 0.650'
    """
    return f"{least:.3f} … {most:.3f}"


def condition_name(condition: str) -> str:
    """A condition as words.

    >>> condition_name("all"), condition_name("target_read")
    ('all utterances', 'target read')
    """
    return "all utterances" if condition == ALL else condition.replace("_", " ")
