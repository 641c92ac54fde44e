"""Parts: what a config names, located where it is defined, and described by what it says of itself.

A part is a fusion method, a corpus reader or an adaptation, which are classes, or a protocol or a text normalisation,
which are functions.
Nobody keeps a list of them: the name of a part in a config is its own name in snake_case,
and a part from elsewhere is named by its path, ``my_method.py:MyMethod`` or ``package.module:MyMethod``.

A part's signature says which parameters it takes, each with its type, range, default and a sentence::

    def __init__(self, weight: Annotated[float, Field(ge=0, le=1, description="Of the sentiment.")] = 0.5) -> None:

From that follow the config's check and its documentation, and the check of an estimator's own ``fit``.
What a class says besides (the columns that it reads, what should be noted about its results) are class attributes.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from emofuse.tables import InputError, Problem, Problems

LIBRARY = Path(__file__).parent


class Kind(NamedTuple):
    """A kind of part.

    Args:
        noun: what errors call it
        place: the folder or module of the library that holds the parts of this kind
        mark: the class that they derive from, or the decorator of a function
        base: the path of that class
    """

    noun: str
    place: str
    mark: str
    base: str = ""


METHOD = Kind("fusion method", "fusion", "FusionMethod", "emofuse.fusion.base:FusionMethod")
READER = Kind("corpus reader", "corpora", "Reader", "emofuse.corpora.base:Reader")
ADAPTATION = Kind("adaptation", "fusion/adaptation", "Adaptation", "emofuse.fusion.adaptation.base:Adaptation")
PROTOCOL = Kind("protocol", "splits.py", "protocol")
NORMALISATION = Kind("text normalisation", "text/normalisation.py", "normalisation")


# --- Where parts are -------------------------------------------------------------------------------------------------


def known(kind: Kind, library: Path = LIBRARY) -> dict[str, str]:
    """The parts of a kind that the library has: the path of each by its name in a config.

    Modules are read, not imported, so that asking is cheap.
    A class that is only derived from says ``abstract=True`` in its header; names that begin with ``_`` are private.

    >>> known(PROTOCOL)["cross_corpus"]
    'emofuse.splits:cross_corpus'
    """
    place = library / kind.place
    files = sorted(place.glob("*.py")) if place.is_dir() else [place]
    bases: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    for file in files:
        module = ".".join([library.name, *file.relative_to(library).with_suffix("").parts])
        for statement in _statements(file, file.stat().st_mtime_ns):
            if isinstance(statement, ast.ClassDef):
                bases[statement.name] = [ast.unparse(base) for base in statement.bases]
                is_part = not any(keyword.arg == "abstract" for keyword in statement.keywords)
            elif isinstance(statement, ast.FunctionDef):
                is_part = kind.mark in map(ast.unparse, statement.decorator_list)
            else:
                continue
            if is_part and not statement.name.startswith("_") and statement.name != kind.mark:
                paths[statement.name] = f"{module}:{statement.name}"

    def derives(name: str) -> bool:
        return name == kind.mark or any(map(derives, bases.get(name, [])))

    return {snake_case(name): path for name, path in paths.items() if name not in bases or derives(name)}


@functools.cache
def _statements(file: Path, changed: int) -> list[ast.stmt]:
    """The top level of a module, which is read once as long as it is not changed."""
    return ast.parse(file.read_text(encoding="utf-8")).body


def locate(kind: Kind, name: str, folder: str | Path = ".") -> str:
    """The path of a part, ``module:name`` or ``file.py:name``.

    Args:
        kind: what is looked for
        name: its name in the library, or a path
        folder: what the path of a file is relative to: the folder of the config that names it

    Returns:
        the path, a file's relative to the working folder, so that a moved project finds it

    Raises:
        InputError: if no part has that name, with the nearest

    >>> locate(PROTOCOL, "cross_korpus")
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - should be one of cross_corpus, …; did you mean 'cross_corpus'?
    """
    place, colon, attribute = name.rpartition(":")
    if not colon:
        parts = known(kind)
        if name not in parts:
            raise InputError([f"{should_be_one_of(name, parts)}; or the path of one, file.py:Name"])
        return parts[name]
    if place.endswith(".py"):
        file = Path(folder, place)
        if not file.is_file():
            raise InputError([f"should be a {kind.noun}, but there is no file {file}"])
        return f"{Path(os.path.relpath(file)).as_posix()}:{attribute}"
    try:
        module_spec = importlib.util.find_spec(place)
    except (ImportError, ValueError):
        module_spec = None
    if module_spec is None:
        raise InputError([f"should be a {kind.noun}, but there is no module {place}"])
    return name


def load(path: str, kind: Kind | None = None) -> Any:
    """The class or function at a path that :func:`locate` gave.

    Raises:
        InputError: if its module cannot be imported or has no such name, or if it is no part of that kind
    """
    place, _, attribute = path.rpartition(":")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except Exception as error:  # a user's own code may raise anything
        raise InputError([f"{place}: cannot be imported ({type(error).__name__}: {error})"]) from error
    if not hasattr(module, attribute):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise InputError([f"{place}: has no {attribute!r}{nearest(attribute, names)}"])
    part = getattr(module, attribute)
    is_class = isinstance(part, type)
    if kind and (not (is_class and issubclass(part, load(kind.base))) if kind.base else is_class or not callable(part)):
        form = f"a class that derives from {kind.mark}" if kind.base else "a function"
        raise InputError([f"{path}: is no {kind.noun}; should be {form}"])
    return part


def _load_file(file: Path) -> Any:
    """A module from a file that belongs to no package, under a name that no other has."""
    name = f"emofuse_part_{re.sub(r'[^a-zA-Z0-9]', '_', str(file.resolve()))}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        sys.modules[name] = module  # dataclasses and type hints look their module up
        try:
            spec.loader.exec_module(module)  # type: ignore[union-attr]
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def snake_case(name: str) -> str:
    """A class's name as a config writes it.

    >>> snake_case("EntropyVarentropy"), snake_case("leave_one_speaker_out")
    ('entropy_varentropy', 'leave_one_speaker_out')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# --- What parts say of themselves ------------------------------------------------------------------------------------

GIVEN = "random_state"
"""The parameter that no config gives: it is derived from names."""


def parameters(part: Callable[..., Any]) -> type[BaseModel]:
    """The parameters of a part, as its signature says them.

    Args:
        part: a class, of whose ``__init__`` all parameters count but ``random_state``,
            or a function, of which those count that are given by keyword only

    Returns:
        a pydantic model with a field per parameter; other keys are refused
    """
    function = part.__init__ if isinstance(part, type) else part  # type: ignore[misc]
    hints = get_type_hints(function, include_extras=True)
    fields = {}
    for name, parameter in inspect.signature(part).parameters.items():
        is_configured = name != GIVEN if isinstance(part, type) else parameter.kind is parameter.KEYWORD_ONLY
        if is_configured and parameter.kind is not parameter.VAR_KEYWORD:
            if name not in hints:
                raise InputError(
                    [f"{part.__name__}: parameter {name!r} has no type; should have one, as {name}: float"]
                )
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints[name], default)
    return create_model(part.__name__, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)  # type: ignore[call-overload]


def accepts(function: Callable[..., Any]) -> list[int]:
    """How many positional arguments a function accepts: each number, ascending."""
    positional = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    required = sum(parameter.default is parameter.empty for parameter in positional)
    return list(range(required, len(positional) + 1))


class File:
    """Marks a parameter that is a path below ``data_dir``, of which the content counts and not the place."""


FILE = File()


def files(part: Callable[..., Any]) -> list[str]:
    """The parameters of a part that are marked :data:`FILE`."""
    return [name for name, field in parameters(part).model_fields.items() if FILE in field.metadata]


def summary(part: Callable[..., Any]) -> str:
    """The first sentence of a part's docstring, on one line.

    >>> summary(summary)
    "The first sentence of a part's docstring, on one line."
    """
    # Who reads it knows no roles of Sphinx: of :class:`~emofuse.fusion.context.Context`, Context is left.
    plain = re.sub(r":\w+:`~?(?:\w+\.)*(\w+)`", r"\1", inspect.getdoc(part) or "")
    return " ".join(plain.split("\n\n")[0].split())


def check_parameters(part: Any) -> None:
    """Check the parameters of an estimator, which scikit-learn's ``fit`` does.

    Args:
        part: an object with ``get_params``; its class may say in ``conflicts(**parameters)`` which do not go together

    Raises:
        ValueError: naming each parameter that is not as the signature says
    """
    values = {name: value for name, value in part.get_params(deep=False).items() if name != GIVEN}
    wrong = problems(parameters(type(part)), values, strict=False) or list(conflicts(type(part), values))
    if wrong:
        raise ValueError("; ".join(wrong))


def conflicts(part: Any, values: Mapping[str, Any]) -> Iterable[Problem]:
    """Which of a part's parameters, each valid in itself, do not go together."""
    return getattr(part, "conflicts", lambda **_: ())(**values)


# --- Problems in this project's words --------------------------------------------------------------------------------


def problems(model: type[BaseModel], values: Any, place: str = "", *, strict: bool = True) -> Problems:
    """All that is wrong with values, a sentence each.

    Args:
        model: what they should be
        values: what they are
        place: where they stand in a config, such as ``methods.mean.parameters``
        strict: whether a number in quotes is no number

    Returns:
        sentences that name the key, the value and what would be right; empty if all is well
    """
    try:
        model.model_validate(values, strict=strict)
    except ValidationError as error:
        return [_explain(model, detail, place) for detail in error.errors(include_url=False)]
    return []


def _explain(model: type[BaseModel], detail: ErrorDetails, place: str) -> Problem:
    """Say an error of pydantic so that one knows what to write instead."""
    kinds_of_value = {
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "finite_number": "a finite number",
        "float_type": "a number",
        "float_parsing": "a number",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "string_type": "a text",
        **dict.fromkeys(("is_sequence", "list_type", "sequence_str", "tuple_type"), "a list"),
        **dict.fromkeys(("dict_type", "model_type"), "a mapping of keys to values"),
    }
    bounds = {
        "greater_than": ("gt", "above"),
        "greater_than_equal": ("ge", "at least"),
        "less_than": ("lt", "below"),
        "less_than_equal": ("le", "at most"),
    }
    *above, last = (str(part) for part in detail["loc"] if part != "[key]") if detail["loc"] else ("",)
    group = ".".join(filter(None, [place, *above]))
    key = ".".join(filter(None, [group, last]))
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        keys = _keys(model, detail["loc"][:-1])
        return f"{group + ': ' if group else ''}unknown key {last!r}; {should_be_one_of(last, keys)}"
    if kind == "missing":
        return f"{key} is missing"
    said = f"{key} has no value" if value is None else f"{key} is {value!r}"
    if kind in ("literal_error", "enum"):
        return f"{said}; {should_be_one_of(value, _choices(context['expected']))}"
    if kind in bounds:
        bound, words = bounds[kind]
        limit = context[bound]
        return f"{said}; should be {words} {limit if isinstance(limit, int) else f'{limit:g}'}"
    if kind == "string_pattern_mismatch":
        return f"{said}; should be letters, digits, - and _, and begin with a letter or digit"
    if kind == "too_short":
        return f"{said}; should have {context['min_length']} or more"
    if kind == "string_too_long":
        return f"{said}; should have at most {context['max_length']} letters"
    if kind == "finite_number":
        return f"{said}; should be a number that is finite"
    if kind in kinds_of_value:
        return f"{said}; should be {kinds_of_value[kind]}"
    return f"{said}; {detail['msg'].removeprefix('Value error, ')}"


def _choices(expected: str) -> list[str]:
    """The values of a literal, of pydantic's "'a', 'b' or 'c'"."""
    return re.findall(r"'([^']*)'", expected) or [expected]


def _keys(model: type[BaseModel], above: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that lies at a place in another."""
    for name in above:
        field = model.model_fields.get(str(name))
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a type is, or may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def should_be_one_of(value: object, choices: Iterable[str]) -> Problem:
    """What would be right, and the nearest to what was said.

    >>> should_be_one_of("spech", ["speech", "mean"])
    "should be one of speech, mean; did you mean 'speech'?"
    """
    choices = list(choices)
    return f"should be one of {', '.join(choices)}{nearest(value, choices)}"


def nearest(value: object, choices: Iterable[str]) -> Problem:
    """A question about the most similar choice, if one is similar."""
    close = difflib.get_close_matches(str(value), list(choices), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
