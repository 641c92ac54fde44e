"""Audio files of a whole corpus checked: in several processes, and never twice.

For short files most of the time is Python's own, which threads would share. So each process is a Python that is
started with this module, is told recordings on its standard input, a block per line, and ends where that ends:
also when whoever asks is killed.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emofuse import audio

if TYPE_CHECKING:
    import pandas as pd

Part = tuple[str, float | None, float | None]
"""A path, and where the recording begins and ends in that file, in seconds; ``None`` for the whole file."""

State = list[int] | None
"""When a file was changed, in ns, and its size in bytes; ``None`` for no file."""

Said = tuple[float, str | None]
"""What :func:`emofuse.audio.check` returns."""

BLOCK = 200
"""Recordings that a process is told at once; what a kill may lose per process."""


def check_all(
    recordings: pd.DataFrame, min_duration: float, processes: int = 1, progress: str | Path | None = None
) -> list[Said]:
    """Check many recordings, as :func:`emofuse.audio.check` does, in their order.

    Args:
        recordings: rows with a path, a start and an end, as :func:`emofuse.audio.resolve` gives them
        min_duration: what is shorter, in seconds, is too short
        processes: how many files are read at once
        progress: a file that remembers what was said of each recording, so that after a kill only the rest is read, and
            files that have changed since; ``None`` to remember nothing
    """
    asked = recordings[["start", "end"]].astype(object)
    asked = asked.where(asked.notna(), None)
    parts: list[Part] = list(zip(recordings["path"], asked["start"], asked["end"], strict=True))
    said = dict(_remembered(Path(progress), min_duration)) if progress else {}
    left = [part for part in parts if part not in said]
    blocks = [left[begin : begin + BLOCK] for begin in range(0, len(left), BLOCK)]
    with ExitStack() as stack:
        answers = stack.enter_context(closing(_answers(blocks, min_duration, min(processes, len(blocks)))))
        file = stack.enter_context(Path(progress).open("a", encoding="utf-8")) if progress else None
        for block, answer in zip(blocks, answers, strict=True):
            if file:
                file.write("\n" + json.dumps([min_duration, block, answer]))  # the last line may be cut short
                file.flush()
            said.update({part: (duration, reason) for part, (_, duration, reason) in zip(block, answer, strict=True)})
    return [said[part] for part in parts]


def _remembered(progress: Path, min_duration: float) -> Iterator[tuple[Part, Said]]:
    """What was said of recordings whose files are as they were."""
    progress.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError), progress.open(encoding="utf-8") as lines:
        for line in lines:
            with suppress(ValueError):  # cut short
                asked, block, answer = json.loads(line)
                for (path, start, end), (state, duration, reason) in zip(block, answer, strict=True):
                    if asked == min_duration and state == _state(path):
                        yield (path, start, end), (duration, reason)


def _state(path: str) -> State:
    with suppress(OSError, ValueError):
        status = Path(path).stat()
        return [status.st_mtime_ns, status.st_size]
    return None


def _check(block: Sequence[Part], min_duration: float) -> list[tuple[State, float, str | None]]:
    return [(_state(path), *audio.check(path, start, end, min_duration=min_duration)) for path, start, end in block]


def _answers(blocks: Sequence[list[Part]], min_duration: float, processes: int) -> Iterator[list[Any]]:
    """What :func:`_check` says of each block, in their order."""
    if processes < 2:
        yield from (_check(block, min_duration) for block in blocks)
        return
    command = [sys.executable, "-m", "emofuse.checking", repr(min_duration)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    free: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()

    def ask(block: list[Part]) -> list[Any]:
        process = free.get()
        try:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(block) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        finally:
            free.put(process)

    with ExitStack() as stack:
        for _ in range(processes):
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
            )
            free.put(stack.enter_context(process))
        pool = stack.enter_context(ThreadPoolExecutor(processes))
        stack.callback(pool.shutdown, cancel_futures=True)
        yield from pool.map(ask, blocks)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_check(json.loads(line), float(sys.argv[1]))), flush=True)
