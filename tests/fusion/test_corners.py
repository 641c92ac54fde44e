"""The best corners are those of brute force, ties included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse.fusion import corners


@st.composite
def planes(draw):
    """Measures, changes and worth: with few values most corners tie, with many each point has its own rank."""
    points, measures, mappings = draw(st.integers(1, 24)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    value = st.integers(0, draw(st.sampled_from([1, 5, 1000])))
    values = draw(st.lists(st.lists(value, min_size=measures, max_size=measures), min_size=points, max_size=points))
    change = st.lists(st.sampled_from([-1, 0, 1]), min_size=points, max_size=points)
    changes = draw(st.lists(change, min_size=mappings, max_size=mappings))
    worth = draw(st.lists(st.sampled_from([2, 3]), min_size=points, max_size=points))
    return np.array(values, dtype=float), np.array(changes, dtype=np.int8), np.array(worth)


def every_corner(measures, changes, worth):
    """Gain, number of points, mapping and thresholds: in the order in which equally good ones are preferred."""
    columns = [np.unique(column)[::-1] for column in measures.T]
    grid = np.stack(np.meshgrid(*columns, indexing="ij"), axis=-1).reshape(-1, len(columns))
    for mapping, change in enumerate(changes):
        for thresholds in grid:
            inside = (measures >= thresholds).all(axis=1)
            yield int((change * worth)[inside].sum()), int(inside.sum()), mapping, tuple(thresholds.tolist())


@pytest.fixture(params=[1, 20, corners.CELLS], ids="{} cells".format)
def _in_blocks(request, monkeypatch):
    """Also where mappings and ranks are worked off in blocks."""
    monkeypatch.setattr(corners, "CELLS", request.param)


@pytest.mark.usefixtures("_in_blocks")
@settings(max_examples=100)
@given(planes())
def test_no_corner_is_better_nor_as_good_and_preferred(plane):
    expected = max(every_corner(*plane), key=lambda corner: corner[0])  # the first of the largest
    measures, changes, worth = plane
    placed = corners.Plane(measures)
    gain, mapping, corner = placed.best(changes, worth)
    assert gain == max(expected[0], 0)
    if gain:
        assert (mapping, placed.thresholds(*corner)) == expected[2:]


@pytest.mark.usefixtures("_in_blocks")
@settings(max_examples=100)
@given(planes())
def test_the_front_has_the_best_corner_of_each_number(plane):
    expected = [(0, 0, None, None)]
    for corner in sorted(every_corner(*plane), key=lambda corner: (corner[1], -corner[0])):  # keeps the order of ties
        if corner[0] > expected[-1][0]:
            expected.append(corner)
    measures, changes, worth = plane
    placed = corners.Plane(measures)
    numbers, gains, chosen = placed.front(changes, worth)
    assert list(zip(gains, numbers, strict=True)) == [corner[:2] for corner in expected]
    for (mapping, *ranks), corner in zip(chosen[1:], expected[1:], strict=True):
        assert (mapping, placed.thresholds(*ranks)) == corner[2:]
