"""Keys that a config holds twice, of which YAML keeps the last and says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from emofuse.tables import InputError, Problem, Problems


def check(files: Iterable[str | Path]) -> None:
    """Check that no mapping in YAML files has a key twice.

    Raises:
        InputError: naming each file, line and key
    """
    problems: Problems = []
    for file in files:
        root = yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for node, before in _repeated(root):
            problem: Problem = (
                f"{file}: line {node.start_mark.line + 1}: {node.value} stands already in line"
                f" {before.start_mark.line + 1}; should stand once"
            )
            problems.append(problem)
    if problems:
        raise InputError(problems)


def _repeated(root: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Each key that a mapping has already, and where it has it."""
    waiting = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:  # an alias is the node that it names
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            first: dict[str, yaml.Node] = {}
            for key, value in node.value:
                waiting += [key, value]
                before = first.setdefault(str(key.value), key)
                if before is not key:
                    yield key, before
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
