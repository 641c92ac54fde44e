"""Dialogs: the turns around an utterance, how emotions follow each other, and what the neighbours say of each turn.

The emotion of a turn depends on what its speaker felt a turn ago and on what the other one felt. With the transitions
learned from labelled dialogs, the forward–backward algorithm gives what all other turns say of each one
(Rabiner, *A tutorial on hidden Markov models*, Proceedings of the IEEE 77, 1989;
two speakers that act on each other are Brand, Oliver and Pentland's *coupled* model, CVPR 1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse import accuracy
from emofuse.accuracy import Floats, Indices
from emofuse.fusion.base import shares
from emofuse.tables import EMOTIONS, TURNS

Speakers = Literal["own", "other", "both"]
"""Whose turns tell something: the speaker's own, the other's, or both."""

SIZE = len(EMOTIONS)


@dataclass(frozen=True)
class Turns:
    """Utterances among the turns of their dialogs.

    A chain is a dialog as one of its speakers goes through it: all turns in their order, own and other ones.

    Args:
        scores: (turns, columns) what voice and words say of each turn
        places: (utterances,) which turns the utterances are that are asked for
        chains: (chains, length) turns in their order; −1 beyond the end of a dialog
        own: (chains, length) whether a turn is of the speaker whose chain it is
    """

    scores: Floats
    places: Indices
    chains: Indices
    own: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, scores: Floats, X: Any, dialogs: pd.DataFrame | None, columns: Sequence[str]) -> Turns:
        """Find utterances among the turns of their dialogs.

        Args:
            scores: (utterances, columns) what is read of the utterances
            X: the table that these are of, whose index says which rows of ``dialogs`` they are
            dialogs: rows of a ``scores`` table, of whatever split. An utterance without a dialog, or whose place in
                it is not known, stands alone; so do all without this table.
            columns: the names of the scores

        Raises:
            ValueError: if rows of ``X`` are no rows of ``dialogs``
        """
        if dialogs is None:
            nowhere = np.empty((0, 0), dtype=np.intp)
            return cls(scores, np.arange(len(scores)), nowhere, nowhere.astype(bool))
        if not isinstance(X, pd.DataFrame) or not X.index.isin(dialogs.index).all():
            raise ValueError("X should be rows of dialogs, under the same index")
        talks = dialogs.loc[X.index, "dialog"].dropna()
        near = dialogs[dialogs["dialog"].isin(talks) | dialogs.index.isin(X.index)]
        places = near.index.get_indexer(X.index)
        of_turns = near[columns].to_numpy(dtype=np.float64, copy=True)
        of_turns[places] = scores  # an adaptation may have changed these
        speaker = near["speaker"].to_numpy()
        chains = [(talk, speaker[talk] == name) for talk in _in_order(near) for name in np.unique(speaker[talk])]
        shape = len(chains), max((len(turns) for turns, _ in chains), default=0)
        padded, own = np.full(shape, -1, dtype=np.intp), np.zeros(shape, dtype=bool)
        for chain, (turns, is_own) in enumerate(chains):
            padded[chain, : len(turns)], own[chain, : len(turns)] = turns, is_own
        return cls(of_turns, places, padded, own)


def _in_order(rows: pd.DataFrame) -> list[Indices]:
    """The turns of each dialog, as positions of rows, in their order; those that begin together in that of their names.

    Rows whose place in a dialog is not known are in none.
    """
    placed = np.flatnonzero(rows["dialog"].notna() & rows["turn_start"].notna())
    in_order = rows.iloc[placed][TURNS].assign(position=placed).sort_values(TURNS)
    dialog = in_order["dialog"].to_numpy()
    ends = np.flatnonzero(dialog[1:] != dialog[:-1]) + 1
    return np.split(in_order["position"].to_numpy(), ends) if len(placed) else []


@dataclass(frozen=True)
class Successions:
    """How emotions follow each other in labelled dialogs.

    Args:
        counts: (4, 4, 4) turns by what their speaker felt in the turn before, what the other felt last,
            and what the speaker feels now, of those that have both before them
        prior: (4,) π, the share of each emotion, none of which is 0
    """

    counts: Floats
    prior: Floats

    @classmethod
    def of(cls, dialogs: pd.DataFrame | None) -> Successions:
        """Count in a ``scores`` table the turns whose ``emotion`` is given; without any, all emotions are alike."""
        counts = np.zeros((SIZE, SIZE, SIZE))
        if dialogs is None:
            return cls(counts, shares(np.empty(0, dtype=np.intp), smoothing=1))
        labelled = dialogs[dialogs["emotion"].notna()]
        speakers, emotions = labelled["speaker"].to_numpy(), accuracy.indices(labelled["emotion"])
        for talk in _in_order(labelled):
            last: dict[str, int] = {}  # the emotion of each speaker's last turn; who spoke last is last
            for speaker, emotion in zip(speakers[talk], emotions[talk], strict=True):
                other = [last[name] for name in last if name != speaker][-1:]
                own = last.pop(speaker, None)
                if own is not None and other:
                    counts[own, other[0], emotion] += 1
                last[speaker] = emotion
        return cls(counts, shares(emotions, smoothing=1))

    def transitions(self, speakers: Speakers, smoothing: float, decay: float) -> Floats:
        """The probability of each emotion given the last ones, (own, other, now); sums to 1 over the last axis.

        Rare pairs lean on the speaker's own emotion alone, and this leans on π:
        (count + smoothing · what is leaned on) / (total + smoothing).
        Of that, a share decay is kept per turn; the rest is π, which remembers nothing.

        Args:
            speakers: whose last emotion counts
            smoothing: above 0, turns that the prior belief is worth
            decay: between 0 and 1
        """
        by_own, by_other = (
            _smoothed(self.counts.sum(axis=axis), self.prior[None], smoothing) for axis in (1, 0)
        )  # (4, 4) each
        known = {
            "own": np.repeat(by_own[:, None], SIZE, axis=1),
            "other": np.repeat(by_other[None], SIZE, axis=0),
            "both": _smoothed(self.counts, by_own[:, None], smoothing),
        }[speakers]
        return decay * known + (1 - decay) * self.prior


def _smoothed(counts: Floats, belief: Floats, smoothing: float) -> Floats:
    return (counts + smoothing * belief) / (counts.sum(axis=-1, keepdims=True) + smoothing)


def messages(turns: Turns, evidence: Floats, transitions: Floats, prior: Floats, causal: bool) -> Floats:
    """What the neighbours of each turn say of its emotion: log P(c | the other turns) / π(c).

    The state of a chain is what its speaker and the other one felt last, 16 pairs; before the first turn both are
    drawn from π. A turn's own evidence is no part of its message.

    Args:
        turns: the chains
        evidence: (…, turns, 4) log-likelihoods, each row up to a constant
        transitions: (4, 4, 4) as :meth:`Successions.transitions` gives them
        prior: (4,) π
        causal: whether only the turns before it speak

    Returns:
        (…, turns, 4); 0 for a turn that stands alone
    """
    said = np.zeros_like(evidence)
    likelihood = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    likelihood = np.concatenate([likelihood, np.ones_like(likelihood[..., :1, :])], axis=-2)  # −1 says nothing
    step = _steps(transitions)
    chains, length = turns.chains.shape

    def seen(turn: int) -> Floats:
        """The likelihood of each state at a turn, (…, chains, 16)."""
        of_turn = likelihood[..., turns.chains[:, turn], :]
        own, is_own = np.repeat(of_turn, SIZE, axis=-1), turns.own[:, turn, None]
        return np.where(is_own, own, np.tile(of_turn, SIZE))

    def moved(state: Floats, turn: int, *, back: bool) -> Floats:
        """The states from the turn before to a turn, or back."""
        after = np.empty_like(state)
        for is_own, matrix in zip((True, False), step, strict=True):
            who = turns.own[:, turn] == is_own
            after[..., who, :] = state[..., who, :] @ (matrix.T if back else matrix)
        return after / after.sum(axis=-1, keepdims=True)

    state = np.broadcast_to(np.outer(prior, prior).ravel(), (*evidence.shape[:-2], chains, SIZE**2))
    before = []
    for turn in range(length):
        state = moved(state, turn, back=False) if turn else state
        before.append(state)
        state = state * seen(turn)
    after = np.ones_like(state)
    for turn in reversed(range(length)):
        belief = (before[turn] if causal else before[turn] * after).reshape(*state.shape[:-1], SIZE, SIZE).sum(axis=-1)
        is_own = turns.own[:, turn]
        of_own = belief[..., is_own, :]
        said[..., turns.chains[is_own, turn], :] = np.log(of_own / of_own.sum(axis=-1, keepdims=True) / prior)
        if turn and not causal:
            after = moved(after * seen(turn), turn, back=True)
    return said


def _steps(transitions: Floats) -> tuple[Floats, Floats]:
    """Between states (own, other): where the speaker's own emotion moves, and where the other's does, (16, 16) each."""
    stays = np.eye(SIZE)
    own = np.einsum("abn,bm->abnm", transitions, stays)
    other = np.einsum("ban,am->abmn", transitions, stays)
    return own.reshape(SIZE**2, SIZE**2), other.reshape(SIZE**2, SIZE**2)
