"""Embeddings: what each layer of a pretrained speech encoder makes of an utterance, on average over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
        threads: how many batches run side by side on a CPU, each on one core; elsewhere batches are read ahead
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

    hear = partial(encoder.wave, extractor)

    def embed_batch(batch: list[int], waves: Iterable[torch.Tensor]) -> int:
        embeddings[batch] = _means(model, list(waves), precision)
        return len(batch)

    if model.device.type == "cpu":
        finished = _side_by_side(lambda batch: embed_batch(batch, map(hear, parts[batch])), batches, threads)
    else:
        finished = map(embed_batch, batches, audio.ahead(hear, (parts[batch] for batch in batches)))
    with tqdm(total=len(parts), desc="embeddings", unit="utterance") as progress:
        for count in finished:
            progress.update(count)
    return embeddings


def _side_by_side(work: Callable[[list[int]], int], batches: list[list[int]], threads: int) -> Iterator[int]:
    # On a CPU, one core per batch beats all cores on each batch: no core waits for the slowest after every operation.
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(work, batches)


@torch.inference_mode()
def _means(model: PreTrainedModel, waves: Sequence[torch.Tensor], precision: str) -> Embeddings:
    """(batch, layers, hidden size)."""
    inputs = encoder.inputs(waves, model.device)
    half = (
        precision == "auto" and model.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
        layers = model(**inputs, output_hidden_states=True).hidden_states  # (batch, frames, hidden size) each
    # The model's own count of frames would not do: where an adapter follows these layers, it is shorter.
    span, hop = convolutions.geometry(model.feature_extractor)
    frames = [(len(wave) - span) // hop + 1 for wave in waves]
    means = _mean_of_each if model.device.type == "cpu" else _mean_of_all
    return torch.stack([means(states, frames) for states in layers], dim=1).cpu().numpy()


def _mean_of_each(states: torch.Tensor, frames: Sequence[int]) -> torch.Tensor:
    """Means over each utterance's own frames, (batch, hidden size)."""
    return torch.stack([row[:count].float().mean(0) for row, count in zip(states, frames, strict=True)])


def _mean_of_all(states: torch.Tensor, frames: Sequence[int]) -> torch.Tensor:
    """The same, but for rounding, in one operation: a GPU would wait for the next of a thousand small ones."""
    count = torch.tensor(frames, device=states.device)[:, None, None]
    is_own = torch.arange(states.shape[1], device=states.device) < count  # (batch, 1, frames)
    return torch.bmm(is_own / count, states.float())[:, 0]
