"""A config as it is written: YAML, with the file and the line of what is wrong, which Snakemake does not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from emofuse.tables import InputError, Problem, Problems


def read(file: str | Path) -> dict[str, Any]:
    """Read a config.

    Returns:
        its keys and values as written

    Raises:
        InputError: naming the file and the line, if the file is missing, is no YAML in UTF-8, has no keys,
            or if a mapping in it has a key twice, of which YAML keeps the last and says nothing
    """
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InputError([f"{file}: cannot be read ({error.strerror})"]) from None
    try:
        text = content.decode("utf-8-sig")
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        config = yaml.load(text, Loader=yaml.CSafeLoader)
        json.dumps(config, default=str, skipkeys=True)  # says whether an alias holds itself
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem: Problem = f"byte 0x{content[error.start]:02x} is no UTF-8; should be saved as UTF-8"
        raise InputError([f"{file}: line {line}: {problem}"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = f"is not YAML ({', '.join(filter(None, (error.context, error.problem)))})"
        raise InputError([f"{file}: line {mark.line + 1}, column {mark.column + 1}: {problem}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError([f"{file}: is not YAML ({' '.join(str(error).split())})"]) from None
    problems: Problems = [
        f"{file}: line {node.start_mark.line + 1}: {node.value} stands already in line {before.start_mark.line + 1};"
        " should stand once"
        for node, before in _repeated(root)
    ]
    if not problems and not isinstance(config, dict):
        problems.append(f"{file}: should be keys and their values, as in `study: mine`")
    if problems:
        raise InputError(problems)
    return config


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
