"""The demo's wav2vec 2.0: a small checkpoint of the real architecture, trained in a minute on a CPU.

It is saved in the format of the public ones, and the code that loads those loads it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch
from torch import nn
from torch.nn import functional
from tqdm import trange
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

PROSODY = ("rate", "pitch", "range", "volume")
"""What the model learns to hear."""

CROP = 24_000
"""Samples (1.5 s) of an utterance that a step of training hears."""


def train_wav2vec2(
    material: pd.DataFrame, steps: int, seed: int, batch_size: int = 16, rate: float = 2e-3
) -> Wav2Vec2Model:
    """Train a small wav2vec 2.0 from scratch to hear prosody.

    Self-supervision takes days on GPUs. Regression of the prosody that an utterance was made with,
    from the mean of the last layer over time, takes a minute and makes states of the same use:
    a classifier on them hears emotions that the training knew nothing of.

    Args:
        material: a `material` table, with audio at 16 kHz
        steps: updates of the weights
        seed: of weights, batches and crops; the same gives the same weights, bit for bit, with one thread
        batch_size: utterances a step
        rate: highest learning rate of the one-cycle schedule

    Returns:
        the model, in evaluation mode
    """
    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=288,
        conv_dim=(48, 64, 64, 96),
        conv_kernel=(40, 8, 4, 4),
        conv_stride=(20, 4, 2, 2),  # 20 ms a frame, as in the large ones
        conv_bias=True,
        num_feat_extract_layers=4,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        # Norms of single frames rather than of whole utterances, so that padding changes nothing.
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        mask_time_prob=0.0,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
    )
    model = Wav2Vec2Model(config).train()
    head = nn.Linear(config.hidden_size, len(PROSODY))
    parameters = [*model.parameters(), *head.parameters()]
    waves = [torch.from_numpy(_decoded(audio)) for audio in material["audio"]]
    targets = material[list(PROSODY)].to_numpy(np.float32)
    targets = torch.from_numpy((targets - targets.mean(axis=0)) / targets.std(axis=0))

    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    batches = _batches(len(waves), batch_size)
    progress = trange(steps, desc="wav2vec 2.0", unit="step", mininterval=2)
    for _ in progress:
        batch = next(batches)
        heard = model(torch.stack([_crop(waves[index]) for index in batch])).last_hidden_state.mean(dim=1)
        loss = functional.mse_loss(head(heard), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        progress.set_postfix(loss=f"{loss.item():.2f}", refresh=False)
    return model.eval()


def save(model: Wav2Vec2Model, folder: str | Path) -> None:
    """Save a model and its feature extractor, which leaves the volume as it is, in the format of the hub."""
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)


def _decoded(audio: bytes) -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(audio), dtype="float32")
    return samples


def _crop(wave: torch.Tensor) -> torch.Tensor:
    """:data:`CROP` samples from anywhere in an utterance, which is repeated if it is shorter."""
    start = int(torch.randint(max(1, len(wave) - CROP + 1), ()))
    crop = wave[start : start + CROP]
    return crop.repeat(-(-CROP // len(crop)))[:CROP]


def _batches(rows: int, size: int) -> Iterator[list[int]]:
    """Batches of rows in random order, each row once an epoch; what is left over of an epoch is passed over."""
    while True:
        yield from torch.randperm(rows)[: rows // size * size].view(-1, size).tolist()
