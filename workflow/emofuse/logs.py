"""Logging, set up once for all scripts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO, cast

from emofuse.tables import InputError


@contextmanager
def logged(path: str | Path) -> Iterator[None]:
    """Log what happens in a block, progress bars included, to a file and to the terminal.

    Bad input ends the script with its message alone, anything else with its traceback, in both places.

    Args:
        path: the log file, which is replaced
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[file, logging.StreamHandler(sys.stderr)],
        force=True,
    )
    logging.captureWarnings(True)
    try:
        with redirect_stderr(_Tee(sys.stderr, cast(TextIO, file.stream))):  # it is open from the start
            yield
    except InputError as error:
        logging.error("%s", error)
        sys.exit(1)
    except Exception:
        logging.exception("stopped")
        sys.exit(1)


class _Tee:
    """Writes to the terminal and to a file what does not go through logging, such as progress bars."""

    def __init__(self, terminal: TextIO, file: TextIO) -> None:
        self.terminal = terminal
        self.file = file

    def write(self, text: str) -> int:
        # A progress bar redraws its line; in a file each state has a line of its own.
        self.file.write(text.replace("\r", "\n"))
        return self.terminal.write(text)

    def flush(self) -> None:
        self.file.flush()
        self.terminal.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()
