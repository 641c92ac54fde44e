"""What it saves that words are read only where the voice is unsure.

    python tests/benchmarks/predict.py [MODEL] [FOLDER] [RECORDINGS]

A packaged model, the demo's unless another is named, says what is felt in recordings: once as its method decides
(`selected`), once with all words written down (`always`), in turns, after one recording has loaded all checkpoints.
Printed are milliseconds (of the quickest of the turns, which other work on the machine held up the least) and
transcripts per recording, and how many times as long it takes to write down everything.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from emofuse.__main__ import ALONE
from emofuse.model.model import Model
from emofuse.model.recordings import collect

MODEL = "results/demo/model"
FOLDER = "results/synthetic/corpora/iemocap/Session1/sentences/wav"
RECORDINGS = 96
ROUNDS = 5
WORDS = ("selected", "always")


def main(folder: str = MODEL, audio: str = FOLDER, count: str = str(RECORDINGS)) -> None:
    os.environ.update(ALONE)
    model = Model.load(folder)
    files = sorted(path for path in Path(audio).rglob("*.wav") if not path.name.startswith("."))
    utterances = collect(files[: int(count)])
    utterances = utterances[utterances["problem"].isna()]
    model.predict(utterances.iloc[:1], words="always")
    seconds: dict[str, list[float]] = {words: [] for words in WORDS}
    written: dict[str, float] = {}
    for _ in range(ROUNDS):
        for words in WORDS:
            start = time.perf_counter()
            said = model.predict(utterances, words=words)
            seconds[words].append((time.perf_counter() - start) / len(utterances))
            written[words] = said["text"].notna().mean()
    print(f"{len(utterances)} recordings, {ROUNDS} rounds, device {model.stages.device}")
    for words in WORDS:
        print(f"{words:>8}: {1000 * min(seconds[words]):6.1f} ms and {written[words]:.2f} transcripts per recording")
    print(f"ratio: {min(seconds['always']) / min(seconds['selected']):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
