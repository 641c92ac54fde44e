"""The demo's Whisper and sentiment model: small checkpoints of the real architectures, trained in minutes on a CPU.

They are saved in the formats of the public ones, and the code that loads those loads these.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch
import whisper
from torch import nn
from torch.nn import functional
from tqdm import trange
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaTokenizer,
)
from whisper.audio import N_SAMPLES_PER_TOKEN
from whisper.model import ModelDimensions, Whisper, sinusoids
from whisper.tokenizer import get_tokenizer

from emofuse.tables import SENTIMENTS, replacing

WHISPER = ModelDimensions(
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
"""The architecture of the demo's Whisper: 8 million parameters, of which 7 are the vocabulary."""

FRAMES_PER_TOKEN = 12
"""Encoder frames (20 ms) that a token of the demo's speech lasts, roughly."""


def train_whisper(material: pd.DataFrame, steps: int, seed: int, batch_size: int = 8, rate: float = 2e-3) -> Whisper:
    """Train a small English Whisper from scratch.

    Args:
        material: a `material` table, with audio at 16 kHz, at most 3.6 s each
        steps: updates of the weights
        seed: of weights and batches; the same gives the same weights, bit for bit, with one thread
        batch_size: utterances a step
        rate: highest learning rate of the one-cycle schedule

    Returns:
        the model, in evaluation mode, with the vocabulary of Whisper's English models
    """
    torch.manual_seed(seed)
    mels = torch.stack([_log_mel(audio) for audio in material["audio"]])  # (utterances, 80, 360)
    tokenizer = get_tokenizer(multilingual=False)
    prompt = list(tokenizer.sot_sequence_including_notimestamps)
    texts = [[*prompt, *tokenizer.encode(" " + text), tokenizer.eot] for text in material["text"]]
    # Training needs the hundred tokens that occur, not all 51 864. One row stands for all others together:
    # its logit, raised by the logarithm of their number, gives it the probability that they will have in sum.
    used = sorted(set().union(*texts))
    model = Whisper(dataclasses.replace(WHISPER, n_vocab=len(used) + 1))
    _start_in_step(model)
    others = torch.zeros(len(used) + 1)
    others[-1] = math.log(WHISPER.n_vocab - len(used))
    longest = max(map(len, texts))
    tokens = torch.full((len(texts), longest), -100)  # -100: no token here, which cross_entropy passes over
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.from_numpy(np.searchsorted(used, text))
    targets = tokens[:, 1:].clone()
    targets[:, : len(prompt) - 1] = -100

    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    batches = _batches(len(texts), batch_size)
    progress = trange(steps, desc="Whisper", unit="step", mininterval=2)
    for _ in progress:
        batch = next(batches)
        heard = model.encoder(mels[batch])
        logits = model.decoder(tokens[batch, :-1].clamp(min=0), heard) + others
        loss = functional.cross_entropy(logits.flatten(0, 1), targets[batch].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.set_postfix(loss=f"{loss.item():.2f}", refresh=False)
    return _with_whole_vocabulary(model, used)


def _start_in_step(model: Whisper) -> None:
    """Let the decoder attend, from the start, to where its next token is in the audio if all tokens last equally long.

    From random weights, most of the training passes before the decoder has found out that time runs in both.
    """
    decoder = model.decoder
    nn.init.normal_(decoder.token_embedding.weight, std=WHISPER.n_text_state**-0.5)
    frames = (FRAMES_PER_TOKEN * (torch.arange(WHISPER.n_text_ctx) - 0.5)).long().clamp(min=0)
    places = sinusoids(int(frames[-1]) + 1, WHISPER.n_text_state)[frames]
    with torch.no_grad():
        decoder.positional_embedding.copy_(0.3 * places)
        for block in decoder.blocks:
            # With the same weights on both sides, queries are closest to keys of the same place.
            attention = block.cross_attn
            attention.key.weight.mul_(2)
            attention.query.weight.copy_(attention.key.weight)
            attention.query.bias.zero_()


def _with_whole_vocabulary(model: Whisper, used: Sequence[int]) -> Whisper:
    state = model.state_dict()
    rows = state["decoder.token_embedding.weight"]
    whole = rows[-1].repeat(WHISPER.n_vocab, 1)
    whole[torch.tensor(used)] = rows[:-1]
    result = Whisper(WHISPER)
    result.load_state_dict(state | {"decoder.token_embedding.weight": whole})
    return result.eval()


def save_whisper(model: Whisper, path: str | Path) -> None:
    """Save a model as a file that ``whisper.load_model`` loads: tensors and numbers, nothing else."""
    with replacing(path) as temporary:
        # torch writes the file's name into the file, unless it does not know it.
        content = io.BytesIO()
        torch.save({"dims": dataclasses.asdict(model.dims), "model_state_dict": model.state_dict()}, content)
        temporary.write_bytes(content.getvalue())


def _log_mel(audio: bytes) -> torch.Tensor:
    samples, _ = soundfile.read(io.BytesIO(audio), dtype="float32")
    window = WHISPER.n_audio_ctx * N_SAMPLES_PER_TOKEN
    if len(samples) > window:
        raise ValueError(f"an utterance of {len(samples)} samples; should be at most {window}")
    return whisper.log_mel_spectrogram(whisper.pad_or_trim(samples, window), WHISPER.n_mels)


def _batches(rows: int, size: int) -> Iterator[list[int]]:
    """Batches of rows in random order, each row once an epoch; what is left over of an epoch is passed over."""
    while True:
        yield from torch.randperm(rows)[: rows // size * size].view(-1, size).tolist()


# --- Sentiment -------------------------------------------------------------------------------------------------------

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""The first tokens of XLM-R's vocabulary, in its order; ``<mask>`` is the last."""


def train_sentiment(
    texts: Sequence[str], sentiments: Sequence[str], steps: int, seed: int, batch_size: int = 32, rate: float = 2e-3
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Train a small XLM-RoBERTa that classifies sentiment, and make its tokenizer.

    It learns to read the texts as they are and in lower case without punctuation, as a normaliser leaves them.

    Args:
        texts: sentences
        sentiments: the sentiment of each, of :data:`emofuse.tables.SENTIMENTS`
        steps: updates of the weights
        seed: of weights and batches; the same gives the same weights, bit for bit, with one thread
        batch_size: texts a step
        rate: highest learning rate of the one-cycle schedule

    Returns:
        the model, in evaluation mode, whose labels are named, and the tokenizer;
        both have ``save_pretrained``
    """
    torch.manual_seed(seed)
    both = [*texts, *(text.lower().replace(".", "") for text in texts)]
    tokenizer = XLMRobertaTokenizer(vocab=_pieces(both), model_max_length=64)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=tokenizer.model_max_length + 2,  # positions are counted from 2 on
        type_vocab_size=1,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        id2label=dict(enumerate(SENTIMENTS)),
        label2id={name: index for index, name in enumerate(SENTIMENTS)},
    )
    model = XLMRobertaForSequenceClassification(config).train()
    encoded = tokenizer(both, padding=True, return_tensors="pt")
    targets = torch.tensor([SENTIMENTS.index(name) for name in sentiments] * 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    batches = _batches(len(both), batch_size)
    for _ in trange(steps, desc="sentiment", unit="step", mininterval=2):
        batch = next(batches)
        logits = model(encoded["input_ids"][batch], encoded["attention_mask"][batch]).logits
        # Smoothed labels, because real words leave some doubt: certainty would leave fusion nothing to weigh.
        loss = functional.cross_entropy(logits, targets[batch], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval(), tokenizer


def _pieces(texts: Sequence[str]) -> list[tuple[str, float]]:
    """A vocabulary with log-probabilities, as SentencePiece's are: words that occur, and letters for others."""
    words = Counter("▁" + word for text in texts for word in text.replace(".", "").split())
    total = words.total()
    ranked = sorted(words, key=lambda word: (-words[word], word))
    letters = sorted(set(".".join(texts)) - {" "} | {"▁"})
    return [
        *((token, 0.0) for token in SPECIAL),
        *((word, math.log(words[word] / total)) for word in ranked),
        *((letter, math.log(0.1 / total)) for letter in letters if letter not in words),
        ("<mask>", 0.0),
    ]
