"""Pretrained encoders of speech (wav2vec 2.0, HuBERT, WavLM), made so that padding changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoFeatureExtractor, PreTrainedModel

from emofuse import audio, checkpoints
from emofuse.speech import convolutions
from emofuse.tables import InputError

FAMILY = ("wav2vec2", "hubert", "wavlm")
"""transformers' names of the architectures."""

UNUSED = ("masked_spec_embed", *(f"{name}.masked_spec_embed" for name in FAMILY))
"""What stands in for masked frames in training: checkpoints for speech recognition often come without it."""


def load(
    auto_class: Any, checkpoint: checkpoints.Checkpoint, new: Sequence[str] = (), **kwargs: Any
) -> tuple[PreTrainedModel, Any]:
    """Load an encoder that takes utterances of any lengths in one batch.

    The convolutions at its front end see no padding: on a CPU they run on each utterance alone, elsewhere on many at
    once.
    Many checkpoints, wav2vec2-base among them, normalise in these over the whole time axis, padding included,
    and no attention mask helps; the transformer behind them does take a mask.

    Args:
        auto_class: what to load, e.g. ``transformers.AutoModel``
        checkpoint: where it is
        new: see :func:`emofuse.checkpoints.load_model`
        kwargs: more for ``from_pretrained``

    Returns:
        the model, to be called with :func:`inputs`, and its feature extractor

    Raises:
        InputError: if the checkpoint is missing, damaged or unsafe, or is of another architecture
    """
    architecture = checkpoints.load_processor(AutoConfig, checkpoint).model_type
    if architecture not in FAMILY:
        raise InputError([f"{dict(checkpoint)}: is a {architecture} checkpoint; should be one of {', '.join(FAMILY)}"])
    extractor = checkpoints.load_processor(AutoFeatureExtractor, checkpoint)
    if extractor.sampling_rate != audio.RATE:
        raise InputError([f"{dict(checkpoint)}: hears {extractor.sampling_rate} Hz; should be {audio.RATE} Hz"])
    model = checkpoints.load_model(auto_class, checkpoint, (*new, *UNUSED), **kwargs)
    front = model.base_model.feature_extractor
    convolve = front.forward

    def without_padding(waves: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        if isinstance(waves, torch.Tensor):
            return convolve(waves)
        if waves[0].device.type == "cpu":
            features = [convolutions.features(front, wave) for wave in waves]
        else:
            features = convolutions.features_of_all(front, waves)
        return pad_sequence(features, batch_first=True).transpose(1, 2)

    front.forward = without_padding
    _leave_padding_alone(model.base_model.encoder.pos_conv_embed)
    return model, extractor


def _leave_padding_alone(position: torch.nn.Module) -> None:
    """Some HuBERTs normalise before the position's convolution, which lifts the padding from the zero that it was."""
    norm = getattr(position, "batch_norm", None)
    if norm is None:
        return
    normalise = norm.forward

    def forward(hidden: torch.Tensor) -> torch.Tensor:  # (batch, channels, frames)
        return normalise(hidden).masked_fill((hidden == 0).all(1, keepdim=True), 0)

    norm.forward = forward


def wave(extractor: Any, part: Sequence[Any]) -> torch.Tensor:
    """An utterance as its model hears it.

    Args:
        extractor: the feature extractor, which scales an utterance to zero mean and unit variance
            where the checkpoint was trained so
        part: what :func:`emofuse.audio.load` takes: path, start and end

    Returns:
        (samples,), on the CPU
    """
    return torch.from_numpy(extractor(audio.load(*part), sampling_rate=audio.RATE).input_values[0])


def inputs(waves: Sequence[torch.Tensor], device: torch.device) -> dict[str, Any]:
    """What a model from :func:`load` is called with, for utterances of any lengths.

    Args:
        waves: as :func:`wave` returns them
        device: where the model is
    """
    lengths = torch.tensor([len(wave) for wave in waves], device=device)
    mask = torch.arange(max(map(len, waves)), device=device) < lengths[:, None]
    return {"input_values": [wave.to(device) for wave in waves], "attention_mask": mask.long()}
