"""What was computed for a key is not computed again for the same key."""

import pytest

from emofuse.memory import Memory


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "cache")


def test_a_value_is_computed_once_per_key(memory):
    asked = []

    def compute():
        asked.append(1)
        return {"a": [1, 2], "b": None}

    assert [memory.recall("x", ["key"], compute) for _ in range(3)] == [{"a": [1, 2], "b": None}] * 3
    assert len(asked) == 1
    memory.recall("x", ["other"], compute)
    memory.recall("y", ["other"], compute)
    assert len(asked) == 3


def test_the_first_answer_is_what_later_ones_are(memory):
    assert memory.recall("x", 1, lambda: (1, (2,))) == [1, [2]] == memory.recall("x", 1, lambda: None)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": 1}', b"\xff"])
def test_a_damaged_file_is_computed_anew(memory, damage):
    memory.recall("x", 1, lambda: 5)
    (memory.folder / "x.json").write_bytes(damage)
    assert memory.recall("x", 1, lambda: 5) == 5


def test_an_error_is_not_remembered(memory):
    with pytest.raises(ZeroDivisionError):
        memory.recall("x", 1, lambda: 1 / 0)
    assert memory.recall("x", 1, lambda: 5) == 5
