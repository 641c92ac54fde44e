"""What makes a model's folder one of MLflow's: a model from code, with the library that it needs.

MLflow's own ``save_model`` writes the time, a random number and paths of this machine. Here the same model has the same
bytes, so that all of it is sealed.
"""

from __future__ import annotations

import ast
import base64
import importlib.metadata
import io
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import mlflow.pyfunc.loaders.code_model
import numpy as np
import soundfile
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Object, ParamSchema, ParamSpec, Property
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from emofuse import contracts, tables
from emofuse.model import activity, keeping
from emofuse.model.model import DESCRIPTION
from emofuse.model.served import Recording, Served
from emofuse.provenance import LIBRARY

CODE = "code"
"""The folder of the library's code in a model's."""

TYPES = {str: DataType.string, float: DataType.double, bool: DataType.boolean}
"""MLflow's words for types."""


def write(folder: Path) -> None:
    """Make a model's folder one that MLflow loads, serves and shows.

    Args:
        folder: as :func:`emofuse.model.package.write` leaves it
    """
    tables.write_text(
        f"""\
from pathlib import Path

import mlflow
from {Served.__module__} import {Served.__name__}

mlflow.models.set_model({Served.__name__}(Path(__file__).parent))
""",
        folder / "model.py",
    )
    modules, packages = needed(_named(folder))
    for module in modules:
        target = folder / CODE / LIBRARY.name / module.relative_to(LIBRARY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, target)
    tables.write_text("".join(f"{line}\n" for line in requirements(packages)), folder / "requirements.txt")
    python = {"python": platform.python_version(), "dependencies": ["-r requirements.txt"]}
    tables.write_text(yaml.safe_dump(python), folder / "python_env.yaml")
    example = {"inputs": [{"recording": "a tone", "audio": base64.b64encode(_tone()).decode()}]}
    tables.write_json(example["inputs"], folder / "input_example.json")
    tables.write_json(example, folder / "serving_input_example.json")
    tables.write_text(yaml.safe_dump(_described()), folder / "MLmodel")


def _described() -> dict[str, object]:
    """The file MLmodel, without what differs from one time to the next."""
    example = {"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json"}
    described = Model(
        signature=signature(), saved_input_example_info=example | {"type": "json_object"}, model_uuid=None
    )
    mlflow.pyfunc.add_to_model(
        described,
        loader_module=mlflow.pyfunc.loaders.code_model.__name__,
        code=CODE,
        python_env="python_env.yaml",
        model_code_path="model.py",
    )
    values = {name: value for name, value in described.to_dict().items() if value is not None}
    values.pop("utc_time_created")
    # Then MLflow checks requests against the class, which refuses what it does not know, and not against the schema.
    return values | {"is_signature_from_type_hint": True}


def signature() -> ModelSignature:
    """What a model is asked, with which parameters, and what it answers, in MLflow's words."""
    asked = [
        Property(name, TYPES[get_args(field.annotation)[0]], required=False)
        for name, field in Recording.model_fields.items()
    ]
    answered = [
        ColSpec(TYPES[column.dtype], name, required=not column.nullable)
        for name, column in contracts.PREDICTED.columns.items()
    ]
    params = [ParamSpec("words", DataType.string, "selected"), ParamSpec("budget", DataType.double, None)]
    return ModelSignature(Schema([ColSpec(Object(asked))]), Schema(answered), ParamSchema(params))


def _tone() -> bytes:
    """A fifth of a second that belongs to nobody."""
    file = io.BytesIO()
    soundfile.write(file, 0.5 * np.sin(np.arange(1600) / 4), 8000, format="WAV", subtype="PCM_U8")
    return file.getvalue()


# --- What is needed --------------------------------------------------------------------------------------------------


def _named(folder: Path) -> set[str]:
    """The modules that a model is loaded with: those that serve it, that its parts come from, and of their files."""
    named = {Served.__module__, *(path.rpartition(".")[0] for path in keeping.TRUSTED)}
    named |= set(re.findall(r'"([\w.]+):\w+"', (folder / DESCRIPTION).read_text()))
    return named | {name for file in (folder / "method").glob("*.py") for name in _imports(file)}


def needed(names: Iterable[str]) -> tuple[list[Path], list[str]]:
    """What modules import, and what that imports in turn.

    Args:
        names: dotted, of modules or of what they define

    Returns:
        files of this library, sorted, and the top-level names of all else
    """
    files: set[Path] = set()
    outside: set[str] = set()
    waiting = list(names)
    while waiting:
        top, *below = waiting.pop().split(".")
        if top != LIBRARY.name:
            outside.add(top)
            continue
        for length in range(len(below) + 1):  # importing a module runs the packages above it
            place = LIBRARY.joinpath(*below[:length])
            for file in (place / "__init__.py", place.with_suffix(".py")):
                if file.is_file() and file not in files:
                    files.add(file)
                    waiting += _imports(file)
    return sorted(files), sorted(outside)


def _imports(file: Path) -> Iterator[str]:
    """Dotted names of all that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def requirements(packages: Iterable[str]) -> list[str]:
    """The distributions that packages come from, with all that these need, as installed here.

    Args:
        packages: top-level names; what no distribution has (Python's own) needs none

    Returns:
        ``name==version`` each, sorted. What a distribution asks for and is not installed was not needed here
    """
    owners = importlib.metadata.packages_distributions()
    waiting = [Requirement(name) for name in [activity.PACKAGE, *(o for p in packages for o in owners.get(p, ()))]]
    versions: dict[str, str] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), tuple(sorted(wanted.extras))
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        versions[name] = installed.version.partition("+")[0]  # the index has no local builds
        for requirement in map(Requirement, installed.requires or ()):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or ("",)):
                waiting.append(requirement)
    return [f"{name}=={version}" for name, version in sorted(versions.items())]
