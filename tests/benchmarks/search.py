"""How fast thresholds are found: ratios, both sides measured in this run, and how that grows.

    python tests/benchmarks/search.py

- The paper's search of one fold against its own procedure: each of the 4 × 200 × 200 pairs evaluated on the data
  frame, one after another. A sample of the pairs is timed and scaled to all. Target: at least 5 000 times faster.
- The exact optimum of one fold's validation rows, every mapping included, against 20 trials of Optuna's TPE on the
  same rows. Target: less time.

Both on the published scores where they are, else on made scores of the same size.

Growth: processor time and peak memory of the exact searches, a process each, on random measures and all 31 mappings,
no two of which agree. The exponent of growth is that from the row above. Targets: the optimum of 1 000 000 rows and
the front of 100 000 in less than 60 s and 2 GB each.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from _pytest.outcomes import Skipped
from helpers import make_scores, peak_memory, published, read_scores

from emofuse import accuracy
from emofuse.fusion import search
from emofuse.fusion.mapping import MAPPINGS
from emofuse.fusion.paper import ENTROPY_QUANTILES, VARENTROPY_QUANTILES, Paper
from emofuse.fusion.selection import EntropyVarentropy
from emofuse.fusion.thresholds import weigh
from emofuse.fusion.uncertainty import entropy, varentropy
from emofuse.tables import EMOTIONS, SPEECH

SAMPLE = 400
"""Pairs of thresholds that are timed for the paper's procedure."""

GROWTH = {"optimum": (1_000, 10_000, 100_000, 1_000_000), "front": (1_200, 5_000, 20_000, 100_000)}
"""Rows for each exact search."""


def fold() -> tuple[pd.DataFrame, str]:
    try:
        scores = read_scores(published())
        return scores[scores["fold"] == scores["fold"].iloc[0]], "published scores, fold Ses01F"
    except Skipped:
        parts = [(4446, "train"), (557, "validation")]
        made = [make_scores(size, seed=size).assign(split=split) for size, split in parts]
        return pd.concat(made, ignore_index=True), "made scores of the size of a published fold"


def seconds(function: Callable[[], object], repeats: int) -> float:
    """The median of some runs after one that warms up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def papers_procedure(rows: pd.DataFrame) -> float:
    """Seconds for all pairs, as the notebook evaluates them, from a sample of pairs."""
    voice = rows[SPEECH].to_numpy()
    frame = pd.DataFrame(
        {
            "entropy": entropy(voice),
            "varentropy": varentropy(voice),
            "class": voice.argmax(axis=1),
            "truth": rows["emotion"].map(EMOTIONS.index).to_numpy(),
        }
    )
    total = 0.0
    for index in range(len(EMOTIONS)):
        of_class = frame[frame["class"] == index]
        wrong = of_class[of_class["class"] != of_class["truth"]]
        random = np.random.default_rng(index)
        entropies = np.linspace(*wrong["entropy"].quantile(list(ENTROPY_QUANTILES)), 200)
        varentropies = np.linspace(*wrong["varentropy"].quantile(list(VARENTROPY_QUANTILES)), 200)
        pairs = zip(random.choice(entropies, SAMPLE // 4), random.choice(varentropies, SAMPLE // 4), strict=True)
        start = time.perf_counter()
        for first, second in pairs:
            selected = of_class[(of_class["entropy"] >= first) & (of_class["varentropy"] <= second)]
            failed = selected[selected["class"] != selected["truth"]]
            len(failed) / max(len(selected), 1)
        total += (time.perf_counter() - start) / (SAMPLE // 4) * 200 * 200
    return total


def main() -> None:
    scores, source = fold()
    fit = scores[scores["split"] != "test"]
    validation = scores[scores["split"] == "validation"]
    print(f"data: {source}; {len(fit)} fitting rows, {len(validation)} validation rows")

    theirs = papers_procedure(fit)
    ours = seconds(lambda: Paper().fit(fit[Paper.columns], fit["emotion"]), 15)
    print(f"the paper's procedure, 4 x 200 x 200 pairs (scaled from {SAMPLE}): {theirs:8.1f} s")
    print(f"Paper.fit, mapping and exclusion list included:                  {ours * 1000:8.1f} ms")
    print(f"ratio: {theirs / ours:,.0f} (target: at least 5 000)")

    names = EntropyVarentropy.measures

    def task() -> search.Task:
        evidence = weigh(validation[EntropyVarentropy.columns].to_numpy(), names, MAPPINGS)
        emotion = accuracy.indices(validation["emotion"])
        return search.Task(evidence.measures, evidence.predicted, evidence.mapped, emotion)

    def sample() -> None:
        labelled = task()
        search.sample(labelled, search.Space.of(labelled, names), ["UA"], "TPE", trials=20, seed=0)

    exact = seconds(lambda: search.optimum(task()), 15)
    trials = seconds(sample, 5)
    print(f"the exact optimum, all {len(MAPPINGS)} mappings: {exact * 1000:8.1f} ms")
    print(f"20 trials of TPE:                {trials * 1000:8.1f} ms")
    print(f"ratio: {trials / exact:.1f} (target: more than 1)")
    growth()


def growth() -> None:
    for name, sizes in GROWTH.items():
        print(f"{name:10}{'rows':>10}{'seconds':>10}{'exponent':>10}{'MiB':>8}")
        last: tuple[int, float] | None = None
        for rows in sizes:
            command = [sys.executable, __file__, name, str(rows)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            duration, peak = float(output[0]), int(output[1])
            exponent = np.log(duration / last[1]) / np.log(rows / last[0]) if last else np.nan
            print(f"{'':10}{rows:10,}{duration:10.3f}{exponent:10.2f}{peak:8}", flush=True)
            last = rows, duration


def one_search(name: str, rows: int) -> None:
    """Print processor time in seconds and the peak memory of the process in MiB."""
    random = np.random.default_rng(0)
    emotions, mapped = random.integers(0, len(EMOTIONS), (2, rows)), (len(MAPPINGS), rows)
    task = search.Task(random.random((rows, 2)), emotions[0], random.integers(0, len(EMOTIONS), mapped), emotions[1])
    start = time.process_time()
    {"optimum": search.optimum, "front": search.front}[name](task)
    print(time.process_time() - start, peak_memory())


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case [name, rows]:
            one_search(name, int(rows))
