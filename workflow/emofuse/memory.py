"""What was computed at an earlier start and need not be computed again: files of JSON under ``results/cache``.

A value is kept with the key that it was computed for, and computed anew where the key differs.
The folder can be deleted at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emofuse import tables
from emofuse.provenance import digest


class Memory:
    """Values by name, each with its key.

    Args:
        folder: where the files are
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def recall(self, name: str, key: Any, compute: Callable[[], Any]) -> Any:
        """A value, from its file where that has the same key.

        Args:
            name: of the value, and of its file
            key: all that the value depends on, plain
            compute: gives the value, plain too

        Returns:
            the value as JSON gives it back: lists for tuples, text for keys
        """
        path, key = self.folder / f"{name}.json", digest(key)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["key"] == key:
                return kept["value"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # missing, or cut short
        value = json.loads(json.dumps(compute()))
        # In the order that it was given: methods and experiments are shown in that of the config.
        tables.write_text(json.dumps({"key": key, "value": value}, ensure_ascii=False), path)
        return value
