"""Where a result comes from: digests of code and of files, and seeds from names.

Snakemake reruns a job when its parameters change, and does not see the library behind its script.
So each rule takes as a parameter the digest of all code that its script reaches:
:func:`code_digest` follows names from definition to definition, across modules.
What is hashed is the parsed code without comments and docstrings, so that writing those reruns nothing.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).parent


def canonical(value: Any) -> str:
    """A value as JSON text that does not depend on the order of keys.

    >>> canonical({"b": [1.0], "a": None})
    '{"a":null,"b":[1.0]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """A short digest of a plain value, 16 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def file_digest(paths: Iterable[str | Path]) -> str:
    """A short digest of the contents of files, in their order; a file that is not there counts as such."""
    total = hashlib.sha256()
    for path in map(Path, paths):
        total.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"absent")
    return total.hexdigest()[:16]


def seed(*names: str | int) -> int:
    """A seed for anything random, from the names of what it is for.

    Args:
        names: such as the study's seed, the corpus, the method and the fold

    Returns:
        an integer between 0 and 2³² − 1

    >>> seed(0, "iemocap", "paper", "Ses01F") == seed(0, "iemocap", "paper", "Ses01F")
    True
    >>> seed(0, "iemocap", "paper", "Ses01F") == seed(0, "iemocap", "paper", "Ses01M")
    False
    """
    return int.from_bytes(hashlib.sha256(canonical(names).encode()).digest()[:4])


def code_digest(script: str | Path, *roots: str, library: Path = LIBRARY) -> str:
    """A digest of a script and of every definition of the library that it reaches.

    Args:
        script: a Python file, all of which counts
        roots: definitions that the script reaches by name only, as ``module:name``
        library: the folder of the package

    Returns:
        16 hexadecimal digits

    Raises:
        FileNotFoundError: if the script does not exist
        KeyError: if a root does not exist
    """
    reached = reach(script, *roots, library=library)
    return digest([[module, name, code] for (module, name), code in sorted(reached.items())])


def reach(script: str | Path, *roots: str, library: Path = LIBRARY) -> dict[tuple[str, str], str]:
    """The definitions that a script reaches, each with its parsed code as text.

    A definition is what one statement at the top level of a module binds: a function, a class, a constant.
    From a definition all names are followed that stand in it: to its own module, and through imports,
    wherever they stand, to others. Statements that bind nothing (a call at the top level) belong to whatever
    is reached in their module. A module that is used as a value, not by an attribute, is reached as a whole.

    Args:
        script: a Python file
        roots: further definitions to start from, as ``module:name``
        library: the folder of the package

    Returns:
        the code of each (module, name); the script itself is the module ``""``
    """
    modules = _modules(library, _state(library))
    main = _Module.parse(Path(script).read_text(encoding="utf-8"), "", is_package=False)
    todo = [("", name) for name in main.definitions]
    for root in roots:
        module, name = root.split(":")
        if name not in modules[module].definitions:
            raise KeyError(f"{root}: no such definition")
        todo.append((module, name))

    reached: dict[tuple[str, str], str] = {}
    while todo:
        place = todo.pop()
        if place in reached:
            continue
        module_name, name = place
        module = main if module_name == "" else modules[module_name]
        definition = module.definitions.get(name)
        if definition is None:
            continue
        imported = module.imports | definition.imports
        used = sorted({f"{name} is {imported[name]}" for name in map(_first, definition.names) if name in imported})
        reached[place] = " ".join([definition.code, *used])
        todo += [(module_name, other) for other in module.definitions if other.startswith("<")]
        todo += list(_followed(definition, module, modules))
    return reached


def _followed(definition: _Definition, module: _Module, modules: dict[str, _Module]) -> Iterable[tuple[str, str]]:
    """The definitions that the names in a definition lead to."""
    imported = module.imports | definition.imports
    for dotted in definition.names:
        first, *rest = dotted.split(".")
        if first in module.definitions and first not in definition.imports:
            yield module.name, first
        elif first in imported:
            yield from _resolve([*imported[first].split("."), *rest], modules)


def _first(dotted: str) -> str:
    return dotted.split(".")[0]


def _resolve(path: list[str], modules: dict[str, _Module]) -> Iterable[tuple[str, str]]:
    """The definitions that a dotted path leads to: one, or all of a module that is used as a whole."""
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        if name not in modules:
            continue
        module, rest = modules[name], path[length:]
        # Importing a module runs the packages above it.
        for above in range(1, length):
            package = ".".join(path[:above])
            yield from ((package, other) for other in modules[package].definitions if other.startswith("<"))
        if not rest:
            yield from ((name, other) for other in module.definitions)
        elif rest[0] in module.definitions:
            yield name, rest[0]
        elif rest[0] in module.imports:  # re-exported
            yield from _resolve([*module.imports[rest[0]].split("."), *rest[1:]], modules)
        return


@dataclass
class _Definition:
    code: str = ""
    names: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)


@dataclass
class _Module:
    name: str
    definitions: dict[str, _Definition]
    imports: dict[str, str]

    @classmethod
    def parse(cls, text: str, name: str, is_package: bool) -> _Module:
        tree = ast.parse(text)
        package = name if is_package else name.rpartition(".")[0]
        module = cls(name, {}, {})
        for place, statement in enumerate(tree.body):
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                module.imports |= _imports(statement, package)
                continue
            if _is_docstring(statement):
                continue
            bound = _bound(statement) or [f"<{place}>"]
            described = _describe(statement, package)
            for target in bound:
                definition = module.definitions.setdefault(target, _Definition())
                definition.code += described.code
                definition.names |= described.names
                definition.imports |= described.imports
        # Statements without a name are told apart by their order, not by their place in the file.
        unnamed = [key for key in module.definitions if key.startswith("<")]
        for order, key in enumerate(unnamed):
            module.definitions[f"<statement {order}>"] = module.definitions.pop(key)
        return module


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return []


def _describe(statement: ast.stmt, package: str) -> _Definition:
    """The code of a statement without docstrings, the names in it and the imports in it."""
    described = _Definition()
    for node in ast.walk(statement):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            described.imports |= _imports(node, package)
        elif isinstance(node, ast.Name):
            described.names.add(node.id)
        elif isinstance(node, ast.Attribute):
            dotted = _dotted(node)
            if dotted:
                described.names.add(dotted)
    # A name that only begins an attribute chain is no use of the whole module.
    begun = {_first(name) for name in described.names if "." in name}
    alone = {node.id for node in _uses(statement) if isinstance(node, ast.Name)}
    described.names -= begun - alone
    described.code = ast.dump(_without_docstrings(statement))
    return described


def _uses(statement: ast.stmt) -> Iterable[ast.AST]:
    """All nodes but those names that begin an attribute chain."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.Attribute) and _dotted(node):
            continue
        todo += list(ast.iter_child_nodes(node))


def _dotted(node: ast.expr) -> str | None:
    """``a.b.c`` of an attribute chain that begins with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def _imports(statement: ast.Import | ast.ImportFrom, package: str) -> dict[str, str]:
    """What each name that an import binds stands for, as a dotted path."""
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
            for alias in statement.names
        }
    base = statement.module or ""
    if statement.level:
        above = package.split(".")[: len(package.split(".")) - statement.level + 1]
        base = ".".join([*above, *([base] if base else [])])
    return {alias.asname or alias.name: f"{base}.{alias.name}" for alias in statement.names}


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _without_docstrings(statement: ast.stmt) -> ast.stmt:
    for node in ast.walk(statement):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [child for child in body if not _is_docstring(child)]  # type: ignore[attr-defined]
    return statement


def _state(library: Path) -> tuple[tuple[str, int, int], ...]:
    """The library's files with their times and sizes, so that they are parsed once a process and state."""
    files = sorted(library.rglob("*.py"))
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@functools.lru_cache(maxsize=4)
def _modules(library: Path, state: tuple[tuple[str, int, int], ...]) -> dict[str, _Module]:
    modules = {}
    for name, *_ in state:
        path = Path(name)
        parts = [library.name, *path.relative_to(library).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        dotted = ".".join(parts[:-1] if is_package else parts)
        modules[dotted] = _Module.parse(path.read_text(encoding="utf-8"), dotted, is_package)
    return modules
