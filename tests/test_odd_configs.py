"""Of a config that is odd in any way, all is refused by name, or all is meant as it was written."""

from __future__ import annotations

import copy
import datetime
import functools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from helpers import ROOT
from hypothesis import strategies as st

from emofuse import completion
from emofuse.study import Study
from emofuse.tables import InputError

CONFIGS = sorted((ROOT / "config").glob("*.yaml"))

# fmt: off
ODD = [
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e308, 10**30, 2**53 + 1, 10**400, math.inf, -math.inf, math.nan,
    "", " ", "main", "true", "1", "2020-01-01", "a" * 300, "a\nb", "a\0b", "{a}", "..", "/", "ä", "\u202e", "\ud800",
    "speech", "released", "all", "model", "no_module:Name", "os:path", "os.path.x:y", "json:loads", "a" * 300 + ":X",
    "no_file.py:Name", "a" * 300 + ".py:X", "a\0b.py:X", "x/../y.py:Z", "x.py:", ".:x", ":", "a:b:c",
    [], {}, [None], [[]], ["a", "a"], [1, "a"], {"a": {}}, {None: 1}, {1: 2}, ["x"] * 1000,
    datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), b"\xff", {"a", "b"},
]
# fmt: on
"""Values as YAML may give them."""

KEYS = ["", "x", "A", "speech", "study", "model", "a" * 300, "a b", "ä", "a\n", "..", "{x}"]
KEYS += [1, 1.5, True, None, (1, 2), datetime.date(2020, 1, 1), b"x"]
"""Names that a key may get."""

Path_ = tuple[Any, ...]


def places(value: Any, above: Path_ = ()) -> Iterator[Path_]:
    """The path of each value in a config, at any depth."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


def kind(value: Any) -> type:
    """The type of a value, any number's the same."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


@functools.cache
def completed(file: Path) -> dict:
    """A shipped config with a value for every key."""
    return completion.complete(yaml.safe_load(file.read_text()), folder=file.parent).config


@st.composite
def mutated(draw: st.DrawFn) -> tuple[dict, set[str]]:
    """A shipped config, as written or completed, changed at one to three places, and the keys that are concerned."""
    file, is_completed = draw(st.sampled_from(CONFIGS)), draw(st.booleans())
    config = copy.deepcopy(completed(file)) if is_completed else yaml.safe_load(file.read_text())
    concerned: set[str] = set()
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        paths = list(places(config))
        if not paths:
            break
        *above, key = draw(st.sampled_from(paths))
        around = config
        for name in above:
            around = around[name]
        alike = st.sampled_from([value for value in ODD if kind(value) is kind(around[key])])
        odd = draw(st.one_of(alike, alike, st.sampled_from(ODD), st.integers(), st.floats(), st.text()))
        new = draw(st.sampled_from([*KEYS, f"{key}s", str(key).upper()]))
        concerned |= {str(name) for name in (*above, key)}
        match draw(st.sampled_from(["drop", "replace", "replace", "replace", "add", "rename", "move", "wrap"])):
            case "drop":
                del around[key]
            case "replace":
                around[key] = copy.deepcopy(odd)
            case "wrap":
                around[key] = [around[key]]
            case "move":  # to the end, where nobody may look
                value = around.pop(key)
                config[new], concerned = value, concerned | {str(new)}
            case "add" | "rename" if isinstance(around, list):
                around.append(copy.deepcopy(around[key]))
            case "add":
                around[new], concerned = copy.deepcopy(odd), concerned | {str(new)}
            case "rename":
                around[new], concerned = around.pop(key), concerned | {str(new)}
    return config, concerned


def meant(written: Any, completed: Any) -> bool:
    """Whether a completed value says what was written, and says more only where nothing was."""
    if isinstance(written, Mapping):
        return isinstance(completed, Mapping) and all(
            key in completed and (meant(value, completed[key]) or (key == "methods" and value is None))
            for key, value in written.items()
        )
    if isinstance(completed, Mapping):  # an entry without a value, or conditions of both sides
        sides = written is not None and completed.keys() == {"train", "test"}
        return written is None or (sides and all(meant(written, side) for side in completed.values()))
    if isinstance(completed, list):
        if isinstance(written, str):  # one name stands for a list of it
            return completed == [written]
        return isinstance(written, list) and len(written) == len(completed) and all(map(meant, written, completed))
    if isinstance(written, bool) or isinstance(completed, bool) or written is None or completed is None:
        return written is completed
    if isinstance(written, int | float) and isinstance(completed, int | float):
        return written == completed
    return type(written) is type(completed) and written == completed


def load(config: dict, concerned: set[str]) -> None:
    """Load a study, which is what was written, or is refused by a sentence that names a key that is concerned."""
    before = copy.deepcopy(config)
    try:
        study = Study.load(config, "config", ROOT / "config")
    except InputError as error:
        assert error.problems
        assert all(problem.startswith("config: ") for problem in error.problems)
        assert any(key in problem for key in concerned for problem in error.problems), error
    else:
        assert meant(before, study.config), (before, study.config)


@pytest.mark.faults
def test_what_is_odd_is_refused_by_name_or_meant_as_written(tmp_path, monkeypatch, thorough):
    monkeypatch.chdir(tmp_path)
    tried = hypothesis.settings(max_examples=250 if thorough else 30, derandomize=True, database=None, deadline=None)
    tried(hypothesis.given(mutated())(lambda mutation: load(*mutation)))()


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_a_shipped_config_is_meant_as_written(tmp_path, monkeypatch, file: Path):
    monkeypatch.chdir(tmp_path)
    load(yaml.safe_load(file.read_text()), set())
