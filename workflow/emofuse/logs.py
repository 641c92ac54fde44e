"""Logging, set up once for all scripts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emofuse.tables import InputError


@contextmanager
def logged(path: str | Path) -> Iterator[None]:
    """Log what happens in a block to a file and to the terminal.

    Bad input ends the script with its message alone, anything else with its traceback, in both places.

    Args:
        path: the log file, which is replaced
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[logging.FileHandler(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)],
        force=True,
    )
    logging.captureWarnings(True)
    try:
        yield
    except InputError as error:
        logging.error("%s", error)
        sys.exit(1)
    except Exception:
        logging.exception("stopped")
        sys.exit(1)
