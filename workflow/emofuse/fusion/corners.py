"""The best corner of a plane: which thresholds on one or two measures select the utterances that gain most.

Utterances are points in the plane of two measures, the most uncertain nearest to the origin, and each gains or loses
something when it is selected. A pair of thresholds selects a corner: all points up to a rank on either axis.
:meth:`Plane.best` is the corner with the largest gain, :meth:`Plane.front` the best one for each number of points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from emofuse.accuracy import Floats, Indices

Changes: TypeAlias = npt.NDArray[np.int8]
"""Whether selecting a point makes it right (1), wrong (−1) or neither (0), by mapping, (mappings, points)."""

NOTHING = -(1 << 62)
"""The gain of what cannot be selected: below any sum of gains, which stay within ± 2⁶⁰."""

CELLS = 1 << 16
"""How many numbers an array should hold: so few that a processor's cache holds several."""


class Plane:
    """Points by their ranks on one or two measures.

    Args:
        measures: (points, 1 or 2), higher for more uncertain
    """

    def __init__(self, measures: Floats) -> None:
        values, ranks = zip(*(np.unique(-measure, return_inverse=True) for measure in measures.T), strict=True)
        self.values: tuple[Floats, ...] = values
        # A single measure is a plane in which all have the same rank on the other one.
        across, down = ranks if len(ranks) > 1 else (ranks[0], np.zeros_like(ranks[0]))
        self.order = np.lexsort((down, across))
        """The points by their ranks, first on the first axis; those in what follows are in this order."""
        self.ranks: tuple[Indices, Indices] = (across[self.order], down[self.order])

    def thresholds(self, *corner: int) -> tuple[float, ...]:
        """The least of each measure within a corner, of which the last rank on each axis is given."""
        return tuple(-float(values[rank]) for values, rank in zip(self.values, corner, strict=False))

    def best(self, changes: Changes, worth: Indices) -> tuple[int, int, tuple[int, int]]:
        """The corner and the mapping that gain most, in O(n log n) time per mapping.

        Points enter one after another along the first axis, and a tree over the second knows the best corner that
        ends at the last of them: :class:`_Tree`. It takes some numbers and 8 · log₂ n bytes per point.

        Args:
            changes: of each mapping
            worth: (points,) what each point adds when it is right

        Returns:
            the gain, the mapping and the last ranks of the corner; of equal gains the first mapping, then the least
            rank on the first axis, then on the second; 0, 0 and a corner that means nothing if no corner gains
        """
        across, down = self.ranks
        changes, worth = changes[:, self.order], worth[self.order]
        ends = np.flatnonzero(_closes(across))
        tree = _Tree(down) if down.any() else None

        gain, mapping, end = 0, 0, 0
        height = max(1, CELLS // len(worth))
        for low in range(0, len(changes), height):
            gains = changes[low : low + height] * worth
            sums = (gains.cumsum(axis=1) if tree is None else tree.best_prefixes(gains))[:, ends]
            number, place = np.unravel_index(sums.argmax(), sums.shape)
            if sums[number, place] > gain:
                gain, mapping, end = int(sums[number, place]), low + int(number), int(ends[place])

        totals = np.zeros(int(down.max()) + 1, dtype=np.int64)
        np.add.at(totals, down[: end + 1], changes[mapping, : end + 1] * worth[: end + 1])
        return gain, mapping, (int(across[end]), int(totals.cumsum().argmax()))

    def front(self, changes: Changes, worth: Indices) -> tuple[Indices, Indices, Indices]:
        """The best corner for each number of points, in O(n) memory and O(n + g²) time per mapping, by which g gain.

        Args:
            changes: of each mapping
            worth: (points,) what each point adds when it is right

        Returns:
            rising numbers of points, the largest gain that as many reach, which no smaller number does, and the mapping
            and the last ranks of a corner that does, (numbers, 3); first 0, where mapping and ranks mean nothing
        """
        changes, worth = changes[:, self.order], worth[self.order]
        highest = np.zeros(len(worth) + 1, dtype=np.int64)  # the largest gain of at most that many points
        chosen = np.zeros((len(highest), 3), dtype=np.intp)
        for mapping, change in enumerate(changes):
            for across, down, gains, counts in self._corners(change * worth):
                better = np.flatnonzero(gains > highest.take(counts))
                if len(better):
                    better = better[np.lexsort((-gains[better], counts[better]))]
                    numbers, firsts = np.unique(counts[better], return_index=True)
                    cells = better[firsts]
                    row, column = np.divmod(cells, len(down))
                    highest[numbers] = gains[cells]
                    chosen[numbers] = np.column_stack([np.full_like(cells, mapping), across[row], down[column]])
                    np.maximum.accumulate(highest, out=highest)
        numbers = np.flatnonzero(np.diff(highest, prepend=-1))
        return numbers, highest[numbers], chosen[numbers]

    def _corners(self, gain: Indices) -> Iterator[tuple[Indices, Indices, Indices, Indices]]:
        """All corners that end, on both axes, at a rank at which a point gains.

        Any other corner can be cut back to one of these, which has fewer points and gains no less.

        Args:
            gain: (points,) of one mapping

        Yields:
            for some ranks of the first axis and all of the second, in their order: these ranks,
            and gain and number of points of each corner, (ranks · ranks,)
        """
        gains = gain > 0
        (rows, row), (columns, column) = (_thinned(rank, gains) for rank in self.ranks)
        inside = np.flatnonzero((row < len(rows)) & (column < len(columns)))
        row, column, gain = row[inside], column[inside], gain[inside]

        height = max(1, CELLS // max(1, len(columns)))
        totals = np.zeros((2, len(columns)), dtype=np.int64)  # gain and number so far, by column
        for low in range(0, len(rows), height):
            some = slice(*np.searchsorted(row, [low, low + height]))
            grid = np.zeros((2, min(height, len(rows) - low), len(columns)), dtype=np.int64)
            np.add.at(grid[0], (row[some] - low, column[some]), gain[some])
            np.add.at(grid[1], (row[some] - low, column[some]), 1)
            for number in range(grid.shape[1]):
                totals += grid[:, number]
                grid[:, number] = totals
            np.cumsum(grid, axis=2, out=grid)
            yield rows[low : low + height], columns, grid[0].ravel(), grid[1].ravel()


def _closes(ranks: Indices) -> npt.NDArray[np.bool_]:
    """Whether a point is the last of its rank, (points,); ranks are sorted. No corner ends at another one."""
    return np.append(ranks[1:] > ranks[:-1], True)


def _thinned(ranks: Indices, gains: npt.NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """The ranks at which a point gains, and, by point, which of these is the first that is no less, (points,)."""
    ends = np.zeros(int(ranks.max()) + 1, dtype=bool)
    ends[ranks[gains]] = True
    return np.flatnonzero(ends), (ends.cumsum() - ends)[ranks]


class _Tree:
    """A tree over the second axis into which points enter, and of which all versions are known at once.

    A node holds the sum of the gains below it and the largest sum of a prefix of them::

        sum = sum of the left half + sum of the right half
        prefix = max(prefix of the left half, sum of the left half + prefix of the right half)

    (the tree of Dobkin, Gunopulos and Maass, *Computing the maximum bichromatic discrepancy*, Journal of Computer and
    System Sciences 52, 1996, for corners instead of rectangles). It changes when a point below it enters.
    Instead of one entry after another, all versions of a node are made from those of its halves,
    level by level, so that numpy adds whole levels. A level is one row of numbers: node by node, the version without
    points, then one per point that enters; and at last a node without points, the right half of nodes that lack one.

    Args:
        ranks: (points,) on the second axis, in the order in which the points enter
    """

    def __init__(self, ranks: Indices) -> None:
        self.leaves = np.argsort(ranks, kind="stable")
        """The point of each leaf."""
        self.closed = np.append(np.repeat(_closes(ranks[self.leaves]), 2), False)
        """Whether a prefix may end in a version of a leaf."""
        place = np.empty_like(self.leaves)
        place[self.leaves] = np.arange(len(ranks))
        self.merges = list(_merges(place))

    def best_prefixes(self, gains: Indices) -> Indices:
        """The largest sum of a prefix after each entry.

        Args:
            gains: (mappings, points)

        Returns:
            (mappings, points)
        """
        sums = np.zeros((len(gains), len(self.closed)), dtype=np.int64)
        sums[:, 1::2] = gains[:, self.leaves]
        prefixes = np.where(self.closed, sums, NOTHING)
        for left, right in self.merges:
            before = sums.take(left, axis=1)
            prefixes = np.maximum(prefixes.take(left, axis=1), before + prefixes.take(right, axis=1))
            sums = before + sums.take(right, axis=1)
        return prefixes[:, 1:-1]


def _merges(place: Indices) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """From which versions of its halves each version of a node is made, level by level up to the root.

    Args:
        place: (points,) the leaf of each point, in the order in which they enter

    Yields:
        for each number of a level, where the level below has its left and its right half
    """
    points = len(place)
    for level in range((points - 1).bit_length()):
        half = 1 << level
        nodes, halves = (-(-points // size) for size in (2 * half, half))
        entering = place[np.argsort(place >> (level + 1), kind="stable")]  # node by node
        node, version = np.divmod(np.arange(points + nodes), 2 * half + 1)
        is_right = np.zeros(points + nodes, dtype=np.intp)
        is_right[version > 0] = entering >> level & 1
        # How many of the version's points lie in the right half: all nodes before have filled theirs.
        right = is_right.cumsum() - node * half
        start, nowhere = 2 * node * (half + 1), points + halves
        left, right = start + version - right, np.minimum(start + half + 1 + right, nowhere)
        yield np.append(left, nowhere).astype(np.int32), np.append(right, nowhere).astype(np.int32)
