"""Audio files as the models hear them: 16 kHz, one channel, float32; batches of similar length, read ahead.

Of a file with several channels the first is read, as is usual for IEMOCAP. It does not mix in the other speaker of a
dialog, and microphones at two places do not cancel each other.
"""

from __future__ import annotations

import math
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from emofuse.tables import InputError

if TYPE_CHECKING:
    import pandas as pd

RATE = 16_000
"""Samples per second, as every model here reads them."""

SILENCE = 2.0**-14
"""Samples that span no more than this are silent: one 16-bit step up and one down, of a full scale of 2."""

Samples = npt.NDArray[np.float32]

READERS = 4
"""Threads that read ahead."""

AHEAD = 2
"""Batches that are read ahead; memory holds these and the one in use."""

Heard = TypeVar("Heard")


def load(path: str | Path, start: float | None = None, end: float | None = None) -> Samples:
    """Load an audio file of any rate, width and channel count that libsndfile reads, or a part of it.

    Args:
        path: the file
        start: where the part begins, in seconds; ``None`` or NaN for the file's start
        end: where it ends; ``None`` or NaN for the file's end

    Returns:
        (samples,) at 16 kHz, full scale from -1 to 1;
        resampling (soxr, HQ) may overshoot that a little

    Raises:
        InputError: if the file is missing, cannot be read, or ends before the part does
    """
    try:
        samples, rate = _read(path, start, end)
    except ValueError as error:
        raise InputError([f"{path}: {error}"]) from None
    return samples if rate == RATE else soxr.resample(samples, rate, RATE)


def duration(path: str | Path) -> float:
    """How long an audio file is by its header, in seconds; its samples are not read.

    Raises:
        ValueError: with the reason, as :func:`check` says it, if the file is missing or cannot be opened
    """
    with _opened(path) as file:
        return file.frames / file.samplerate


def blocks(path: str | Path, start: float | None = None, end: float | None = None) -> Iterator[Samples]:
    """Load an audio file, or a part of it, piece by piece: memory does not grow with its length.

    Args:
        path: the file
        start: where the part begins, as in :func:`load`
        end: where it ends

    Yields:
        (samples,) at 16 kHz, at most half a minute, which follow each other without gaps

    Raises:
        ValueError: with the reason, as :func:`check` says it, if the file cannot be read, or ends before the part does
    """
    with _opened(path) as file:
        resampler = soxr.ResampleStream(file.samplerate, RATE, 1, dtype="float32")
        first, last = _span(file, start, end)
        # By number and by seconds, whatever channels and rate a header says: 4 MiB are read, and half a minute is made.
        size = max(min(2**20 // file.channels, 30 * file.samplerate), 1)
        file.seek(first)
        for position in range(first, last, size):
            samples = file.read(min(size, last - position), dtype="float32", always_2d=True)[:, 0]
            yield resampler.resample_chunk(samples, last=position + size >= last)


def resolve(recordings: pd.DataFrame, root: str | Path) -> pd.DataFrame:
    """A `recordings` table whose paths lead to the files.

    Args:
        recordings: with paths below the corpus's folder
        root: that folder
    """
    return recordings.assign(path=[str(Path(root, path)) for path in recordings["path"]])


def check(
    path: str | Path, start: float | None = None, end: float | None = None, *, min_duration: float
) -> tuple[float, str | None]:
    """Say how long an audio file, or a part of it, is, and what is wrong with it.

    Args:
        path: the file, which is read once
        start: where the part begins, as in :func:`load`
        end: where it ends
        min_duration: what is shorter, in seconds, is too short

    Returns:
        the duration in seconds (0 if it cannot be read), and a reason to reject the file or ``None``:
        it is missing, unreadable, empty or too short, has NaN or infinite samples, or is silent.
        Silent is audio whose samples are all the same, to one step of 16 bits,
        be it at zero or, clipped, at full scale.

    >>> check("no/such/file.wav", min_duration=0.1)
    (0.0, 'no such file')
    """
    try:
        samples, rate = _read(path, start, end)
    except ValueError as error:
        return 0.0, str(error)
    duration = len(samples) / rate
    if not len(samples):
        return duration, "empty: holds no samples"
    if duration < min_duration:
        return duration, f"too short: {duration:.3f} s; should be at least {min_duration:g} s"
    if bad := np.count_nonzero(~np.isfinite(samples)):
        return duration, f"{bad} of {len(samples)} samples are NaN or infinite"
    if np.ptp(samples) <= SILENCE:
        return duration, f"silent: all samples are {samples[0]:.4f}"
    return duration, None


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put utterances of similar length together, so that little is padded.

    Args:
        lengths: (utterances,) samples
        budget: the most samples of a batch once all are padded to its longest;
            a longer utterance is a batch of its own

    Returns:
        positions in ``lengths``, a list per batch, each position once;
        the longest come first, so that a budget that memory cannot hold fails at once

    >>> batches([3, 10, 4, 4], budget=12)
    [[1], [2, 3, 0]]
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def ahead(hear: Callable[[Any], Heard], batches: Iterable[Iterable[Any]]) -> Iterator[list[Heard]]:
    """Hear batches of utterances in threads, so that the next are at hand when a device has computed one.

    Args:
        hear: what is made of an utterance, such as its samples; it should spend its time where threads run side by
            side, as reading, resampling and NumPy do
        batches: of utterances, whatever ``hear`` takes

    Yields:
        what was heard of each batch, in the order of the batches and of their utterances;
        an error of ``hear`` is raised in its place, and ends the threads, as closing the generator does

    >>> list(ahead(len, [["a", "bc"], ["def"]]))
    [[1, 2], [3]]
    """
    pool = ThreadPoolExecutor(READERS, "reader")
    begun: deque[list[Future[Heard]]] = deque()
    try:
        for batch in batches:
            begun.append([pool.submit(hear, utterance) for utterance in batch])
            if len(begun) > AHEAD:
                yield [future.result() for future in begun.popleft()]
        while begun:
            yield [future.result() for future in begun.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)


def _read(path: str | Path, start: float | None, end: float | None) -> tuple[Samples, int]:
    """The first channel, (samples,), and the file's rate; a ValueError says why it cannot be read."""
    with _opened(path) as file:
        first, last = _span(file, start, end)
        file.seek(first)
        samples = file.read(last - first, dtype="float32", always_2d=True)
        return np.ascontiguousarray(samples[:, 0]), file.samplerate


@contextmanager
def _opened(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """A file to be read; a ValueError says why it cannot be."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # such as a name with a zero byte
        raise ValueError("no such file") from None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("no such file")
    if not status.st_size:
        raise ValueError("empty file")
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except soundfile.LibsndfileError as error:
        raise ValueError(f"unreadable ({error.error_string.strip() or 'damaged'})") from None
    except TypeError:  # what soundfile says of a name that ends in .raw
        raise ValueError("unreadable (headerless audio)") from None


def _span(file: soundfile.SoundFile, start: float | None, end: float | None) -> tuple[int, int]:
    """The first frame of a part and the one after its last; a ValueError says that the file ends before."""
    first = 0 if _is_missing(start) else min(round(start * file.samplerate), file.frames)
    last = file.frames if _is_missing(end) else round(end * file.samplerate)
    if last > file.frames:
        raise ValueError(f"ends after {file.frames / file.samplerate:.3f} s; should last until {end:g} s")
    return first, max(last, first)


def _is_missing(seconds: float | None) -> TypeGuard[None]:
    return seconds is None or math.isnan(seconds)
