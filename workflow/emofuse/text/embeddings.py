"""Text embeddings: what each layer of a pretrained encoder makes of a transcript, on average over its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from emofuse import checkpoints
from emofuse.storage import Embeddings
from emofuse.tables import InputError
from emofuse.text import language_model

UNUSED = ("pooler",)
"""Weights of what comes after the layers, which checkpoints of masked language models lack."""


def load(checkpoint: checkpoints.Checkpoint, device: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load an encoder and its tokenizer.

    Args:
        checkpoint: of any architecture that ``transformers.AutoModel`` knows and that reads texts in batches
        device: as :func:`emofuse.checkpoints.device` takes it

    Raises:
        InputError: as :func:`emofuse.text.language_model.load`, and if it has a decoder or no padding token
    """
    right = "should be an encoder alone, such as BERT or XLM-RoBERTa"
    config = checkpoints.load_processor(AutoConfig, checkpoint)
    if config.is_encoder_decoder:
        raise InputError([f"{dict(checkpoint)}: is a {config.model_type} checkpoint, with a decoder; {right}"])
    model, tokenizer = language_model.load(AutoModel, checkpoint, device, UNUSED)
    if tokenizer.pad_token is None:
        raise InputError([f"{dict(checkpoint)}: is a {config.model_type} checkpoint without a padding token; {right}"])
    return model, tokenizer


@torch.inference_mode()
def embed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], batch_size: int
) -> Embeddings:
    """Mean over the tokens of every layer of an encoder, start and end tokens included, for each text.

    The embedding of a text depends neither on its batch nor on its padding (but for rounding).

    Args:
        model: as :func:`load` returns it
        tokenizer: likewise
        texts: to read, see :func:`emofuse.text.language_model.batches`
        batch_size: how many are read at once

    Returns:
        (texts, layers, hidden size); layer 0 is what the first transformer layer takes in
    """
    config = model.config
    embeddings = np.empty((len(texts), config.num_hidden_layers + 1, config.hidden_size), np.float32)
    for batch, inputs in language_model.batches(model, tokenizer, texts, batch_size, "text embeddings"):
        is_text = inputs["attention_mask"][:, :, None]  # (batch, tokens, 1)
        layers = model(**inputs, output_hidden_states=True).hidden_states  # (batch, tokens, hidden size) each
        means = [(states * is_text).sum(1) / is_text.sum(1) for states in layers]
        embeddings[batch] = torch.stack(means, dim=1).cpu().numpy()
    return embeddings
