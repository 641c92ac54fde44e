"""Logging, set up once for all scripts, and a record of what each job was made with."""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import TextIO, cast

from emofuse import credentials, intact, tables
from emofuse.tables import InputError

LIBRARY = Path(__file__).parent

INTERRUPTED = 130
"""Exit status after Ctrl-C, as of a shell's commands: 128 and the signal's number."""

IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)

DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "whisper": "openai-whisper", "yaml": "PyYAML"}
"""Packages that are imported by another name than they are installed by; one that is absent here is looked up."""


@contextmanager
def logged(
    path: str | Path,
    inputs: Iterable[str | Path] = (),
    outputs: Iterable[str | Path] = (),
    beside: str | Path | None = None,
) -> Iterator[None]:
    """Log what happens in a block, progress bars included, to a file and to the terminal.

    Bad input ends the script with its message alone, as Ctrl-C does, anything else with its traceback, in both places.
    When the block ends well, a JSON file beside the log says what it was made with:
    ``versions`` (see :func:`versions`), ``machine`` (see :func:`machine`) and ``seconds``, which the block took,
    and what it read and wrote (see :func:`emofuse.intact.record`).

    Args:
        path: the log file, which is replaced
        inputs: the files that the block reads
        outputs: the files that the block writes
        beside: the file, or the folder with all its files, that the block writes besides, where there is such a one
    """
    record = Path(path).with_suffix(".json")
    record.parent.mkdir(parents=True, exist_ok=True)
    outputs = list(outputs)
    for own in (record, *outputs, *([beside] if beside else ())):
        tables.sweep(own)
    # What an earlier run has recorded says nothing about this one.
    record.unlink(missing_ok=True)
    began = time.perf_counter()
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    handlers = [file, logging.StreamHandler(sys.stderr)]
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    try:
        with redirect_stderr(_Tee(sys.stderr, cast(TextIO, file.stream))):  # it is open from the start
            yield
    except InputError as error:
        logging.error("%s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        logging.error("interrupted")
        sys.exit(INTERRUPTED)
    except Exception:
        logging.exception("stopped")
        sys.exit(1)
    finally:
        logging.captureWarnings(False)
    seconds = round(time.perf_counter() - began, 3)
    made = {"versions": versions(), "machine": machine(), "seconds": seconds}
    tables.write_json(made | intact.record(inputs, outputs, beside), record)


def interrupted_quietly() -> None:
    """From here on, Ctrl-C ends this process with a line where nobody else catches it, and with no traceback."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("interrupted", file=sys.stderr)
        else:
            before(kind, error, trace)

    before, sys.excepthook = sys.excepthook, hook


def versions() -> dict[str, str]:
    """The versions of Python and of those packages that the library imports by name and this process has loaded."""
    return {"python": platform.python_version(), **versions_of(imported() & sys.modules.keys())}


def imported() -> set[str]:
    """The packages from elsewhere that the library names in an import."""
    files = (file.read_text(encoding="utf-8") for file in LIBRARY.rglob("*.py"))
    return {name for text in files for name in IMPORT.findall(text)} - sys.stdlib_module_names - {LIBRARY.name}


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of packages.

    Args:
        packages: top-level names, as :func:`imported` gives them

    Returns:
        the version of each by the name of its distribution, sorted by that;
        what no distribution installed (a module beside the project) has no version and is left out

    >>> list(versions_of(["sklearn", "numpy"]))
    ['numpy', 'scikit-learn']
    """
    installed = {}
    for package in packages:
        distribution = DISTRIBUTIONS.get(package, package)
        try:
            installed[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            for name in _distributions().get(package, ()):
                installed[name] = importlib.metadata.version(name)
    return dict(sorted(installed.items()))


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    # It reads the file list of all that is installed, 0.2 s: asked only where a name is not its distribution's.
    return importlib.metadata.packages_distributions()


def records(folder: str | Path, patterns: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """What jobs were made with: each one's rule and the file that :func:`logged` wrote.

    Args:
        folder: of all logs, which has a folder per rule
        patterns: of the files that count, below that folder and without their ending; ``*`` stands for slashes as well
    """
    wanted = list(patterns)
    for file in sorted(Path(folder).rglob("*.json")):
        place = file.relative_to(folder).with_suffix("")
        if any(fnmatchcase(place.as_posix(), pattern) for pattern in wanted):
            yield place.parts[0], file


def made_with_others(records: Iterable[tuple[str, Path]]) -> Iterator[str]:
    """Which results were made with other versions of packages than are here, and how to make them anew.

    Args:
        records: the rule of each job, and the file that :func:`logged` wrote; one that cannot be read says nothing
    """
    differences: dict[str, set[str]] = {}
    for rule, file in records:
        with suppress(InputError, KeyError, TypeError, AttributeError):
            for name, version in tables.read_json(file)["versions"].items():
                if version != _version_here(name):
                    differences.setdefault(rule, set()).add(f"{name} {version} ({_version_here(name)} here)")
    for rule, changed in differences.items():
        yield f"{rule}: made with {', '.join(sorted(changed))}; to make its results anew: --forcerun {rule}"


@functools.cache
def _version_here(name: str) -> str:
    with suppress(importlib.metadata.PackageNotFoundError):
        return platform.python_version() if name == "python" else importlib.metadata.version(name)
    return "none"


def machine() -> dict[str, str]:
    """The name of the processor, and of the GPU if this process has computed on one."""
    names = {"cpu": _processor()}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        names["gpu"] = torch.cuda.get_device_name()
    return names


def _processor() -> str:
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


class _Formatter(logging.Formatter):
    """Shows no credentials, in tracebacks neither."""

    def format(self, record: logging.LogRecord) -> str:
        return credentials.hidden(super().format(record))


class _Tee:
    """Writes to the terminal and to a file what does not go through logging, such as progress bars."""

    def __init__(self, terminal: TextIO, file: TextIO) -> None:
        self.terminal = terminal
        self.file = file

    def write(self, text: str) -> int:
        text = credentials.hidden(text)
        # A progress bar redraws its line; in a file each state has a line of its own.
        self.file.write(text.replace("\r", "\n"))
        return self.terminal.write(text)

    def flush(self) -> None:
        self.file.flush()
        self.terminal.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()
