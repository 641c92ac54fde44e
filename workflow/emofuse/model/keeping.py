"""What a model's folder is made of: files that hold no code, sealed by their digests.

What scikit-learn has learned is kept by skops, which names the types that it holds before it makes any of them. Here
only those of scikit-learn, numpy and scipy that skops trusts, and those of :data:`TRUSTED`, are made.
Nothing is pickled, and no file that could be a pickle is accepted.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import skops.io
from safetensors import SafetensorError, safe_open

from emofuse import provenance, tables
from emofuse.places import SEAL
from emofuse.tables import InputError, Problem, Problems

TRUSTED = (
    "emofuse.fusion.combination.Stacking",
    "emofuse.fusion.combination.StackingSpeech",
    "emofuse.fusion.combination.StackingText",
    "emofuse.fusion.dialogs.Successions",
    "emofuse.fusion.mapping.Mapping",
    "sklearn.utils._bunch.Bunch",
)
"""What fitted methods and text experts hold besides numbers, arrays and scikit-learn's estimators."""

PICKLES = (".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")
"""Endings of files that may hold pickles."""


def keep(learned: Any, path: str | Path) -> None:
    """Write what was learned, the same bytes each time, atomically.

    Args:
        learned: numbers, texts, arrays, fitted estimators of scikit-learn, and lists and dictionaries of these
        path: the file, which ends in ``.skops``

    Raises:
        InputError: naming each type that is not trusted, see :data:`TRUSTED`
    """
    data = skops.io.dumps(learned)
    _check_types(skops.io.get_untrusted_types(data=data), path)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        schema = made.read("schema.json").decode()
        # skops names objects, and the files of arrays, by where they lie in memory; here by their order.
        order: dict[str, int] = {}
        pattern = re.compile(r'(?<="__id__": )\d+|(?<=")\d+(?=\.np[yz]")')
        numbered = pattern.sub(lambda name: str(order.setdefault(name[0], len(order))), schema)
        # A vectorizer of scikit-learn remembers where its list of stop words lay, so as to check it once.
        numbered = re.sub(r'("_stop_words_id": \{[^}]*"content": ")\d+', r"\g<1>0", numbered)
        files = {"schema.json": numbered.encode()}
        for name in set(made.namelist()) - {"schema.json"}:
            stem, _, ending = name.partition(".")
            files[f"{order[stem]}.{ending}"] = made.read(name)
    with tables.replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(files):  # a ZipInfo of its own has no time
            file.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)


def kept(path: str | Path) -> Any:
    """What :func:`keep` has written.

    Raises:
        InputError: if the file is missing or damaged, or naming each type that is not trusted
    """
    try:
        _check_types(skops.io.get_untrusted_types(file=path), path)
        return skops.io.load(path, trusted=TRUSTED)
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError([f"{path}: cannot be read as skops ({error})"]) from error


def _check_types(types: list[str], path: str | Path) -> None:
    problems: Problems = [
        f"{path}: holds a {name}; should hold numbers, texts, arrays and estimators of scikit-learn alone"
        for name in types
        if name not in TRUSTED
    ]
    if problems:
        raise InputError(problems)


LABEL = "registered_model_meta"
"""What MLflow adds to a registered model when it hands it out: its name and version, which nobody here reads."""

BYTECODE = "__pycache__"
"""Where Python keeps the bytecode of a folder's modules, unless a file has that name."""


@contextmanager
def making(folder: str | Path) -> Iterator[Path]:
    """Make a model's folder whole or not at all, in the place of what was there.

    Yields a temporary folder beside it. When the block ends well it is sealed and renamed to ``folder``, else removed.

    Raises:
        InputError: naming each file that may hold a pickle
    """
    folder = Path(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        _seal(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _seal(folder: Path) -> None:
    """Write the digests of all files of a folder, in which no bytecode can be written from now on."""
    for code in {path.parent for path in folder.rglob("*.py")}:
        (code / BYTECODE).touch()  # so that a folder whose code is run stays as it is
    files = _files(folder)
    _refuse_pickles(files)
    tables.write_json({name: _digest(path) for name, path in files.items()}, folder / SEAL)


def check_seal(folder: str | Path) -> None:
    """Check that a folder is as it was when it was sealed.

    Raises:
        InputError: if it has no digests, naming each file that has changed, is missing or was added, and each that may
            hold a pickle
    """
    sealed = tables.read_json(Path(folder, SEAL))
    files = _files(Path(folder))
    problems: Problems = [f"{folder}: lacks {name}, which {SEAL} names" for name in sorted(sealed.keys() - files)]
    for name, path in files.items():
        if name in (SEAL, LABEL):
            continue
        if name not in sealed:
            problems.append(f"{path}: is not named in {SEAL}; should not be in a model's folder")
        elif _digest(path) != sealed[name]:
            problems.append(f"{path}: has changed since the model was made; its SHA-256 should be {sealed[name]}")
    try:
        _refuse_pickles(files)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)


def _files(folder: Path) -> dict[str, Path]:
    """All files below a folder by their names there; a link counts as one, wherever it leads."""
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return "no file"
    return provenance.sha256(path)


def _refuse_pickles(files: dict[str, Path]) -> None:
    problems: Problems = [f"{path}: {problem}" for path in files.values() for problem in _like_a_pickle(path)]
    if problems:
        raise InputError(problems)


def _like_a_pickle(path: Path) -> Problems:
    """Why a file may hold a pickle: its name, or its content."""
    refused: Problem = "a model's folder holds no pickle and no torch archive"
    if path.suffix in PICKLES:
        return [f"ends in {path.suffix}; {refused}"]
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="numpy"):
                return []
        except (SafetensorError, OSError) as error:
            return [f"is not safetensors ({error}); {refused}"]
    if not path.is_file():
        return []
    with path.open("rb") as file:
        begin = file.read(2)
    if begin[:1] == b"\x80" and begin[1:] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return [f"begins as a pickle does; {refused}"]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            held = [name for name in archive.namelist() if name.endswith(".pkl")]
        return [f"holds {held[0]}; {refused}"] if held else []
    return []
