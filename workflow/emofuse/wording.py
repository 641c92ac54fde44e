"""The code of a definition: what computes, without what is only said to people or to type checkers.

Left out are

1. comments, docstrings, ``pass``, and annotations (of a class's fields the names remain);
2. the arguments of an exception that is raised; of the methods :data:`LEVELS` of :data:`LOGGERS`; of ``print``
   without a ``file``; of :data:`PROGRESS_METHODS`; and the keywords :data:`DESCRIPTIONS`;
3. texts, which are strings and f-strings with the names in them, where they are put into a variable or parameter
   named as :data:`PROBLEMS` or annotated as a ``Problem``, given to ``InputError`` or ``Problem``
   or stand in a function that returns nothing but ``Problem``.

Names in what is left out are not followed. All other strings are data.
So are, within the third kind, those in conditions, loops, comparisons, subscripts and keys: they decide what is said.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

LOGGERS = {"log", "logger", "logging", "warnings"}
"""Names whose methods :data:`LEVELS` say their arguments."""

LEVELS = {"critical", "debug", "error", "exception", "info", "log", "warn", "warning"}

PROGRESS_METHODS = {"set_description", "set_description_str", "set_postfix", "set_postfix_str"}
"""Methods that write beside a progress bar."""

DESCRIPTIONS = {"tqdm": {"desc", "unit", "postfix"}, "trange": {"desc", "unit", "postfix"}, "Field": {"description"}}
"""Keywords, by the function that takes them, that are only shown."""

PROBLEMS = {"problem", "problems", "fault", "faults"}
"""Variables that hold what is said about bad input."""

ADDING = {"add", "append", "extend", "insert"}
"""Methods that put their arguments into such a variable."""

PROBLEM_TYPES = {"Problem", "Problems"}
"""Types of what is said about bad input, see :mod:`emofuse.tables`."""

GROUPS_OF_PROBLEMS = {"Collection", "Generator", "Iterable", "Iterator", "Sequence", "list"}
"""What may stand around these types."""

TYPING = {"annotation", "returns", "type_comment"}
"""Fields of the syntax tree that are for type checkers."""

DECIDING = {"guard", "iter", "keys", "pattern", "slice", "test"}
"""Fields of the syntax tree whose texts decide what is said."""


Imports: TypeAlias = dict[str, set[str]]
"""The dotted paths that each imported name may stand for."""


@dataclass(frozen=True)
class Reading:
    """What statements say.

    Args:
        code: what computes, as text
        names: the names in that, with their attributes: ``a.b.c``
        imports: those within the statements
    """

    code: str
    names: set[str]
    imports: Imports


def read(statements: Iterable[ast.stmt], package: str) -> Reading:
    """Read statements.

    Args:
        statements: in their order
        package: what relative imports are relative to
    """
    reader = _Reader(package)
    for statement in statements:
        reader.visit(statement)
    return Reading("".join(reader.text), reader.names, reader.imports)


class _Reader(ast.NodeVisitor):
    """Writes the code of what it visits, and collects names and imports."""

    def __init__(self, package: str) -> None:
        self.text: list[str] = []
        self.names: set[str] = set()
        self.imports: Imports = defaultdict(set)
        self._package = package
        self._is_said = False  # whether texts are only said to people
        self._is_class = False  # whether annotations define fields

    def generic_visit(self, node: ast.AST) -> None:
        self.text.append(f"{type(node).__name__}(")
        for field in node._fields:
            if field not in TYPING:
                self._write(getattr(node, field), is_said=self._is_said and field not in DECIDING)
        self.text.append(")")

    def _write(self, value: object, is_said: bool) -> None:
        before, self._is_said = self._is_said, is_said
        if isinstance(value, list):
            self.text.append("[")
            for item in value:
                self._item(item)
            self.text.append("]")
        else:
            self._item(value)
        self.text.append(",")
        self._is_said = before

    def _item(self, value: object) -> None:
        if isinstance(value, ast.expr_context):
            return
        if isinstance(value, ast.AST):
            self.visit(value)
        else:
            self.text.append("- " if value is None else f"{value!r} ")

    # What computes nothing.

    def visit_Pass(self, node: ast.Pass) -> None:
        pass

    def visit_Expr(self, node: ast.Expr) -> None:
        is_docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if not is_docstring:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        # An import counts where its name is used.
        add_imports(node, self._package, self.imports)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        add_imports(node, self._package, self.imports)

    def visit_If(self, node: ast.If) -> None:
        if _last(node.test) == "TYPE_CHECKING":
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    # Names.

    def visit_Name(self, node: ast.Name) -> None:
        self.names.add(node.id)
        self.text.append(f"{node.id} ")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted(node)
        if dotted is None:
            self.generic_visit(node)
        else:  # a name that only begins it is no use of the whole module
            self.names.add(dotted)
            self.text.append(f"{dotted} ")

    # What is said to people.

    def visit_Constant(self, node: ast.Constant) -> None:
        self.text.append("… " if self._is_said and isinstance(node.value, str) else f"{node.value!r} ")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if self._is_said:
            self.text.append("… ")
        else:
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        before, self._is_said = self._is_said, False
        self.generic_visit(node)
        self._is_said = before

    def visit_Raise(self, node: ast.Raise) -> None:
        self.text.append("Raise(")
        self._write(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, self._is_said)
        self._write(node.cause, self._is_said)
        self.text.append(")")

    def visit_Call(self, node: ast.Call) -> None:
        self.text.append("Call(")
        self._write(node.func, self._is_said)
        if not _only_speaks(node):
            name = _last(node.func)
            is_said = self._is_said or name in PROBLEM_TYPES | {"InputError"} or _adds_problems(node)
            self._write(node.args, is_said)
            shown = DESCRIPTIONS.get(name, ())
            self._write([keyword for keyword in node.keywords if keyword.arg not in shown], is_said)
        self.text.append(")")

    def visit_keyword(self, node: ast.keyword) -> None:
        self.text.append(f"{node.arg}=")
        self._write(node.value, self._is_said or node.arg in PROBLEMS)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assign(node.targets, node.value, self._is_said or any(map(_is_problem, node.targets)))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        is_said = self._is_said or _is_problem(node.target) or _is_problem_type(node.annotation)
        if self._is_class:
            self.text.append("AnnAssign")
        if self._is_class or node.value:
            self._assign([node.target], node.value, is_said)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.text.append(type(node.op).__name__)
        self._assign([node.target], node.value, self._is_said or _is_problem(node.target))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.text.append("Named")
        self._assign([node.target], node.value, self._is_said or _is_problem(node.target))

    def _assign(self, targets: list[ast.expr], value: ast.expr | None, is_said: bool) -> None:
        self.text.append("Assign(")
        self._write(targets, self._is_said)
        self._write(value, is_said)
        self.text.append(")")

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        before, self._is_class = self._is_class, False
        self.text.append(f"{type(node).__name__}({node.name} ")
        self._write([node.args, *node.decorator_list], self._is_said)
        self._write(node.body, self._is_said or _is_problem_type(node.returns))
        self.text.append(")")
        self._is_class = before

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self._is_class = self._is_class, True
        self.generic_visit(node)
        self._is_class = before


def _only_speaks(call: ast.Call) -> bool:
    """Whether all arguments of a call are said to people."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "print" and all(keyword.arg != "file" for keyword in call.keywords)
    if isinstance(function, ast.Attribute):
        is_logger = isinstance(function.value, ast.Name) and function.value.id in LOGGERS
        return function.attr in PROGRESS_METHODS or (is_logger and function.attr in LEVELS)
    return False


def _adds_problems(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ADDING and _is_problem(call.func.value)


def _is_problem(target: ast.expr) -> bool:
    """Whether a variable, an attribute or an item of it is named as :data:`PROBLEMS`."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return _last(target) in PROBLEMS


def _is_problem_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation speaks of ``Problem`` and nothing else."""
    if annotation is None:
        return False
    types = set(_types(annotation))
    return bool(types & PROBLEM_TYPES) and types <= PROBLEM_TYPES | GROUPS_OF_PROBLEMS


def _types(annotation: ast.expr) -> Iterator[str]:
    """The names of the types that an annotation is made of, ``None`` left out."""
    if isinstance(annotation, (ast.Name, ast.Attribute)):
        yield _last(annotation)
    elif isinstance(annotation, ast.Constant):
        yield from [str(annotation.value)] if annotation.value is not None else []
    else:
        for child in ast.iter_child_nodes(annotation):
            yield from _types(child) if isinstance(child, ast.expr) else []


def _last(node: ast.expr) -> str:
    """The last name of an attribute chain, or the name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.expr) -> str | None:
    """``a.b.c`` of an attribute chain that begins with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def add_imports(statement: ast.Import | ast.ImportFrom, package: str, imports: Imports) -> None:
    """Add the dotted path that each name of an import stands for; ``package`` is what it may be relative to."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            path = alias.name if alias.asname else alias.name.split(".")[0]
            imports[alias.asname or path].add(path)
        return
    base = statement.module or ""
    if statement.level:
        above = package.split(".")[: len(package.split(".")) - statement.level + 1]
        base = ".".join([*above, *([base] if base else [])])
    for alias in statement.names:
        imports[alias.asname or alias.name].add(f"{base}.{alias.name}")
