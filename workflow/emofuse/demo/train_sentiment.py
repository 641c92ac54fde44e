"""The demo's sentiment model: a small XLM-RoBERTa and its tokenizer, trained within a minute on a CPU.

They are saved in the format of the public ones, and the code that loads those loads them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from torch.nn import functional
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaTokenizer,
)

from emofuse.demo import training
from emofuse.tables import SENTIMENTS

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""The first tokens of XLM-R's vocabulary, in its order; ``<mask>`` is the last."""


def train(
    material: pd.DataFrame, steps: int, seed: int, batch_size: int = 32, rate: float = 2e-3
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Train a small XLM-RoBERTa that classifies sentiment, and make its tokenizer.

    It learns to read the texts as they are, and in lower case without punctuation, as a normaliser leaves them.

    Args:
        material: a `material` table; only ``text`` and ``sentiment`` are read
        steps: updates of the weights
        seed: of weights and batches; the same gives the same weights, bit for bit, with one thread
        batch_size: texts per step
        rate: the highest learning rate of the one-cycle schedule

    Returns:
        the model, in evaluation mode, whose labels are named, and the tokenizer
    """
    torch.manual_seed(seed)
    texts = [*material["text"], *(text.lower().replace(".", "") for text in material["text"])]
    tokenizer = XLMRobertaTokenizer(vocab=_pieces(texts), model_max_length=64)
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
    encoded = tokenizer(texts, padding=True, return_tensors="pt")  # (texts, tokens)
    targets = torch.tensor([SENTIMENTS.index(name) for name in material["sentiment"]] * 2)

    def loss(batch: list[int]) -> torch.Tensor:
        logits = model(encoded["input_ids"][batch], encoded["attention_mask"][batch]).logits  # (batch, 3)
        # Labels are smoothed, because real words leave some doubt: certainty would leave fusion nothing to weigh.
        return functional.cross_entropy(logits, targets[batch], label_smoothing=0.1)

    training.descend(
        model.parameters(),
        loss,
        len(texts),
        steps,
        batch_size=batch_size,
        rate=rate,
        name="sentiment",
        decays=(0.9, 0.999),
    )
    return model.eval(), tokenizer


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path) -> None:
    """Save a model and its tokenizer in the format of the hub."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _pieces(texts: Sequence[str]) -> list[tuple[str, float]]:
    """A vocabulary with log-probabilities, as SentencePiece's are: the words of the texts, and letters for all else."""
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
