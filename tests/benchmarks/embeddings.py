"""How fast embeddings are on a CPU, and how much memory they take. On a GPU: ``gpu.py``.

    python tests/benchmarks/embeddings.py [UTTERANCES]

Full-size wav2vec2-base with random weights; utterances of noise, as long as IEMOCAP's (0.6 to 34 s, 4.5 s on average).
One file at a time is transformers as its documentation shows it; both use the same cores.
Peak memory is that of the stage as the workflow runs it, a job per shard, for 100 and for 1 000 utterances
(a quarter as long, so that it takes minutes).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import NormalDist

sys.path.insert(0, str(Path(__file__).parent.parent))

import encoders
import numpy as np
import pandas as pd
import soundfile
import torch
from helpers import peak_memory
from transformers import AutoFeatureExtractor, AutoModel

from emofuse import audio, checkpoints, storage
from emofuse.speech import embeddings

CORES = len(os.sched_getaffinity(0))
SHARD = 500
ROUNDS = 3


def make_corpus(folder: Path, count: int, scale: float = 1.0, longest: float = 34) -> pd.DataFrame:
    """Noise whose durations are the quantiles of a log-normal distribution, in a random order."""
    random = np.random.default_rng(0)
    quantiles = (random.permutation(count) + 0.5) / count
    durations = [np.clip(scale * 3.6 * np.exp(0.67 * NormalDist().inv_cdf(q)), 0.6, longest) for q in quantiles]
    rows = []
    for number, duration in enumerate(durations):
        path = folder / f"{number}.wav"
        soundfile.write(path, random.normal(0, 0.1, round(duration * audio.RATE)), audio.RATE)
        rows.append((f"u{number}", str(path), duration))
    return pd.DataFrame(rows, columns=["utterance", "path", "duration"]).assign(start=np.nan, end=np.nan)


def one_at_a_time(checkpoint: checkpoints.Checkpoint, device: str = "cpu") -> Callable[[pd.DataFrame], np.ndarray]:
    model = AutoModel.from_pretrained(checkpoint["path"]).eval().to(checkpoints.device(device))
    extractor = AutoFeatureExtractor.from_pretrained(checkpoint["path"])

    @torch.inference_mode()
    def run(utterances: pd.DataFrame) -> np.ndarray:
        rows = []
        for path in utterances["path"]:
            inputs = extractor(audio.load(path), sampling_rate=audio.RATE, return_tensors="pt").to(model.device)
            states = model(**inputs, output_hidden_states=True).hidden_states
            rows.append(torch.stack([state[0].mean(0) for state in states]).cpu().numpy())
        return np.stack(rows)

    return run


def in_batches(
    checkpoint: checkpoints.Checkpoint, device: str = "cpu", budget: int = 160_000, precision: str = "auto"
) -> Callable[[pd.DataFrame], np.ndarray]:
    settings = {"budget": budget, "threads": CORES, "precision": precision}
    return partial(embeddings.embed, *embeddings.load(checkpoint, device), **settings)


WAYS = {"one file at a time": one_at_a_time, "length-sorted batches": in_batches}


def speed(folder: Path, count: int) -> None:
    encoders.make(folder / "checkpoint", **encoders.BASE)
    utterances = make_corpus(folder, count)
    utterances.to_parquet(folder / "utterances.parquet")
    # Each in a process of its own, in turns, so that what else the machine does meets both alike; the best counts.
    seconds = dict.fromkeys(WAYS, np.inf)
    for _ in range(ROUNDS):
        for way in WAYS:
            seconds[way] = min(seconds[way], float(_in_a_process("one-run", folder, way)))
    print(f"{count} utterances, {utterances['duration'].sum():.0f} s of audio, on {CORES} CPU cores")
    print(f"{'':24}{'seconds':>9}{'utterances/s':>14}{'times':>7}")
    for way, duration in seconds.items():
        times = seconds["one file at a time"] / duration
        print(f"{way:24}{duration:9.2f}{count / duration:14.2f}{times:7.2f}")
    one, batched = (np.load(folder / f"{way}.npy") for way in WAYS)
    print(f"largest difference of an embedding: {abs(one - batched).max():.1e}", flush=True)


def one_run(folder: Path, way: str) -> None:
    """The seconds that a way takes, once it is loaded and warm."""
    utterances = pd.read_parquet(folder / "utterances.parquet")
    run = WAYS[way]({"path": str(folder / "checkpoint")})
    run(utterances[:6])
    start = time.perf_counter()
    states = run(utterances)
    print(time.perf_counter() - start)
    np.save(folder / f"{way}.npy", states)


def _in_a_process(*arguments: object) -> str:
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def memory(folder: Path, count: int) -> int:
    """The highest peak of the stage's jobs, in MiB: a process per shard, as in the workflow, and one merges them."""
    # Random durations of which the longest is the same, however many there are.
    utterances = make_corpus(folder, count, scale=0.25, longest=5)
    utterances.to_parquet(folder / "utterances.parquet")
    shards = range(-(-count // SHARD))
    peaks = [_in_a_process("shard", folder, shard) for shard in shards]
    return max(map(int, [*peaks, _in_a_process("merge", folder, len(shards))]))


def one_shard(folder: Path, shard: int) -> None:
    utterances = pd.read_parquet(folder / "utterances.parquet")[shard * SHARD :][:SHARD]
    states = in_batches({"path": str(folder / "checkpoint")})(utterances)
    storage.write(states, list(utterances["utterance"]), folder / f"{shard}.safetensors")
    print(peak_memory())


def merge(folder: Path, shards: int) -> None:
    utterances = pd.read_parquet(folder / "utterances.parquet")
    parts = [folder / f"{shard}.safetensors" for shard in range(shards)]
    storage.merge(parts, list(utterances["utterance"]), folder / "all.safetensors")
    print(peak_memory())


def main(count: int = 60) -> None:
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder), count)
        for utterances in (100, 1000):
            print(f"peak memory for {utterances} utterances: {memory(Path(folder), utterances)} MiB", flush=True)


if __name__ == "__main__":
    jobs = {"one-run": one_run, "shard": one_shard, "merge": merge}
    if sys.argv[1:] and sys.argv[1] in jobs:
        job, folder, which = sys.argv[1:]
        jobs[job](Path(folder), which if job == "one-run" else int(which))
    else:
        main(*map(int, sys.argv[1:]))
