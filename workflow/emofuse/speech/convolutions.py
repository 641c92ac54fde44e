"""The convolutions at the front of a speech encoder, a window of the utterance at a time.

On a CPU they take a third of the time of an encoder of wav2vec2-base's size, and much of that is waiting for memory:
after the first convolution, a second of speech is 3 200 frames of 512 channels.
A window at a time stays in the cache.
The values are the same but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

WINDOW = 50
"""Frames that a window gives; one second."""


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
    # Only the first layer of some checkpoints looks beyond its window: it normalises over the whole utterance.
    layers = [
        _normalised(first, wave) if isinstance(getattr(first, "layer_norm", None), nn.GroupNorm) else first,
        *later,
    ]
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


def _normalised(layer: Any, wave: Tensor) -> Callable[[Tensor], Tensor]:
    """A first layer with its group normalisation, one group per channel, over the whole utterance.

    The output of a convolution with kernel k has the mean k m and the variance k C k',
    where m and C are the mean and the covariance of the pieces of the wave that the kernel is laid on.
    So the norm is known before the convolution, and goes into the kernel.
    """
    norm = layer.layer_norm
    kernel = layer.conv.weight[:, 0].double()  # (channels, samples)
    (width,), (step,) = layer.conv.kernel_size, layer.conv.stride
    pieces = wave.unfold(0, width, step).double()
    mean = pieces.mean(0)
    covariance = (pieces - mean).T @ (pieces - mean) / len(pieces)
    scale = norm.weight / ((kernel @ covariance * kernel).sum(1) + norm.eps).sqrt()
    shift = (norm.bias - scale * (kernel @ mean)).float()[:, None]
    kernel = (scale[:, None] * kernel).float()

    def apply(wave: Tensor) -> Tensor:
        # A product of matrices: the library's convolution of a single channel is several times slower.
        return layer.activation(torch.addmm(shift, kernel, wave[0, 0].unfold(0, width, step).T))[None]

    return apply
