"""Word errors of transcripts against what the corpus itself says was spoken."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

import numpy as np
import pandas as pd

from emofuse.text.normalisation import Normalisation

COUNTS = ("hits", "substitutions", "insertions", "deletions")
"""What becomes of a word: kept, replaced, added, lost."""


def table(
    utterances: pd.DataFrame, references: pd.DataFrame, transcripts: pd.DataFrame, normalisation: Normalisation
) -> pd.DataFrame:
    """Word error rates by corpus, condition and emotion.

    Utterances without a reference do not count; empty transcripts do, all their words are lost.

    Args:
        utterances: an ``utterances`` table
        references: a ``references`` table of the same utterances
        transcripts: a ``transcripts`` table of the same utterances
        normalisation: how both sides are written before they are compared

    Returns:
        a ``wer`` table. A row is a corpus, a condition and an emotion (each of the two can be ``all``),
        with how many utterances were compared, their counts of :data:`COUNTS`, the reference's words,
        and the word error rate, (substitutions + insertions + deletions) / words, which is at least 0 and can
        exceed 1; NaN where the reference has no words
    """
    pairs = utterances.merge(references.dropna(), on="utterance", validate="one_to_one")
    pairs = pairs.merge(transcripts, on="utterance", validate="one_to_one")
    pairs = pairs.assign(reference=pairs["reference"].map(normalisation), text=pairs["text"].map(normalisation))
    counts = [count(*both) for both in zip(pairs["reference"].str.split(), pairs["text"].str.split(), strict=True)]
    pairs[list(COUNTS)] = np.array(counts, dtype=int).reshape(-1, len(COUNTS))
    # Every utterance belongs to four groups: its own condition and emotion, and "all" in place of either or both.
    groups = pd.concat(
        [
            pairs.assign(**{name: "all" for name in dropped})
            for dropped in ((), ("condition",), ("emotion",), ("condition", "emotion"))
        ]
    ).groupby(["corpus", "condition", "emotion"], sort=True)
    result = groups[list(COUNTS)].sum()
    result.insert(0, "utterances", groups.size())
    result["words"] = result["hits"] + result["substitutions"] + result["deletions"]
    errors = result["substitutions"] + result["insertions"] + result["deletions"]
    result["WER"] = errors / result["words"].where(result["words"] > 0)
    # A corpus without conditions has empty ones, which are no group.
    return result.reset_index().query("condition != ''").reset_index(drop=True)


def count(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, ...]:
    """Count the word errors of one utterance.

    The number of errors is that of the shortest alignment (Levenshtein).
    How they split is not unique: of alignments that are equally short, this takes the one that Kaldi's ``compute-wer``
    takes (from the ends backwards an insertion if it can be one, else a deletion, else a substitution or a hit), since
    published counts are Kaldi's. jiwer counts as many errors, but now and then splits them in another way.

    Args:
        reference: the words that were spoken
        hypothesis: the words of the transcript

    Returns:
        hits, substitutions, insertions, deletions

    >>> count("THE AIR IS SWEET".split(), "AIR IS SO NEAT".split())
    (2, 1, 1, 1)
    """
    # A cell is the best alignment of two beginnings: errors, hits, substitutions, insertions, deletions.
    above: list[tuple[int, ...]] = [(column, 0, 0, column, 0) for column in range(len(hypothesis) + 1)]
    for row, spoken in enumerate(reference, 1):
        cells: list[tuple[int, ...]] = [(row, 0, 0, 0, row)]
        for column, written in enumerate(hypothesis, 1):
            hit = spoken == written
            inserted = _step(cells[-1], (1, 0, 0, 1, 0))
            deleted = _step(above[column], (1, 0, 0, 0, 1))
            paired = _step(above[column - 1], (0, 1, 0, 0, 0) if hit else (1, 0, 1, 0, 0))
            # min takes the first of equals.
            cells.append(min(inserted, deleted, paired, key=lambda cell: cell[0]))
        above = cells
    return above[-1][1:]


def _step(cell: tuple[int, ...], by: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(add, cell, by))
