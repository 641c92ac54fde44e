"""What a script reaches: definitions, followed by their names across modules, in the parsed code.

A definition is what one statement at the top level of a module binds: a function, a class, a constant.
From a definition all names are followed that stand in it: to its own module, and through imports,
wherever they stand, to other modules. Statements that bind nothing (a call at the top level) belong to whatever
is reached in their module. A module that is used as a value, not by an attribute, is reached as a whole.

What of its code counts, :mod:`emofuse.wording` says.
"""

from __future__ import annotations

import ast
import builtins
import functools
import hashlib
import importlib.util
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from emofuse.wording import Imports, Reading, add_imports, read

Place: TypeAlias = tuple[str, str]
"""A module and a name in it."""

State: TypeAlias = list[tuple[str, int, int]]
"""Files, each with its modification time in ns and its size in bytes."""


@dataclass(frozen=True)
class Definition:
    """A definition and where it leads.

    Args:
        code: what computes, as text
        places: the definitions that it leads to
    """

    code: str
    places: tuple[Place, ...]

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of the code."""
        return hashlib.sha256(self.code.encode()).hexdigest()


def follow(script: str | Path, *roots: str, library: Path) -> dict[Place, Definition]:
    """The definitions that a script and some roots reach.

    Args:
        script: a Python file, all of which counts
        roots: definitions that the script reaches by name only: ``module:name`` in the library or in an installed
            package, all of which is then followed as the library is, or ``path/to/file.py:name``
        library: the folder of the library

    Returns:
        the definitions by module and name; the module of the script is ``""``, that of another file its path as given

    Raises:
        FileNotFoundError: if the script or the file of a root does not exist
        KeyError: if a module or a name of a root does not exist
    """
    files = {"": _parse(Path(script), "", package="")}
    followed = {library.name: library}
    for root in roots:
        module, _, _ = root.rpartition(":")
        top = module.split(".")[0]
        if module.endswith(".py"):
            files[module] = _parse(Path(module), module, package="")
        elif top not in followed:
            followed[top] = _installed(top, root)
    states = (tuple(state(path if path.is_dir() else [path])) for path in followed.values())
    code = _code(tuple(zip(followed, followed.values(), states, strict=True)))

    places = [("", name) for name in files[""].statements]
    for root in roots:
        module, _, name = root.rpartition(":")
        start = code.origin((module, name), files)
        if not start:
            raise KeyError(f"{root}: no such definition")
        places += start

    reached: dict[Place, Definition] = {}
    while places:
        place = places.pop()
        if place not in reached:
            reached[place] = code.definition(place, files)
            places += reached[place].places
    return reached


def state(place: str | Path | Iterable[str | Path]) -> State:
    """The state of Python files: as long as it stays, so does what :func:`follow` reads in them.

    Args:
        place: a folder, of which all ``*.py`` count, however deep, or files

    Returns:
        path (relative to the folder, or as given), modification time and size of each, sorted

    Raises:
        FileNotFoundError: if the folder or a file does not exist
    """
    if isinstance(place, (str, Path)):
        return sorted(_below(str(place), ""))
    stats = {str(path): Path(path).stat() for path in place}
    return sorted((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats.items())


def _below(folder: str, prefix: str) -> Iterator[tuple[str, int, int]]:
    # os.scandir takes a fifth of the time of Path.rglob, and this is asked for each digest.
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                stat = entry.stat()
                yield prefix + entry.name, stat.st_mtime_ns, stat.st_size
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _below(entry.path, f"{prefix}{entry.name}/")


def sources(root: str) -> list[Path]:
    """The files that a root outside of the library lies in: one, or those of its package.

    Args:
        root: as :func:`follow` takes it
    """
    place = root.rpartition(":")[0]
    if place.endswith(".py"):
        return [Path(place)]
    installed = _installed(place.split(".")[0], root)
    return sorted(installed.rglob("*.py")) if installed.is_dir() else [installed]


def _installed(top: str, root: str) -> Path:
    """The folder of an installed package, or the file of an installed module, which is not run."""
    spec = importlib.util.find_spec(top) if top else None
    if spec and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if spec and spec.origin and spec.origin.endswith(".py"):
        return Path(spec.origin)
    raise KeyError(f"{root}: no such module")


# --- Following names -------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def _code(followed: tuple[tuple[str, Path, tuple[tuple[str, int, int], ...]], ...]) -> _Code:
    """Read once per process as long as the files, of which the last items are the states, stay as they are."""
    return _Code({top: folder for top, folder, _ in followed})


class _Code:
    """The modules whose names are followed, each parsed when it is first asked for.

    Args:
        folders: of the library and of packages (or the file of one that is a module), by their top-level name
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.folders = folders
        self._modules: dict[str, _Module | None] = {}
        self._definitions: dict[Place, Definition] = {}
        self._resolved: dict[str, list[Place]] = {}

    def module(self, name: str) -> _Module | None:
        if name not in self._modules:
            top, *below = name.split(".")
            self._modules[name] = None
            if top in self.folders:
                path = self.folders[top].joinpath(*below)
                if (file := path / "__init__.py").is_file():
                    self._modules[name] = _parse(file, name, package=name)
                elif (file := path if path.suffix == ".py" else path.parent / f"{path.name}.py").is_file():
                    self._modules[name] = _parse(file, name, package=name.rpartition(".")[0])
        return self._modules[name]

    def origin(self, place: Place, files: Mapping[str, _Module]) -> list[Place]:
        """Where a definition is, also if its module only imports it; empty if it is nowhere."""
        module_name, name = place
        module = files.get(module_name) or self.module(module_name)
        if module is None:
            return []
        if name in module.statements:
            return [place]
        places = [origin for path in module.paths(name) for origin in self._resolve(path)]
        return places if any(not name.startswith("<") for _, name in places) else []

    def definition(self, place: Place, files: Mapping[str, _Module]) -> Definition:
        """A definition of these modules, or of files that belong to no package."""
        module_name, name = place
        if module_name in files:
            return self._define(files[module_name], name)
        if place not in self._definitions:
            module = self.module(module_name)
            assert module is not None, place
            self._definitions[place] = self._define(module, name)
        return self._definitions[place]

    def _define(self, module: _Module, name: str) -> Definition:
        reading = module.read(name)
        places = {(module.name, unnamed) for unnamed in module.unnamed}
        bindings = set()
        for dotted in reading.names:
            first, _, rest = dotted.partition(".")
            if first in module.statements:
                places.add((module.name, first))
            for path in module.paths(first) | reading.imports.get(first, set()):
                bindings.add(f"{first} is {path}")
                places |= set(self._resolve(f"{path}.{rest}" if rest else path))
        return Definition(" ".join([reading.code, *sorted(bindings)]), tuple(sorted(places)))

    def _resolve(self, path: str) -> list[Place]:
        """The definitions that a dotted path leads to; none in a module that is not followed."""
        if path not in self._resolved:
            self._resolved[path] = []  # modules may import each other in a circle
            self._resolved[path] = self._find(path.split("."))
        return self._resolved[path]

    def _find(self, path: list[str]) -> list[Place]:
        places: list[Place] = []
        for length in range(len(path), 0, -1):
            module = self.module(".".join(path[:length]))
            if module is None:
                continue
            # Importing a module runs it and the packages above it.
            for end in range(1, length + 1):
                run = self.module(".".join(path[:end]))
                places += [(run.name, unnamed) for unnamed in run.unnamed] if run else []
            if length == len(path):  # all of it, as a value
                places += [(module.name, name) for name in module.statements]
                break
            name, *rest = path[length:]
            if name in module.statements:
                places.append((module.name, name))
            for origin in module.paths(name):  # re-exported
                places += self._resolve(".".join([origin, *rest]))
            break
        return places


# --- Reading modules -------------------------------------------------------------------------------------------------


def _parse(file: Path, name: str, package: str) -> _Module:
    return _Module(name, package, ast.parse(file.read_text(encoding="utf-8")))


class _Module:
    """The statements of a module by the names that they bind.

    Args:
        name: its dotted name, or the path of a file that belongs to no package
        package: what its relative imports are relative to
        tree: its syntax tree
    """

    def __init__(self, name: str, package: str, tree: ast.Module) -> None:
        self.name = name
        self.package = package
        self.statements: dict[str, list[ast.stmt]] = {}
        self.unnamed: list[str] = []  # those that bind nothing
        self.imports: Imports = defaultdict(set)
        self._readings: dict[str, Reading] = {}
        for statement in tree.body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                add_imports(statement, package, self.imports)
                continue
            bound = [target for target in _bound(statement) if target not in self.imports]
            for target in bound:
                self.statements.setdefault(target, []).append(statement)
            if not bound and (reading := read([statement], package)).code:
                # Told apart by their order, not by their place in the file.
                unnamed = f"<statement {len(self.unnamed)}>"
                self.unnamed.append(unnamed)
                self.statements[unnamed] = [statement]
                self._readings[unnamed] = reading
                # What they import (under a condition, in a try) the whole module can use.
                for imported, paths in reading.imports.items():
                    self.imports[imported] |= paths

    def read(self, name: str) -> Reading:
        if name not in self._readings:
            self._readings[name] = read(self.statements[name], self.package)
        return self._readings[name]

    def paths(self, name: str) -> set[str]:
        """The dotted paths that a name may stand for by the module's imports."""
        if name in self.imports or name in self.statements or name in vars(builtins):
            return self.imports.get(name, set())
        return {path.replace("*", name) for path in self.imports.get("*", ())}


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top level of a module binds or changes."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [name for target in statement.targets for name in _targets(target)]
    if isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        return list(_targets(statement.target))
    return []


def _targets(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
        yield from _targets(target.value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _targets(element)


def sources_named(texts: Iterable[str], folder: str | Path) -> list[Path]:
    """The files of the parts that texts name by a path outside of the library.

    Args:
        texts: of a config
        folder: what paths of files are relative to
    """
    files: list[Path] = []
    for text in texts:
        if named := re.fullmatch(r"(.+\.py):\w+", text):
            files.append(Path(folder, named[1]))
        elif re.fullmatch(r"(?!emofuse\.)[\w.]+:\w+", text):
            with suppress(KeyError):  # what is not installed is said when the config is checked
                files += sources(text)
    return [file for file in files if os.path.isfile(file)]  # noqa: PTH113 (Path.is_file stumbles over a long name)
