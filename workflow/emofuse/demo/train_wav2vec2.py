"""The demo's wav2vec 2.0: a small checkpoint of the real architecture, trained within a minute on a CPU.

It is saved in the format of the public ones, and the code that loads those loads it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from emofuse.demo import training
from emofuse.demo.material import decode
from emofuse.demo.voices import PROSODY

CROP = 24_000
"""Samples (1.5 s) of each utterance that the model hears per step of training."""


def train(material: pd.DataFrame, steps: int, seed: int, batch_size: int = 16, rate: float = 2e-3) -> Wav2Vec2Model:
    """Train a small wav2vec 2.0 from scratch to hear prosody.

    Self-supervision takes days on GPUs. Here the mean of the last layer over time is trained to tell, by regression,
    the prosody that an utterance was made with. This takes a minute, and the states are of the same use:
    a classifier on them hears emotions, of which the training knew nothing.

    Args:
        material: a `material` table, with audio at 16 kHz
        steps: updates of the weights
        seed: of weights, batches and crops; the same gives the same weights, bit for bit, with one thread
        batch_size: utterances per step
        rate: the highest learning rate of the one-cycle schedule

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
        conv_stride=(20, 4, 2, 2),  # 20 ms per frame, as in the large ones
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
    waves = [torch.from_numpy(decode(audio)) for audio in material["audio"]]
    prosody = material[list(PROSODY)].to_numpy(np.float32)
    targets = torch.from_numpy((prosody - prosody.mean(axis=0)) / prosody.std(axis=0))  # (utterances, 4)

    def loss(batch: list[int]) -> torch.Tensor:
        crops = torch.stack([_crop(waves[index]) for index in batch])  # (batch, samples)
        states = model(crops).last_hidden_state  # (batch, frames, 96)
        return functional.mse_loss(head(states.mean(dim=1)), targets[batch])

    training.descend(
        [*model.parameters(), *head.parameters()],
        loss,
        len(waves),
        steps,
        batch_size=batch_size,
        rate=rate,
        name="wav2vec 2.0",
        warm_up=0.15,
        longest_gradient=1.0,
    )
    return model.eval()


def save(model: Wav2Vec2Model, folder: str | Path) -> None:
    """Save a model and its feature extractor, which leaves the volume as it is, in the format of the hub."""
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)


def _crop(wave: torch.Tensor) -> torch.Tensor:
    """:data:`CROP` samples from anywhere in an utterance, which is repeated if it is shorter."""
    start = int(torch.randint(max(1, len(wave) - CROP + 1), ()))
    crop = wave[start : start + CROP]
    return crop.repeat(-(-CROP // len(crop)))[:CROP]
