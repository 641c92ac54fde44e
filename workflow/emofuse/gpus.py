"""GPUs: whether a cluster has any, and one for each job on a machine that has several."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Where CUDA reads which GPUs a process may use: their numbers or names, separated by commas."""

_held: list[int] = []
"""Open locks; the system lets go of them when the process ends, however it ends."""


@cache
def asked(device: str) -> int:
    """How many GPUs a job that loads a model asks for: 1, or 0 where it would use none.

    A SLURM cluster without GPUs refuses jobs that ask for one. A machine without SLURM heeds the number only where
    Snakemake is told how many GPUs there are (``--resources gpu=4``).

    Args:
        device: ``auto`` for a GPU where there is one, or ``cpu``
    """
    if device == "cpu":
        return 0
    if shutil.which("sinfo") is None:
        return 1
    try:
        answer = subprocess.run(["sinfo", "--noheader", "--format=%G"], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return 1
    return int(answer.returncode != 0 or "gpu" in answer.stdout)


def claim(device: str) -> str:
    """Make one of this machine's GPUs this job's own until its process ends; waits while other jobs use all of them.

    A job does so before it loads a model. Whoever asks a packaged model shares the GPU with whatever runs there.

    Args:
        device: ``auto`` for a GPU where there is one, or ``cpu``

    Returns:
        the same, as :func:`emofuse.checkpoints.device` takes it
    """
    if device == "auto":
        import torch

        claim_one_of(torch.cuda.device_count())
    return device


def claim_one_of(number: int) -> None:
    """Make one of so many GPUs this process's own.

    Whoever names one GPU alone in ``CUDA_VISIBLE_DEVICES`` has chosen: SLURM, a person, or this function, which leaves
    its choice there for child processes. Of several, or where none is named, the first whose lock is free is claimed.
    Must be called before CUDA starts, which reads the variable once.

    Args:
        number: how many GPUs this process sees; with 0 nothing is claimed
    """
    visible = os.environ.get(VISIBLE)
    names = visible.split(",") if visible else [str(index) for index in range(number)]
    if not number or (visible and len(names) == 1):
        return
    waits = False
    while True:
        for name in names:
            if _lock(name.strip()):
                os.environ[VISIBLE] = name.strip()
                return
        if not waits:
            logging.getLogger(__name__).info("waiting for a GPU: other processes use %s", ", ".join(names))
        waits = True
        time.sleep(1)


def _lock(name: str) -> bool:
    """Try to lock a GPU, for all processes of this machine."""
    path = Path(tempfile.gettempdir(), f"emofuse-gpu-{name}.lock")
    # Other people's files in /tmp can be opened, but not created anew.
    file = os.open(path, os.O_RDONLY | (0 if path.exists() else os.O_CREAT), 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held.append(file)
    return True
