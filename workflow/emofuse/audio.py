"""Audio files as the models hear them: 16 kHz, one channel, float32; and batches of similar length.

Of a file with several channels the first is taken: it is what readers of IEMOCAP take, it does not mix in the other
speaker of a dialog, and microphones at two places do not cancel each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from emofuse.tables import InputError

RATE = 16_000
"""Samples a second that every model here takes."""

SILENCE = 2.0**-14
"""Samples that span no more than this are silent: one 16-bit step up and one down, of a full scale of 2."""

Samples = npt.NDArray[np.float32]


def load(path: str | Path) -> Samples:
    """Load an audio file of any rate, width and channel count that libsndfile reads.

    Args:
        path: the file

    Returns:
        (samples,) at 16 kHz, full scale from -1 to 1;
        resampling (soxr, HQ) may overshoot that a little

    Raises:
        InputError: if the file is missing or cannot be read
    """
    try:
        samples, rate = _read(path)
    except ValueError as error:
        raise InputError([f"{path}: {error}"]) from None
    return samples if rate == RATE else soxr.resample(samples, rate, RATE)


def check(path: str | Path, min_duration: float = 0.1) -> tuple[float, str | None]:
    """Say how long an audio file is, and what is wrong with it.

    Args:
        path: the file, which is read once
        min_duration: what is shorter, in seconds, is too short

    Returns:
        the duration in seconds (0 if it cannot be read), and a reason to reject the file or ``None``:
        it is missing, unreadable, empty or too short, has NaN or infinite samples, or is silent.
        Silent is audio whose samples are all the same, to one step of 16 bits,
        be it at zero or, clipped, at full scale.

    >>> check("no/such/file.wav")
    (0.0, 'no such file')
    """
    try:
        samples, rate = _read(path)
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


def check_all(
    paths: Iterable[str | Path], min_duration: float = 0.1, threads: int = 1
) -> list[tuple[float, str | None]]:
    """Check many files, as :func:`check` does, in the order of ``paths``.

    Args:
        paths: the files
        min_duration: what is shorter, in seconds, is too short
        threads: how many files are read at once (libsndfile runs outside of Python's lock)
    """
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(partial(check, min_duration=min_duration), paths))


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put utterances of similar length together, so that little is padded.

    Args:
        lengths: (utterances,) samples
        budget: the most samples of a batch once all are padded to its longest;
            a longer utterance is a batch of its own

    Returns:
        positions in ``lengths``, a list a batch, each position once;
        the longest come first, so that a budget that memory cannot hold fails at once

    >>> batches([3, 10, 4, 4], budget=12)
    [[1], [2, 3, 0]]
    """
    found: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if found and lengths[found[-1][0]] * (len(found[-1]) + 1) <= budget:
            found[-1].append(index)
        else:
            found.append([index])
    return found


def _read(path: str | Path) -> tuple[Samples, int]:
    """The first channel, (samples,), and the file's rate; a ValueError says why it cannot be read."""
    path = Path(path)
    if not path.is_file():
        raise ValueError("no such file")
    if not path.stat().st_size:
        raise ValueError("empty file")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"unreadable ({error.error_string.strip() or 'damaged'})") from None
    except TypeError:  # what soundfile says of a name that ends in .raw
        raise ValueError("unreadable (headerless audio)") from None
    return np.ascontiguousarray(samples[:, 0]), rate
