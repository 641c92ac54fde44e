"""Files of embeddings: safetensors with one tensor (utterances, layers, hidden size) and the utterances' names."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from emofuse import tables
from emofuse.tables import InputError, Problems

NAME = "embeddings"
"""The tensor's name in its file."""

Embeddings = npt.NDArray[np.float32]


def write(embeddings: Embeddings, utterances: Sequence[str], path: str | Path) -> None:
    """Write embeddings as safetensors, with the utterances' names as JSON in the metadata, atomically."""
    with tables.replacing(path) as temporary:
        save_file({NAME: embeddings}, temporary, _metadata(utterances))


def merge(shards: Sequence[str | Path], utterances: Sequence[str], path: str | Path) -> None:
    """Put the shards of a corpus together in one file, atomically, with one shard in memory at a time.

    Args:
        shards: files that :func:`write` made
        utterances: the names of the corpus's utterances, in the order wanted; each is in one shard
        path: the file to write

    Raises:
        InputError: naming each utterance that is missing, repeated or not expected,
            or naming the shape of each shard if they differ
    """
    held = Counter(name for shard in shards for name in names(shard))
    row = {name: row for row, name in enumerate(utterances)}
    problems: Problems = [f"{path}: utterance {name} is in no shard" for name in sorted(row.keys() - held)]
    problems += [f"{path}: utterance {name} is not expected" for name in sorted(held.keys() - row)]
    problems += [
        f"{path}: utterance {name} is in the shards {count} times; should be once"
        for name, count in held.items()
        if count > 1
    ]
    shapes = {shard: _shape(shard)[1:] for shard in shards}
    if len(set(shapes.values())) > 1:
        problems += [f"{shard}: has {shape[0]} layers of {shape[1]}" for shard, shape in shapes.items()]
    if problems:
        raise InputError(problems)
    # safetensors' own writer takes whole tensors. The format is a length, a header of JSON and the numbers.
    shape = [len(row), *_shape(shards[0])[1:]]
    size = 4 * int(np.prod(shape[1:]))  # of an utterance, in bytes
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, len(row) * size]}
    header = json.dumps({"__metadata__": _metadata(utterances), NAME: tensor}).encode()
    header += b" " * (-len(header) % 8)
    with tables.replacing(path) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        begin = file.tell()
        for shard in shards:
            for name, states in zip(names(shard), read(shard).astype("<f4"), strict=True):
                file.seek(begin + row[name] * size)
                file.write(states.tobytes())


def names(path: str | Path) -> list[str]:
    """The utterances in a file of embeddings, in the order of its rows.

    Raises:
        InputError: if the file is missing or holds no embeddings
    """
    with _open(path) as file:
        return json.loads(file.metadata()["utterances"])


def read(path: str | Path) -> Embeddings:
    """All embeddings of a file, (utterances, layers, hidden size).

    Raises:
        InputError: if the file is missing or holds no embeddings
    """
    with _open(path) as file:
        return file.get_tensor(NAME)


def read_layer(paths: Sequence[str | Path], layer: int, utterances: Sequence[str]) -> Embeddings:
    """One layer's embeddings of some utterances, without loading the other layers.

    Args:
        paths: files of one encoder's embeddings, one per corpus
        layer: its number
        utterances: their names, in the order wanted

    Returns:
        (utterances, hidden size)

    Raises:
        InputError: if a file is missing or holds no embeddings, or naming each utterance that is in none
    """
    parts = []
    for path in paths:
        with _open(path) as file:
            parts.append(file.get_slice(NAME)[:, layer : layer + 1][:, 0])
    row = {name: row for row, name in enumerate(name for path in paths for name in names(path))}
    missing = [name for name in utterances if name not in row]
    if missing:
        raise InputError([f"{', '.join(map(str, paths))}: no embeddings of utterance {name}" for name in missing])
    return np.concatenate(parts)[[row[name] for name in utterances]]


def layers(path: str | Path) -> int:
    """How many layers a file of embeddings has.

    Raises:
        InputError: if the file is missing or holds no embeddings
    """
    return _shape(path)[1]


def _shape(path: str | Path) -> tuple[int, ...]:
    with _open(path) as file:
        return tuple(file.get_slice(NAME).get_shape())


def _metadata(utterances: Sequence[str]) -> dict[str, str]:
    return {"utterances": json.dumps(list(utterances), ensure_ascii=False)}


@contextmanager
def _open(path: str | Path) -> Iterator[Any]:
    try:
        file = safe_open(path, framework="numpy")
    except FileNotFoundError:
        raise InputError([f"{path}: no such file"]) from None
    except SafetensorError as error:
        raise InputError([f"{path}: is not safetensors ({error}); delete it and run again"]) from None
    with file:
        if NAME not in file.keys() or "utterances" not in (file.metadata() or {}):  # noqa: SIM118 (is no mapping)
            raise InputError([f"{path}: holds no embeddings; should have a tensor {NAME!r} and its utterances"])
        yield file
