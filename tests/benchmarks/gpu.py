"""How fast a GPU listens, learns and writes down, and how far from a CPU it comes out.

    python tests/benchmarks/gpu.py [--small] [--utterances 400]

Random weights, and noise as long as IEMOCAP's utterances (0.6 to 34 s, 4.5 s on average). Each way and one file at a
time on the same device, in the same precision: utterances per second, and the share of what the GPU could compute at
most. Counted are the multiplications and additions of matrix products and convolutions, of an utterance alone.

- Embeddings of wav2vec2-base. Target: 40 % of the peak.
- Training steps of fine-tuning it, in batches of 8 crops of 6 s.
- Whisper large-v3, greedily. Random weights know no end, so each text ends after 3.5 tokens per second of its audio
  (English is spoken at some 2.7 words per second, of 1.3 tokens each), and is not decoded a second time. A token
  reads all weights of the decoder, so that its share of the peak is small in any case.

Then the same utterances on a CPU, in float32: how far embeddings, logits and transcripts are apart.

Where there is no GPU nothing is measured. With ``--small`` a few short utterances and toy models show, on a CPU as
well, that all this runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pandas as pd
import torch
from benchmarks.embeddings import in_batches, make_corpus, one_at_a_time
from encoders import BASE, SMALL, make
from transformers import AutoModel
from whisper.decoding import DecodingTask, LogitFilter
from whispers import whisper_model

from emofuse import audio, checkpoints
from emofuse.configuration import Training, Transcripts
from emofuse.speech import encoder, finetuning
from emofuse.tables import EMOTIONS
from emofuse.text import transcription

ROUNDS = 3
BUDGET = 4_800_000
"""Samples of a batch, as ``profiles/gpu`` has them."""

PEAK = {"NVIDIA H100 PCIe": 756e12, "NVIDIA H100": 989e12, "NVIDIA H200": 989e12, "NVIDIA A100": 312e12}
"""FLOP per second in bfloat16 and float16, dense, of the makers' data sheets."""

TOKENS_PER_SECOND = 3.5
TOY = {"n_vocab": 51866, "n_audio_ctx": 1500, "n_text_ctx": 448}
LARGE_V3 = TOY | {"n_mels": 128, "n_audio_state": 1280, "n_audio_head": 20, "n_audio_layer": 32}
LARGE_V3 |= {"n_text_state": 1280, "n_text_head": 20, "n_text_layer": 32}


def flops_of_front(samples: int, channels: int) -> tuple[float, int]:
    """FLOP of the convolutions at the front of an encoder, and the frames that these make."""
    total, frames, into = 0.0, samples, 1
    for kernel, stride in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True):
        frames = (frames - kernel) // stride + 1
        total += 2 * frames * channels * into * kernel
        into = channels
    return total, frames


def flops_of_transformer(frames: int, config: Mapping[str, Any]) -> float:
    """FLOP of all that follows: the projection, the position's convolution, the layers."""
    size = config["hidden_size"]
    position = config["num_conv_pos_embeddings"] * size / config["num_conv_pos_embedding_groups"]
    layer = 4 * size**2 + 2 * size * config["intermediate_size"] + 2 * frames * size
    return 2 * frames * (config["conv_dim"][0] * size + size * position + config["num_hidden_layers"] * layer)


def flops_of_embedding(samples: int, config: Mapping[str, Any]) -> float:
    front, frames = flops_of_front(samples, config["conv_dim"][0])
    return front + flops_of_transformer(frames, config)


def flops_of_step(samples: int, config: Mapping[str, Any]) -> float:
    """Of an utterance in a training step: back through the transformer is twice the way there; the front is frozen."""
    front, frames = flops_of_front(samples, config["conv_dim"][0])
    return front + 3 * flops_of_transformer(frames, config)


def flops_of_transcript(tokens: int, dims: Any) -> float:
    heard, size = dims.n_audio_ctx, dims.n_audio_state
    convolutions = 3 * size * (2 * heard * dims.n_mels + heard * size)
    encoder = dims.n_audio_layer * heard * (12 * size**2 + 2 * heard * size)
    size = dims.n_text_state
    keys_and_values = dims.n_text_layer * heard * 2 * size**2
    token = dims.n_text_layer * (14 * size**2 + 2 * (heard + tokens / 2) * size) + dims.n_vocab * size
    return 2 * (convolutions + encoder + keys_and_values + tokens * token)


def quickest(run: Callable[[], Any]) -> float:
    """Seconds of the quickest of some runs, after one that warms up."""
    seconds = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def report(what: str, rates: Mapping[str, float], flops: float) -> None:
    """Print the utterances per second of each way, the first of which is one file at a time.

    Args:
        what: the stage
        rates: utterances per second
        flops: of an utterance, on average
    """
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    peak = next((peak for card, peak in PEAK.items() if gpu.startswith(card)), None)
    first = next(iter(rates.values()))
    for way, rate in rates.items():
        share = f"{rate * flops / peak:10.1%} of peak" if peak else ""
        print(
            f"{what:12}{way:20}{rate:10.2f}/s{rate * flops / 1e12:10.3f} TFLOP/s{rate / first:8.2f}{share}", flush=True
        )


def listen(folder: Path, utterances: pd.DataFrame, config: Mapping[str, Any]) -> None:
    checkpoint = make(folder / "base", **config)
    alone = one_at_a_time(checkpoint, "auto")
    half = torch.cuda.is_available()

    def one_by_one(recordings: pd.DataFrame) -> np.ndarray:
        with torch.autocast("cuda" if half else "cpu", torch.bfloat16, enabled=half):
            return alone(recordings)

    runs = {"one file at a time": one_by_one, "in batches": in_batches(checkpoint, "auto", BUDGET)}
    rates = {way: len(utterances) / quickest(partial(run, utterances)) for way, run in runs.items()}
    samples = utterances["duration"] * audio.RATE
    report("embeddings", rates, np.mean([flops_of_embedding(round(each), config) for each in samples]))


def learn(folder: Path, utterances: pd.DataFrame, config: Mapping[str, Any], steps: int) -> None:
    checkpoint = make(folder / "base", **config)
    settings = Training()
    rates = {}
    for way, batch in {"one file at a time": 1, "in batches": settings.batch_size}.items():
        # Of those that train; as many again would only be classified.
        rows = utterances.iloc[np.arange(steps * batch) % len(utterances)].reset_index(drop=True)
        rows["utterance"] = [f"t{number}" for number in range(len(rows))]
        rows["emotion"] = np.array(EMOTIONS)[np.arange(len(rows)) % len(EMOTIONS)]
        fold = pd.DataFrame({"fold": "f", "split": "train", "utterance": rows["utterance"]})
        fold.loc[fold.index[: len(EMOTIONS)], "split"] = "validation"
        began: list[float] = []
        step = finetuning.Trainer.training_step

        def timed(*args: Any, **kwargs: Any) -> torch.Tensor:
            began.append(time.perf_counter())  # noqa: B023 of this round
            return step(*args, **kwargs)  # noqa: B023

        how = settings.model_dump() | {"batch_size": batch, "epochs": 1, "budget": BUDGET, "device": "auto", "seed": 0}
        with mock.patch.object(finetuning.Trainer, "training_step", timed):
            finetuning.finetune(checkpoint, fold, rows, rows, folder / way, **how)
        warm = len(began) // 3
        rates[way] = batch * (len(began) - 1 - warm) / (began[-1] - began[warm])
    report("fine-tuning", rates, flops_of_step(round(settings.crop * audio.RATE), config))


class Ending(LogitFilter):
    """Ends each text where it is as long as speech of that duration would be, and not before."""

    def __init__(self, tokens: torch.Tensor, begin: int, end: int) -> None:
        self.tokens, self.begin, self.end = tokens, begin, end

    def apply(self, logits: torch.Tensor, tokens: torch.Tensor) -> None:
        ends = tokens.shape[1] - self.begin >= self.tokens.to(logits.device)
        logits[:, self.end] = torch.where(ends, 1e4, -torch.inf)


def spoken(durations: pd.Series) -> pd.Series:
    """Tokens of texts."""
    return (TOKENS_PER_SECOND * durations).round().astype(int).clip(lower=1)


def transcribe(model: Any, utterances: pd.DataFrame, batch_size: int) -> pd.DataFrame:
    tokens = spoken(utterances.set_index("utterance")["duration"])
    decode = transcription.decode

    def ending(model: Any, mels: torch.Tensor, names: list[str], *args: Any) -> list[dict[str, Any]]:
        lengths = torch.tensor(tokens[names].to_numpy())

        def task(*args: Any) -> DecodingTask:
            made = DecodingTask(*args)
            made.logit_filters.append(Ending(lengths, made.sample_begin, made.tokenizer.eot))
            return made

        with mock.patch.object(transcription, "DecodingTask", task):
            return decode(model, mels, names, *args)

    with mock.patch.object(transcription, "decode", ending), mock.patch.object(transcription, "TEMPERATURES", (0.0,)):
        return transcription.transcribe(model, utterances, language="en", batch_size=batch_size, seed=0)


def write_down(utterances: pd.DataFrame, dims: Mapping[str, int]) -> None:
    device = checkpoints.device("auto")
    with device:
        model = transcription._on(device, whisper_model(**dims))
    # What is longer than the window goes through Whisper's own loop, one file at a time in any case.
    short = utterances[utterances["duration"] <= transcription.CHUNK_LENGTH]
    sizes = {"one file at a time": 1, "in batches": Transcripts().batch_size, "in larger ones": 32}
    rates = {way: len(short) / quickest(partial(transcribe, model, short, size)) for way, size in sizes.items()}
    flops = np.mean([flops_of_transcript(tokens, model.dims) for tokens in spoken(short["duration"])])
    report("transcripts", rates, flops)


def compare(folder: Path, utterances: pd.DataFrame, config: Mapping[str, Any]) -> None:
    """How far this device comes from a CPU in float32."""
    checkpoint = make(folder / "base", **config)
    expected = in_batches(checkpoint)(utterances)
    for name, precision in (("float32", "float32"), ("bfloat16", "auto")):
        said = in_batches(checkpoint, "auto", BUDGET, precision)(utterances)
        apart = np.sqrt(np.square(said - expected).mean(axis=(0, 2)) / np.square(expected).mean(axis=(0, 2)))
        print(f"embeddings in {name:9} at most {abs(said - expected).max():.1e}; by layer, relative: {apart.round(5)}")
    torch.manual_seed(0)
    model, extractor = finetuning._with_new_head(*encoder.load(AutoModel, checkpoint), EMOTIONS)
    expected = finetuning.predict(model, extractor, utterances, BUDGET // 15)
    model = model.to(checkpoints.device("auto"))
    for name, half in (("float32", False), ("bfloat16", True)):
        with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
            said = finetuning.predict(model, extractor, utterances, BUDGET)
        same = (said.argmax(axis=1) == expected.argmax(axis=1)).mean()
        print(f"logits in {name:13} at most {abs(said - expected).max():.1e}; the same emotion: {same:.1%}")
    heard = utterances[utterances["duration"] <= transcription.CHUNK_LENGTH]
    whispers = [
        transcription._on(checkpoints.device(name), whisper_model(sure=True, **TOY)) for name in ("cpu", "auto")
    ]
    on_cpu, said = (transcribe(model, heard, Transcripts().batch_size) for model in whispers)
    apart = (said["mean_log_probability"] - on_cpu["mean_log_probability"]).abs().max()
    same = (said["text"] == on_cpu["text"]).mean()
    print(f"transcripts in float16   mean log-probability at most {apart:.1e}; the same text: {same:.1%}", flush=True)


def main(small: bool, count: int) -> None:
    if not (small or torch.cuda.is_available()):
        print("There is no GPU: nothing is measured (--small shows that all runs).")
        return
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    config, dims = (SMALL, TOY) if small else (SMALL | BASE, LARGE_V3)
    print(f"{gpu}, {'toy models, ' if small else ''}{count} utterances, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as name:
        utterances = make_corpus(Path(name), count, *((0.25, 5) if small else ()))
        listen(Path(name), utterances, config)
        learn(Path(name), utterances, config, 6 if small else 60)
        write_down(utterances, dims)
        compare(Path(name), utterances.head(40), config)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="toy models and few utterances, on a CPU as well")
    parser.add_argument("--utterances", type=int, help="how many; 400, or 8 where small")
    given = parser.parse_args()
    main(given.small, given.utterances or (8 if given.small else 400))
