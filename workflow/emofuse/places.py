"""Where things lie: relative to the folder that a study runs in, so that a project that is moved reruns nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emofuse.provenance import digest
from emofuse.tables import Problem

RESULTS = Path("results")
"""Everything that is generated."""

DATABASE = "mlflow.db"
"""MLflow's in there, where no server is named."""

RESERVED = ("benchmarks", "cache", "corpora", "logs", "mlartifacts", "synthetic")
"""Folders in there that all studies share."""

OF_STUDY = ("figures", "model", "sources")
"""Folders in that of a study that are no experiments."""

CHOSEN = "chosen"
"""What is made of the methods that the validation rows choose, beside their folders: no method has this name."""

MODEL = "model"
"""The folder of the model to take away, in that of its study."""

SEAL = "digests.json"
"""The file in there that holds the SHA-256 of every other one."""

LIBRARY = Path(__file__).parent
SCRIPTS = LIBRARY.parent / "scripts"

WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
"""Files of a checkpoint's weights, the preferred kind first."""

BESIDE_WEIGHTS = ("*.json", "*.txt", "*.model")
"""What else a checkpoint needs: configuration, vocabulary, SentencePiece."""


def checkpoint_files(checkpoint: Mapping[str, str]) -> list[str]:
    """The files of a checkpoint that is given by path, so that it may be made by a rule, or edited; else none."""
    if "path" not in checkpoint:
        return []
    path = Path(checkpoint["path"])
    if path.suffix == ".pt" or path.is_file():
        return [str(path)]
    weights = next(filter(None, (sorted(path.glob(kind)) for kind in WEIGHTS)), [path / "model.safetensors"])
    # The rule that makes a checkpoint promises its weights alone.
    beside = [] if RESULTS in path.parents else [file for kind in BESIDE_WEIGHTS for file in path.glob(kind)]
    return [str(file) for file in [*weights, *sorted(beside)]]


FOLDER_NAME: Problem = "should have no '/', brace or control character, and not be . or .."
"""What is right where :func:`names_a_folder` says no."""


def names_a_folder(name: str) -> bool:
    """Whether a name, of which results have a folder, is fit for one."""
    return name not in (".", "..") and not any(letter in "/{}" or not letter.isprintable() for letter in name)


def checkpoint_key(checkpoint: Mapping[str, str], **values: Any) -> str:
    """A name for what a checkpoint and its settings make: legible, and different for different ones."""
    place = Path(checkpoint.get("path") or checkpoint["name"])
    name = place.parent.name if place.stem == "model" else place.name.removesuffix(".pt")
    return f"{name}-{digest([checkpoint, values])[:8]}"


def checkpoint_name(checkpoint: Mapping[str, str]) -> str:
    """A checkpoint in one word."""
    return checkpoint.get("path") or "@".join(filter(None, (checkpoint["name"], checkpoint.get("revision"))))


def place_of(stage: str, key: str) -> str:
    """Where a stage keeps what it makes of a corpus, but for the ending."""
    return f"{RESULTS}/corpora/{{corpus}}/{stage}/{key}"


def below_results(place: str) -> str:
    """What names the log of a job that writes there."""
    return place.removeprefix(f"{RESULTS}/").removeprefix("corpora/").removesuffix(".parquet")
