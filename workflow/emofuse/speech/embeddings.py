"""Embeddings: what each layer of a pretrained speech encoder makes of an utterance, on average over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch.nn.utils import parametrize
from tqdm import tqdm
from transformers import AutoModel, PreTrainedModel

from emofuse import audio, checkpoints
from emofuse.speech import convolutions, encoder
from emofuse.storage import Embeddings

Precision = Literal["auto", "float32"]
"""bfloat16 where a GPU computes it (``auto``), or float32 everywhere."""


def load(checkpoint: checkpoints.Checkpoint, device: str) -> tuple[PreTrainedModel, Any]:
    """Load an encoder and its feature extractor.

    Args:
        checkpoint: where it is
        device: as :func:`emofuse.checkpoints.device` takes it

    Raises:
        InputError: as :func:`emofuse.speech.encoder.load`
    """
    model, extractor = encoder.load(AutoModel, checkpoint)
    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            # Else the position's convolution makes its kernel anew from magnitude and direction in every batch.
            parametrize.remove_parametrizations(module, "weight")
    return model.to(checkpoints.device(device)), extractor


def embed(
    model: PreTrainedModel,
    extractor: Any,
    recordings: pd.DataFrame,
    *,
    budget: int,
    threads: int,
    precision: Precision,
) -> Embeddings:
    """Mean over time of every layer of an encoder, for each utterance.

    The embedding of an utterance depends neither on its batch nor on its padding (but for rounding).

    Args:
        model: as :func:`load` returns it
        extractor: likewise
        recordings: rows of a ``recordings`` table, as :func:`emofuse.audio.resolve` returns it
        budget: the most samples of a batch (16 000 per second), padding included;
            memory grows with it, and with ``threads`` on a CPU
        threads: how many batches run side by side on a CPU, each on one core
        precision: see :data:`Precision`

    Returns:
        (utterances, layers, hidden size); layer 0 is what the first transformer layer takes in

    Raises:
        InputError: if a file cannot be read
    """
    parts = recordings[["path", "start", "end"]].to_numpy()
    lengths = [round(seconds * audio.RATE) for seconds in recordings["duration"]]
    batches = audio.batches(lengths, budget)
    config = model.config
    embeddings = np.empty((len(parts), config.num_hidden_layers + 1, config.hidden_size), np.float32)

    def embed_batch(batch: list[int]) -> int:
        embeddings[batch] = _means(model, extractor, [audio.load(*part) for part in parts[batch]], precision)
        return len(batch)

    with tqdm(total=len(parts), desc="embeddings", unit="utterance") as progress:
        for done in _side_by_side(embed_batch, batches, threads if model.device.type == "cpu" else 1):
            progress.update(done)
    return embeddings


def _side_by_side(work: Callable[[list[int]], int], batches: list[list[int]], threads: int) -> Iterator[int]:
    # On a CPU, one core per batch beats all cores on each batch: no core waits for the slowest after every operation.
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(work, batches)


@torch.inference_mode()
def _means(model: PreTrainedModel, extractor: Any, samples: Sequence[audio.Samples], precision: str) -> Embeddings:
    """(batch, layers, hidden size)."""
    inputs = encoder.inputs(extractor, samples, model.device)
    half = (
        precision == "auto" and model.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
        layers = model(**inputs, output_hidden_states=True).hidden_states  # (batch, frames, hidden size) each
    # The model's own count of frames would not do: where an adapter follows these layers, it is shorter.
    span, hop = convolutions.geometry(model.feature_extractor)
    frames = ((inputs["attention_mask"].sum(1) - span) // hop + 1).tolist()
    means = [
        torch.stack([states[row, :count].float().mean(0) for states in layers]) for row, count in enumerate(frames)
    ]
    return torch.stack(means).cpu().numpy()
