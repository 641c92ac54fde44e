"""Pretrained checkpoints: where they lie, how they are loaded safely, and how they are fetched ahead of time.

A config names a checkpoint in one of three ways:

- ``{name: facebook/wav2vec2-base, revision: 0b5b8e8…}``: a repository of the Hugging Face hub at a commit,
- ``{name: large-v3}``: one of Whisper's own models (its SHA-256 is part of the whisper package),
- ``{path: results/checkpoints/wav2vec2}``: a folder, or for Whisper a file, on this machine.

Only :func:`fetch` uses the network.
Nothing is unpickled: weights are safetensors, or go through ``torch.load(weights_only=True)``.
"""

from __future__ import annotations

import fnmatch
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, StrictDataclassError
from safetensors import SafetensorError

from emofuse import provenance
from emofuse.places import BESIDE_WEIGHTS, WEIGHTS
from emofuse.tables import InputError, Problem

Checkpoint = Mapping[str, str]
"""What a config says about a checkpoint: name and revision, name, or path."""

FETCH = "make fetch CONFIG=<the study's config>"
"""The command that fetches the checkpoints of a study."""


def folder(checkpoint: Checkpoint) -> Path:
    """The folder that holds a checkpoint of transformers' format.

    Raises:
        InputError: if it is not on this machine
    """
    if "path" in checkpoint:
        path = Path(checkpoint["path"])
        if not (path / "config.json").is_file():
            raise InputError([f"{path}: should be a folder with a checkpoint (config.json and weights)"])
        return path
    name, revision = checkpoint["name"], checkpoint["revision"]
    try:
        path = huggingface_hub.snapshot_download(
            name, revision=revision, allow_patterns=list(BESIDE_WEIGHTS), local_files_only=True
        )
    except HFValidationError:
        raise InputError([f"{_label(checkpoint)}: should be named as on the hub, owner/name, or by path"]) from None
    except LocalEntryNotFoundError:
        path = None
    if path is None or not any(file for kind in WEIGHTS for file in Path(path).glob(kind)):
        raise InputError([f"{_label(checkpoint)} is not on this machine; fetch it where there is a network: {FETCH}"])
    return Path(path)


def load_model(auto_class: Any, checkpoint: Checkpoint, new: Sequence[str] = (), **kwargs: Any) -> Any:
    """Load a model with its weights, in evaluation mode.

    Args:
        auto_class: a class with ``from_pretrained``, e.g. ``transformers.AutoModel``
        checkpoint: where it is
        new: prefixes of weights that the checkpoint need not have, e.g. those of a head that is trained next
        kwargs: more for ``from_pretrained``

    Returns:
        the model, float32 unless ``kwargs`` say otherwise, on the CPU

    Raises:
        InputError: if the checkpoint is missing or damaged, holds anything but tensors, or lacks weights

    >>> from transformers import AutoModel
    >>> load_model(AutoModel, {"path": "no/such/folder"})
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - no/such/folder: should be a folder with a checkpoint (config.json and weights)
    """
    model, loading = _from_pretrained(
        auto_class, checkpoint, **{"output_loading_info": True, "dtype": torch.float32} | kwargs
    )
    # transformers fills weights that it does not find with random numbers and goes on.
    missing = sorted(name for name in loading["missing_keys"] if not name.startswith(tuple(new)))
    if missing:
        raise InputError([f"{_label(checkpoint)}: lacks weights of {type(model).__name__}: {', '.join(missing[:5])}"])
    return model.eval()


def load_processor(auto_class: Any, checkpoint: Checkpoint, **kwargs: Any) -> Any:
    """Load what goes with a model: a configuration, a tokenizer, a feature extractor.

    Args:
        auto_class: a class with ``from_pretrained``, e.g. ``transformers.AutoTokenizer``
        checkpoint: where it is
        kwargs: more for ``from_pretrained``

    Raises:
        InputError: if the checkpoint is missing or damaged
    """
    return _from_pretrained(auto_class, checkpoint, **kwargs)


# What transformers raises over a damaged configuration is whatever its code stumbles upon.
_DAMAGES = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    SafetensorError,
    StrictDataclassError,
)


def _from_pretrained(auto_class: Any, checkpoint: Checkpoint, **kwargs: Any) -> Any:
    path = folder(checkpoint)
    try:
        return auto_class.from_pretrained(path, local_files_only=True, trust_remote_code=False, **kwargs)
    except pickle.UnpicklingError as error:
        raise InputError([f"{_label(checkpoint)}: refused, holds more than tensors ({_first_line(error)})"]) from None
    except _DAMAGES as error:
        raise InputError([f"{_label(checkpoint)}: cannot be loaded ({_first_line(error)})"]) from error


def whisper_file(checkpoint: Checkpoint) -> Path:
    """The file that holds a Whisper model; ``whisper.load_model`` takes its path and loads weights only.

    Raises:
        InputError: if it is not on this machine, or Whisper has no model of that name
    """
    if "path" in checkpoint:
        path = Path(checkpoint["path"])
        if not path.is_file():
            raise InputError([f"{path}: no such file; should be a Whisper model"])
        return path
    path = _whisper_folder() / _whisper_url(checkpoint["name"]).rsplit("/", 1)[1]
    if not path.is_file():
        raise InputError(
            [f"Whisper model {checkpoint['name']} is not on this machine; fetch it where there is a network: {FETCH}"]
        )
    return path


def check_whisper_file(path: Path) -> None:
    """Check that a file with the name of one that OpenAI published has the bytes of that one.

    Their addresses carry the SHA-256; Whisper itself checks it when it fetches, and not when it loads a file.

    Raises:
        InputError: naming both digests
    """
    import whisper

    published = {url.rsplit("/", 1)[1]: url.split("/")[-2] for url in whisper._MODELS.values()}
    if path.name not in published:
        return
    digest = provenance.sha256(path)
    if digest != published[path.name]:
        problem: Problem = (
            f"{path}: has the SHA-256 {digest}; should have {published[path.name]}, as Whisper's own {path.name}: "
            "delete it and fetch it again, or give a model of your own another name"
        )
        raise InputError([problem])


def _whisper_url(name: str) -> str:
    import whisper

    if name not in whisper.available_models():
        raise InputError(
            [
                f"Whisper has no model {name!r}; should be one of {', '.join(whisper.available_models())}, "
                "or a checkpoint of the Hugging Face hub should give its revision"
            ]
        )
    return whisper._MODELS[name]


def _whisper_folder() -> Path:
    """Whisper's own cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "whisper"


def named_in(config: Any) -> list[Checkpoint]:
    """The checkpoints that a config names under a key ``checkpoint``, at any depth, each once.

    Those that it gives by path are left out.

    >>> named_in({"speech": [{"checkpoint": {"name": "tiny"}}], "text": {"checkpoint": {"path": "x"}}})
    [{'name': 'tiny'}]
    """
    distinct: list[Checkpoint] = []
    parts = config.items() if isinstance(config, Mapping) else enumerate(config) if isinstance(config, list) else ()
    for key, value in parts:
        named = [value] if key == "checkpoint" and "name" in value else named_in(value)
        distinct += [checkpoint for checkpoint in named if checkpoint not in distinct]
    return distinct


def fetch(checkpoint: Checkpoint) -> Path:
    """Download a checkpoint into the cache of its library, where the stages find it without a network.

    Args:
        checkpoint: by name

    Returns:
        the folder, whose name is the commit, or for Whisper the file, whose SHA-256 is checked

    Raises:
        InputError: if Whisper has no model of that name
    """
    if "revision" not in checkpoint:
        import whisper

        return Path(whisper._download(_whisper_url(checkpoint["name"]), str(_whisper_folder()), in_memory=False))
    name, revision = checkpoint["name"], checkpoint["revision"]
    files = huggingface_hub.list_repo_files(name, revision=revision)
    # A repository often holds the same weights several times, and for other frameworks too.
    kinds = [kind for kind in WEIGHTS if fnmatch.filter(files, kind)]
    path = huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=[*BESIDE_WEIGHTS, *kinds[:1]])
    return Path(path)


def device(name: str) -> torch.device:
    """The device to compute on, on which float32 is float32.

    Of itself PyTorch convolves in TF32 where a GPU can, which has 10 bits behind the point instead of 23.
    That is switched off here.

    Args:
        name: ``auto`` for a GPU where there is one, or ``cpu``

    >>> device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def _label(checkpoint: Checkpoint) -> str:
    return checkpoint.get("path") or f"checkpoint {checkpoint['name']} at revision {checkpoint['revision']}"


def _first_line(error: Exception) -> str:
    line = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {line}" if isinstance(error, (KeyError, TypeError, AttributeError)) else line
