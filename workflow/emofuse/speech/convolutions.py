"""The convolutions at the front of a speech encoder: a window at a time on a CPU, many utterances at once elsewhere.

On a CPU they take a third of the time of an encoder of wav2vec2-base's size, and much of that is waiting for memory:
after the first convolution, a second of speech is 3 200 frames of 512 channels.
A window at a time stays in the cache.
A GPU would wait for the next of thousands of small operations instead: there a batch is convolved at once, padded.
The values are those of each utterance alone but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from emofuse import audio

WINDOW = 50
"""Frames that a window gives; one second."""

AT_ONCE = 2**20
"""The most samples that are convolved at once, padding included: in float32 each layer takes up to half a gigabyte."""


def geometry(front: Any) -> tuple[int, int]:
    """How many samples a frame is made of, and how many lie between two frames' beginnings: mostly 400 and 320."""
    span, hop = 1, 1
    for layer in front.conv_layers:
        span += (layer.conv.kernel_size[0] - 1) * hop
        hop *= layer.conv.stride[0]
    return span, hop


def features(front: Any, wave: Tensor, window: int = WINDOW) -> Tensor:
    """What the convolutions make of one utterance.

    Args:
        front: the feature encoder of a wav2vec 2.0, HuBERT or WavLM model of transformers
        wave: (samples,), more than the first frame needs
        window: frames to compute at a time

    Returns:
        (frames, channels)
    """
    first, *later = front.conv_layers
    layers = [_normalised(first, wave) if _looks_at_all(first) else first, *later]
    span, hop = geometry(front)
    frames = max((len(wave) - span) // hop + 1, 1)
    parts = []
    for start in range(0, frames, window):
        stop = min(start + window, frames)
        hidden = wave[None, None, start * hop : (stop - 1) * hop + span]
        for layer in layers:
            hidden = layer(hidden)
        parts.append(hidden[0].T)
    return torch.cat(parts)


def features_of_all(front: Any, waves: Sequence[Tensor]) -> list[Tensor]:
    """What the convolutions make of several utterances, of any lengths, many at once.

    Args:
        front: as :func:`features` takes it
        waves: (samples,) each, likewise

    Returns:
        (frames, channels) for each
    """
    span, hop = geometry(front)
    heard: dict[int, Tensor] = {}
    for batch in audio.batches([len(wave) for wave in waves], AT_ONCE):
        hidden = _convolved(front, [waves[index] for index in batch])  # (batch, channels, frames)
        # A frame of an utterance has seen none of its padding; what follows these is of no use.
        heard |= {
            index: row[:, : (len(waves[index]) - span) // hop + 1].T for index, row in zip(batch, hidden, strict=True)
        }
    return [heard[index] for index in range(len(waves))]


def _convolved(front: Any, waves: Sequence[Tensor]) -> Tensor:
    first, *later = front.conv_layers
    padded = pad_sequence(list(waves), batch_first=True)
    hidden = _each_normalised(first, padded, waves) if _looks_at_all(first) else first(padded[:, None])
    for layer in later:
        hidden = layer(hidden)
    return hidden


def _looks_at_all(first: Any) -> bool:
    """Whether a first layer looks beyond its window: those of some checkpoints normalise over the whole utterance."""
    return isinstance(getattr(first, "layer_norm", None), nn.GroupNorm)


def _with_norm(layer: Any, mean: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The kernel of a first layer with its group normalisation, one group per channel, over the whole utterance.

    The output of a convolution with kernel k has the mean k m and the variance k C k',
    where m and C are the mean and the covariance of the pieces of the wave that the kernel is laid on.
    So the norm is known before the convolution, and goes into the kernel.

    Args:
        layer: the first layer
        mean: (samples of the kernel,), float64
        covariance: (samples of the kernel, samples of the kernel), float64

    Returns:
        (channels, samples of the kernel), and what is added, (channels, 1)
    """
    norm = layer.layer_norm
    kernel = layer.conv.weight[:, 0].double()
    scale = norm.weight / ((kernel @ covariance * kernel).sum(1) + norm.eps).sqrt()
    shift = (norm.bias - scale * (kernel @ mean)).float()[:, None]
    return (scale[:, None] * kernel).float(), shift


def _each_normalised(layer: Any, padded: Tensor, waves: Sequence[Tensor]) -> Tensor:
    """What a first layer with group normalisation makes of (batch, samples), each normalised without its padding."""
    (width,), (step,) = layer.conv.kernel_size, layer.conv.stride
    pieces = padded.unfold(1, width, step)  # (batch, frames, samples of the kernel)
    count = torch.tensor([(len(wave) - width) // step + 1 for wave in waves], device=padded.device)[:, None, None]
    inside = torch.arange(pieces.shape[1], device=padded.device)[:, None] < count  # (batch, frames, 1)
    mean = (pieces.double() * inside).sum(1, keepdim=True) / count
    centred = (pieces.double() - mean) * inside
    kernel, shift = torch.vmap(partial(_with_norm, layer))(mean[:, 0], centred.mT @ centred / count)
    return layer.activation(torch.baddbmm(shift, kernel, pieces.mT))


def _normalised(layer: Any, wave: Tensor) -> Callable[[Tensor], Tensor]:
    """A first layer with group normalisation over the whole of an utterance, to be laid on any window of it."""
    (width,), (step,) = layer.conv.kernel_size, layer.conv.stride
    pieces = wave.unfold(0, width, step).double()
    mean = pieces.mean(0)
    kernel, shift = _with_norm(layer, mean, (pieces - mean).T @ (pieces - mean) / len(pieces))

    def apply(wave: Tensor) -> Tensor:
        # A product of matrices: the library's convolution of a single channel is several times slower.
        return layer.activation(torch.addmm(shift, kernel, wave[0, 0].unfold(0, width, step).T))[None]

    return apply
