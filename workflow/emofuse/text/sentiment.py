"""Sentiment: what a language model takes a transcript's words to feel like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from emofuse import checkpoints
from emofuse.tables import SENTIMENTS, InputError, columns
from emofuse.text import language_model
from emofuse.text.normalisation import Normalisation


def load_model(checkpoint: checkpoints.Checkpoint, device: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a sequence classifier of three sentiments, and its tokenizer, from this machine.

    It computes in float64. Methods that learn how much sentiment tells may magnify small differences a thousandfold,
    and in float32 the same text among other texts differs by some 1e-7.

    Args:
        checkpoint: a repository of the Hugging Face hub, or a folder
        device: as :func:`emofuse.checkpoints.device` takes it

    Raises:
        InputError: if it is missing, damaged or unsafe, or if its labels are not the three sentiments

    >>> load_model({"path": "no/such/folder"}, "cpu")
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - no/such/folder: should be a folder with a checkpoint (config.json and weights)
    """
    model, tokenizer = language_model.load(AutoModelForSequenceClassification, checkpoint, device)
    label_order(model.config.id2label)
    return model.double(), tokenizer


def label_order(id2label: Mapping[Any, str] | None) -> list[int]:
    """Where a classifier's outputs have each sentiment, by the names of its labels.

    Args:
        id2label: names of the outputs, as a model's config has them, in any case and order;
            or ``LABEL_0`` to ``LABEL_2``, which are negative, neutral and positive in cardiffnlp's models

    Returns:
        the index of negative, neutral and positive

    Raises:
        InputError: if the labels are not these three

    >>> label_order({0: "POSITIVE", 1: "negative", 2: "Neutral"})
    [1, 2, 0]
    >>> label_order({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"})
    [0, 1, 2]
    >>> label_order({0: "1 star", 1: "5 stars"})
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - the sentiment model's labels are '1 star', '5 stars'; should be negative, neutral and positive
    """
    id2label = id2label or {}
    index = {label.lower(): int(position) for position, label in id2label.items()}
    for names in (SENTIMENTS, ("label_0", "label_1", "label_2")):
        if index.keys() == set(names) and len(id2label) == len(names):
            return [index[name] for name in names]
    labels = ", ".join(map(repr, id2label.values()))
    raise InputError([f"the sentiment model's labels are {labels}; should be negative, neutral and positive"])


def table(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    transcripts: pd.DataFrame,
    *,
    normalisation: Normalisation,
    batch_size: int,
) -> pd.DataFrame:
    """Read the sentiment of transcripts.

    Args:
        model: as :func:`load_model` returns it
        tokenizer: likewise
        transcripts: a ``transcripts`` table
        normalisation: how a text is written before the model reads it
        batch_size: see :func:`logits`

    Returns:
        a ``sentiment`` table in the order of ``transcripts``
    """
    texts = list(transcripts["text"].map(normalisation))
    result = pd.DataFrame(logits(model, tokenizer, texts, batch_size), columns=columns("logit", SENTIMENTS))
    result.insert(0, "utterance", transcripts["utterance"].array)
    return result


@torch.inference_mode()
def logits(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], batch_size: int
) -> npt.NDArray[np.float64]:
    """Classify texts; the logits of a text depend neither on its batch nor on its padding (to 1e-12).

    The answer to an empty text is what the model believes of a text that it cannot see. The paper did the same.

    Args:
        model: as :func:`load_model` returns it
        tokenizer: likewise
        texts: to classify, see :func:`emofuse.text.language_model.batches`
        batch_size: how many are classified at once

    Returns:
        (texts, 3) logits of negative, neutral and positive
    """
    order = label_order(model.config.id2label)
    classified = np.empty((len(texts), len(SENTIMENTS)))
    for batch, inputs in language_model.batches(model, tokenizer, texts, batch_size, "sentiment"):
        classified[batch] = model(**inputs).logits[:, order].cpu().numpy()
    return classified
