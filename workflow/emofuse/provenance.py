"""Where a result comes from: digests of code and of files, and seeds from names.

Snakemake reruns a job when its parameters change, and does not see the library behind its script.
So each rule takes as a parameter the digest of all code that its script reaches: :func:`code_digest`.
:mod:`emofuse.code` says what that is; comments, docstrings, annotations and what is only said to people
are no part of it, so that writing those reruns nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emofuse import code

if TYPE_CHECKING:
    import pandas as pd

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


def table_digest(table: pd.DataFrame) -> str:
    """A short digest of the values of a table, in their order; of its columns the names count, not the types."""
    import pyarrow as pa
    from pyarrow import csv

    total = hashlib.sha256()
    # As text, a part at a time: that of a million rows is as large as their file.
    for part in pa.Table.from_pandas(table, preserve_index=False).to_batches(max_chunksize=10_000):
        sink = pa.BufferOutputStream()
        csv.write_csv(part, sink, csv.WriteOptions(include_header=False))
        total.update(sink.getvalue())
    return digest([list(table.columns), total.hexdigest()])


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digest(paths: Iterable[str | Path]) -> str:
    """A short digest of the contents of files, in their order; a missing file counts as such."""
    total = hashlib.sha256()
    for path in map(Path, paths):
        total.update(bytes.fromhex(sha256(path)) if path.is_file() else b"absent")
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
    """A digest of a script and of every definition that it reaches.

    Args:
        script: a Python file, all of which counts
        roots: definitions that the script reaches by name only, as :func:`emofuse.code.follow` takes them
        library: the folder of the package

    Returns:
        16 hexadecimal digits

    Raises:
        FileNotFoundError: if the script or the file of a root does not exist
        KeyError: if a module or a name of a root does not exist
    """
    reached = code.follow(script, *roots, library=library)
    return digest([[*place, definition.digest] for place, definition in sorted(reached.items())])


def reach(script: str | Path, *roots: str, library: Path = LIBRARY) -> dict[tuple[str, str], str]:
    """The code of each definition that enters :func:`code_digest`, by module and name; the script is the module ``""``.

    Args:
        script: as in :func:`code_digest`
        roots: likewise
        library: likewise
    """
    reached = code.follow(script, *roots, library=library)
    return {place: definition.code for place, definition in reached.items()}
