"""The demo's Whisper: a small checkpoint of the real architecture, trained within minutes on a CPU.

It is saved in the format of the public ones, and the code that loads those loads it.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import whisper
from torch import nn
from torch.nn import functional
from whisper.audio import N_SAMPLES_PER_TOKEN
from whisper.model import ModelDimensions, Whisper, sinusoids
from whisper.tokenizer import get_tokenizer

from emofuse.demo import training
from emofuse.demo.material import decode
from emofuse.tables import replacing

DIMENSIONS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=180,  # 3.6 s instead of 30 s
    n_audio_state=128,
    n_audio_head=4,
    n_audio_layer=2,
    n_vocab=51864,  # that of Whisper's English models
    n_text_ctx=24,
    n_text_state=128,
    n_text_head=4,
    n_text_layer=2,
)
"""The architecture of the demo's Whisper: 8 million parameters, of which 7 million are the vocabulary."""

FRAMES_PER_TOKEN = 12
"""How long a token of the demo's speech lasts, roughly, in frames of the encoder (20 ms)."""

NO_TOKEN = -100
"""What stands in place of a token that is not to be predicted; ``cross_entropy`` passes over it."""


def train(material: pd.DataFrame, steps: int, seed: int, batch_size: int = 8, rate: float = 2e-3) -> Whisper:
    """Train a small English Whisper from scratch.

    Args:
        material: a `material` table, with audio at 16 kHz, at most 3.6 s each
        steps: updates of the weights
        seed: of weights and batches; the same gives the same weights, bit for bit, with one thread
        batch_size: utterances per step
        rate: the highest learning rate of the one-cycle schedule

    Returns:
        the model, in evaluation mode, with the vocabulary of Whisper's English models

    Raises:
        ValueError: if an utterance is longer than the model's window
    """
    torch.manual_seed(seed)
    mels = torch.stack([_log_mel(audio) for audio in material["audio"]])  # (utterances, 80, 360)
    tokenizer = get_tokenizer(multilingual=False)
    prompt = list(tokenizer.sot_sequence_including_notimestamps)
    texts = [[*prompt, *tokenizer.encode(" " + text), tokenizer.eot] for text in material["text"]]
    # Training needs the hundred tokens that occur, not all 51 864. One row stands for all unused tokens together:
    # its logit, raised by the logarithm of their number, gives it the probability that they will have in sum.
    used = sorted(set().union(*texts))
    model = Whisper(dataclasses.replace(DIMENSIONS, n_vocab=len(used) + 1))
    _start_in_step(model)
    raised = torch.zeros(len(used) + 1)
    raised[-1] = math.log(DIMENSIONS.n_vocab - len(used))
    tokens = torch.full((len(texts), max(map(len, texts))), NO_TOKEN)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.from_numpy(np.searchsorted(used, text))
    targets = tokens[:, 1:].clone()
    targets[:, : len(prompt) - 1] = NO_TOKEN

    def loss(batch: list[int]) -> torch.Tensor:
        states = model.encoder(mels[batch])  # (batch, 180, 128)
        logits = model.decoder(tokens[batch, :-1].clamp(min=0), states) + raised  # (batch, tokens, used + 1)
        return functional.cross_entropy(logits.flatten(0, 1), targets[batch].flatten())

    training.descend(
        model.parameters(),
        loss,
        len(texts),
        steps,
        batch_size=batch_size,
        rate=rate,
        name="Whisper",
        longest_gradient=1.0,
    )
    return _with_whole_vocabulary(model, used)


def save(model: Whisper, path: str | Path) -> None:
    """Save a model as a file that ``whisper.load_model`` loads: tensors and numbers, nothing else."""
    with replacing(path) as temporary:
        # torch writes the file's name into the file, unless it does not know it.
        content = io.BytesIO()
        torch.save({"dims": dataclasses.asdict(model.dims), "model_state_dict": model.state_dict()}, content)
        temporary.write_bytes(content.getvalue())


def _start_in_step(model: Whisper) -> None:
    """Let the decoder attend, from the start, to where its next token is in the audio if all tokens last equally long.

    From random weights, most of the training passes before the decoder learns that time runs in both.
    """
    decoder = model.decoder
    nn.init.normal_(decoder.token_embedding.weight, std=DIMENSIONS.n_text_state**-0.5)
    frames = (FRAMES_PER_TOKEN * (torch.arange(DIMENSIONS.n_text_ctx) - 0.5)).long().clamp(min=0)
    places = sinusoids(int(frames[-1]) + 1, DIMENSIONS.n_text_state)[frames]
    with torch.no_grad():
        decoder.positional_embedding.copy_(0.3 * places)
        for block in decoder.blocks:
            # With the same weights on both sides, queries are closest to keys of the same place.
            attention = block.cross_attn
            attention.key.weight.mul_(2)
            attention.query.weight.copy_(attention.key.weight)
            attention.query.bias.zero_()


def _with_whole_vocabulary(model: Whisper, used: Sequence[int]) -> Whisper:
    """The model with a row per token of the English vocabulary: all unused tokens share the last row of training."""
    state = model.state_dict()
    rows = state["decoder.token_embedding.weight"]
    whole = rows[-1].repeat(DIMENSIONS.n_vocab, 1)
    whole[torch.tensor(used)] = rows[:-1]
    result = Whisper(DIMENSIONS)
    result.load_state_dict(state | {"decoder.token_embedding.weight": whole})
    return result.eval()


def _log_mel(audio: bytes) -> torch.Tensor:
    """(80, 360) log-Mel spectrogram of an utterance, padded to the model's window."""
    samples = decode(audio)
    window = DIMENSIONS.n_audio_ctx * N_SAMPLES_PER_TOKEN
    if len(samples) > window:
        raise ValueError(f"an utterance of {len(samples)} samples; should be at most {window}")
    return whisper.log_mel_spectrogram(whisper.pad_or_trim(samples, window), DIMENSIONS.n_mels)
