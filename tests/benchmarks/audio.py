"""How fast the audio of a corpus is opened, how much memory that takes, and what a kill costs.

    python tests/benchmarks/audio.py [FILES …]

Short files (links to a few, of 1 to 3 s), checked as rule `recordings` checks them, a process each: files per second
with one and with two readers, both in this run; how many cores are kept busy; the memory of the asking
process beyond that of before anything is read; and how many files a kill half way leaves to be read.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pandas as pd
import soundfile
from helpers import peak_memory

from emofuse import audio, checking

SIZES = (10_000, 100_000)
FILES = 20


def link(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    for number in range(FILES):
        samples = random.normal(0, 0.1, round((1 + 2 * number / FILES) * audio.RATE))
        soundfile.write(folder / f"{number}.wav", samples, audio.RATE)
    for number in range(count):
        if number % 1000 == 0:
            (folder / f"{number // 1000}").mkdir()
        (folder / f"{number // 1000}/{number}.wav").symlink_to(folder / f"{number % FILES}.wav")


def one(folder: Path, count: int, processes: int, progress: str) -> None:
    """Check the files, and print seconds, processor seconds and MiB."""
    paths = [str(folder / f"{number // 1000}/{number}.wav") for number in range(count)]
    table = pd.DataFrame({"path": paths, "start": np.nan, "end": np.nan})
    before, began = peak_memory(), time.perf_counter()
    said = checking.check_all(table, 0.1, processes, progress or None)
    assert all(reason is None for _, reason in said)
    seconds = time.perf_counter() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([seconds, sum(usage.ru_utime + usage.ru_stime for usage in used), peak_memory() - before]))


def measured(folder: Path, count: int, processes: int, progress: str = "") -> tuple[float, float, int]:
    command = [sys.executable, __file__, "--one", str(folder), str(count), str(processes), progress]
    return tuple(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def killed(folder: Path, count: int, after: float) -> None:
    """Kill a check some seconds after its first answer, and finish it."""
    progress = folder / "progress.jsonl"
    command = [sys.executable, __file__, "--one", str(folder), str(count), "2", str(progress)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not progress.exists():
        time.sleep(0.1)
    time.sleep(after)
    process.kill()
    process.wait()
    kept = sum(len(json.loads(line)[1]) for line in progress.read_text().split("\n")[1:-1])
    again = measured(folder, count, 2, str(progress))[0]
    print(f"killed after {after:.0f} s: {kept:,} of {count:,} files were read; the rest took {again:.1f} s")


def main(sizes: Sequence[int]) -> None:
    print(f"{'files':>10}{'readers':>9}{'files/s':>9}{'busy cores':>12}{'MiB more':>10}")
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            link(folder, count)
            for processes in (1, 2):
                seconds, used, memory = measured(folder, count, processes)
                print(f"{count:10,}{processes:9}{count / seconds:9,.0f}{used / seconds:12.2f}{memory:10}", flush=True)
            killed(folder, count, seconds / 2)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        main([int(count) for count in sys.argv[1:]] or SIZES)
