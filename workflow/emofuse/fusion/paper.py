"""The published algorithm: Chua et al., Entropy-Aware Score Selection (arXiv 2508.20796), as its notebook runs it."""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from emofuse.accuracy import Floats, Indices
from emofuse.fusion import thresholds
from emofuse.fusion.base import FusionMethod, normalised, speech, swap
from emofuse.fusion.mapping import MAPPINGS
from emofuse.fusion.thresholds import Candidate, Evidence, Rule
from emofuse.tables import EMOTIONS

ENTROPY_QUANTILES = (0.65, 0.85)
VARENTROPY_QUANTILES = (0.15, 0.35)

Changes = list[tuple[str, str]]
"""Changes of emotion, each from one to another."""


class Paper(FusionMethod):
    """Score selection by entropy and varentropy, with thresholds for each emotion that the voice predicts.

    For each emotion that the speech classifier predicts, four steps on the labelled rows:

    1. Candidates: ``steps`` evenly spaced values between the 0.65 and 0.85 quantiles of the entropy,
       and between the 0.15 and 0.35 quantiles of the varentropy, of the rows that it got wrong.
    2. A row is selected where entropy ≥ its threshold and varentropy ≤ its threshold. The pair with the
       highest share of wrong rows among the selected wins: the first best, entropy outer, varentropy inner, ascending.
    3. The mapping of the sentiment with the highest accuracy over all rows of the class, the first best of
       :data:`emofuse.fusion.mapping.MAPPINGS`.
    4. The exclusion list: changes of emotion that made more rows wrong than right, over all classes. They are not made.

    Attributes:
        excluded_: the exclusion list
        ties_: for each emotion, all (entropy, varentropy) pairs that are as good as the one used, (pairs, 2)
    """

    measures = ("entropy", "varentropy")

    def __init__(
        self, steps: Annotated[int, Field(ge=2, description="Candidates for each threshold (the paper: 200).")] = 200
    ) -> None:
        self.steps = steps

    def _fit(self, scores: Floats, emotion: Indices) -> None:
        evidence = thresholds.weigh(scores, self.measures, MAPPINGS)
        candidate: Candidate = {}
        self.ties_ = dict.fromkeys(EMOTIONS, np.empty((0, 2)))
        trials = []
        for index, name in enumerate(EMOTIONS):
            rows = evidence.predicted == index
            wrong = emotion[rows] != index
            if not wrong.any():
                continue  # nothing to learn from, and nothing to select
            self.ties_[name] = _best_pairs(evidence.measures[rows], wrong, self.steps)
            accuracy = _accuracies(evidence, emotion, index, pair=self.ties_[name][0])
            candidate[index] = _rule(self.ties_[name][0], int(accuracy.argmax()))
            trials += [
                mapping.parameters() | {"emotion": name, "accuracy": value}
                for mapping, value in zip(MAPPINGS, accuracy.tolist(), strict=True)
            ]
        self.excluded_ = _harmful(evidence.predicted, evidence.decide(candidate)[0], emotion)
        self.trials_ = pd.DataFrame(trials)
        self.parameters_ = {
            "thresholds": thresholds.describe(candidate, self.measures, MAPPINGS),
            "excluded": [list(change) for change in self.excluded_],
        }

    def without_words(self) -> Self:
        """The voice alone."""
        return self._having(thresholds=thresholds.describe({}, self.measures, MAPPINGS))

    @classmethod
    def decide_by(cls, scores: Floats, learned: dict[str, Any]) -> tuple[Indices, npt.NDArray[np.bool_]]:
        """The emotions that are decided for, as indices, and which utterances are selected, (utterances,) each.

        Args:
            scores: (utterances, 7) probabilities of the speech classifier and of the sentiments
            learned: ``parameters_``
        """
        before = speech(scores).argmax(axis=1)
        decided, selected = thresholds.apply(scores, learned["thresholds"], cls.measures)
        for source, target in learned["excluded"]:
            undone = (before == EMOTIONS.index(source)) & (decided == EMOTIONS.index(target))
            decided[undone] = before[undone]
        return decided, selected

    def _predict_proba(self, scores: Floats) -> Floats:
        return swap(normalised(speech(scores)), self.decide_by(scores, self.parameters_)[0])

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        return self.decide_by(scores, self.parameters_)[1]


def _best_pairs(measures: Floats, wrong: npt.NDArray[np.bool_], steps: int) -> Floats:
    """The pairs of thresholds that select the highest share of wrong rows, (pairs, 2), in the order of the search.

    Args:
        measures: (rows, 2) entropy and varentropy, the latter with its sign
        wrong: (rows,) whether the speech classifier is wrong; it is somewhere
        steps: candidates for each threshold
    """
    h, v = measures[:, 0], -measures[:, 1]
    entropies = np.linspace(*np.quantile(h[wrong], ENTROPY_QUANTILES), steps)
    varentropies = np.linspace(*np.quantile(v[wrong], VARENTROPY_QUANTILES), steps)
    share = wrong_share(h, v, wrong, entropies, varentropies)
    first, second = np.nonzero(share == share.max())
    return np.column_stack([entropies[first], varentropies[second]])


def _rule(pair: Floats, mapping: int) -> Rule:
    """The rule of an (entropy, varentropy) pair of thresholds."""
    entropy, varentropy = pair.tolist()
    return Rule((entropy, -varentropy), mapping)


def _accuracies(evidence: Evidence, emotion: Indices, index: int, pair: Floats) -> Floats:
    """The accuracy of each mapping over the rows of one predicted emotion, (mappings,)."""
    rows = evidence.predicted == index
    _, selected = evidence.decide({index: _rule(pair, mapping=0)})  # the same ones under every mapping
    decided = np.where(selected[rows], evidence.mapped[:, rows], index)
    return (decided == emotion[rows]).mean(axis=1)


def wrong_share(h: Floats, v: Floats, wrong: npt.NDArray[np.bool_], entropies: Floats, varentropies: Floats) -> Floats:
    """Share of wrong rows among those selected, for every pair of thresholds at once.

    A row counts for all pairs whose entropy threshold is at most its entropy and whose varentropy threshold is at
    least its varentropy, so two histograms (wrong rows, all rows) cumulated over both axes hold every pair's counts.

    Args:
        h: (rows,) entropies
        v: (rows,) varentropies
        wrong: (rows,) whether the speech classifier is wrong
        entropies: (m,) ascending thresholds
        varentropies: (n,) ascending thresholds

    Returns:
        (m, n) shares between 0 and 1; 0 where nothing is selected

    >>> wrong_share(np.array([0.9, 1.1]), np.array([0.2, 0.3]), np.array([True, False]),
    ...             np.array([0.8, 1.0]), np.array([0.2, 0.3])).tolist()
    [[1.0, 0.5], [0.0, 0.0]]
    """
    first = np.searchsorted(entropies, h, side="right") - 1  # the highest threshold that the row reaches
    second = np.searchsorted(varentropies, v, side="left")  # the lowest threshold that it stays below
    inside = (first >= 0) & (second < len(varentropies))
    cell = first[inside] * len(varentropies) + second[inside]

    def selected(weights: npt.NDArray[np.bool_] | None) -> Floats:
        size = len(entropies) * len(varentropies)
        counts = np.bincount(cell, weights, minlength=size).reshape(len(entropies), len(varentropies))
        return counts[::-1].cumsum(axis=0)[::-1].cumsum(axis=1)

    everything = selected(None)
    return np.divide(selected(wrong[inside]), everything, out=np.zeros(everything.shape), where=everything > 0)


def _harmful(before: Indices, after: Indices, emotion: Indices) -> Changes:
    """Changes of emotion that made more rows wrong than right."""
    changes = []
    for source, source_name in enumerate(EMOTIONS):
        for target, target_name in enumerate(EMOTIONS):
            rows = (before == source) & (after == target) & (source != target)
            if (emotion[rows] == source).sum() > (emotion[rows] == target).sum():
                changes.append((source_name, target_name))
    return changes
