"""The published algorithm: Chua et al., Entropy-Aware Score Selection (arXiv 2508.20796), as its notebook runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse.fusion.base import Floats, FusionMethod, normalised, sentiment, speech, swap
from emofuse.fusion.mapping import MAPPINGS, Mapping
from emofuse.fusion.uncertainty import entropy, varentropy
from emofuse.tables import EMOTIONS

ENTROPY_QUANTILES = (0.65, 0.85)
VARENTROPY_QUANTILES = (0.15, 0.35)


class Paper(FusionMethod):
    """Score selection by entropy and varentropy, thresholds a class.

    For each emotion that the speech classifier predicts, four steps on the labelled rows:

    1. Candidates: ``steps`` evenly spaced values between the 0.65 and 0.85 quantiles of the entropy,
       and between the 0.15 and 0.35 quantiles of the varentropy, of the rows that it got wrong.
    2. A row is selected where entropy ≥ its threshold and varentropy ≤ its threshold. The pair is taken with the
       highest share of wrong rows among the selected: the first best, entropy outer, varentropy inner, ascending.
    3. The mapping of the sentiment with the highest accuracy over all rows of the class, the first best of
       :data:`emofuse.fusion.mapping.MAPPINGS`.
    4. The exclusion list: changes of emotion that made more rows wrong than right, over all classes. They are not made.

    Args:
        steps: how many candidates for each threshold, at least 2 (the paper: 200)

    Attributes:
        ties_: for each emotion, all (entropy, varentropy) pairs that are as good as the one taken, (pairs, 2)
    """

    def __init__(self, steps: int = 200) -> None:
        self.steps = steps

    def _fit(self, scores: Floats, emotion: npt.NDArray[np.intp]) -> None:
        if self.steps < 2:
            raise ValueError(f"steps should be at least 2, not {self.steps}")
        voice, words = speech(scores), sentiment(scores)
        predicted = voice.argmax(axis=1)
        h, v = entropy(voice), varentropy(voice)
        wrong = predicted != emotion

        self.thresholds_: dict[str, dict[str, Any]] = {}
        self.ties_: dict[str, Floats] = {}
        trials = []
        for index, name in enumerate(EMOTIONS):
            rows = predicted == index
            if not (rows & wrong).any():
                # Nothing to learn from: the voice is never wrong here, and nothing is selected.
                self.thresholds_[name] = {"entropy": None, "varentropy": None} | MAPPINGS[0].parameters()
                self.ties_[name] = np.empty((0, 2))
                continue
            entropies = np.linspace(*np.quantile(h[rows & wrong], ENTROPY_QUANTILES), self.steps)
            varentropies = np.linspace(*np.quantile(v[rows & wrong], VARENTROPY_QUANTILES), self.steps)
            share = wrong_share(h[rows], v[rows], wrong[rows], entropies, varentropies)
            first, second = np.unravel_index(share.argmax(), share.shape)  # the first best, entropy outer
            best = np.argwhere(share == share.max())
            self.ties_[name] = np.column_stack([entropies[best[:, 0]], varentropies[best[:, 1]]])

            chosen = rows & (h >= entropies[first]) & (v <= varentropies[second])
            # The rows that are not selected stay as they are under every mapping.
            unchanged = int((rows & ~chosen & ~wrong).sum())
            selected_voice, selected_words, true = voice[chosen], words[chosen], emotion[chosen]
            right = [unchanged + int((mapping(selected_voice, selected_words) == true).sum()) for mapping in MAPPINGS]
            mapping = MAPPINGS[int(np.argmax(right))]
            self.thresholds_[name] = {
                "entropy": float(entropies[first]),
                "varentropy": float(varentropies[second]),
            } | mapping.parameters()
            accuracy = np.array(right) / rows.sum()
            trials += [
                option.parameters() | {"emotion": name, "accuracy": value}
                for option, value in zip(MAPPINGS, accuracy.tolist(), strict=True)
            ]
        self.trials_ = pd.DataFrame(trials)
        self.excluded_: list[tuple[str, str]] = []
        self.excluded_ = _harmful(predicted, self._decide(scores), emotion)
        self.parameters_ = {
            "thresholds": self.thresholds_,
            "excluded": [list(change) for change in self.excluded_],
        }

    def _decide(self, scores: Floats) -> npt.NDArray[np.intp]:
        voice, words = speech(scores), sentiment(scores)
        decided = voice.argmax(axis=1)
        selected = self._selected(scores)
        before = decided.copy()
        for index, name in enumerate(EMOTIONS):
            rows = selected & (before == index)
            mapping = Mapping(*(self.thresholds_[name][key] for key in ("strategy", "flip", "sentiment_score")))
            decided[rows] = mapping(voice[rows], words[rows])
        for source, target in self.excluded_:
            undone = (before == EMOTIONS.index(source)) & (decided == EMOTIONS.index(target))
            decided[undone] = before[undone]
        return decided

    def _selected(self, scores: Floats) -> npt.NDArray[np.bool_]:
        voice = speech(scores)
        predicted = voice.argmax(axis=1)
        h, v = entropy(voice), varentropy(voice)
        selected = np.zeros(len(scores), dtype=bool)
        for index, name in enumerate(EMOTIONS):
            threshold = self.thresholds_[name]
            if threshold["entropy"] is not None:
                inside = (h >= threshold["entropy"]) & (v <= threshold["varentropy"])
                selected |= (predicted == index) & inside
        return selected

    def _predict_proba(self, scores: Floats) -> Floats:
        return swap(normalised(speech(scores)), self._decide(scores))


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


def _harmful(
    before: npt.NDArray[np.intp], after: npt.NDArray[np.intp], emotion: npt.NDArray[np.intp]
) -> list[tuple[str, str]]:
    """Changes of emotion that made more rows wrong than right."""
    changes = []
    for source, source_name in enumerate(EMOTIONS):
        for target, target_name in enumerate(EMOTIONS):
            rows = (before == source) & (after == target) & (source != target)
            if (emotion[rows] == source).sum() > (emotion[rows] == target).sum():
                changes.append((source_name, target_name))
    return changes
