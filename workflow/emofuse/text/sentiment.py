"""Sentiment: what a language model takes a transcript's words to feel like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from emofuse import checkpoints
from emofuse.tables import SENTIMENTS, InputError, columns
from emofuse.text.normalisation import Normalisation


def load_model(checkpoint: checkpoints.Checkpoint, device: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a sequence classifier of three sentiments, and its tokenizer, from this machine.

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
    # A folder without tokenizer.json has its SentencePiece model converted on the fly, which takes both packages
    # sentencepiece and protobuf; without them transformers 5 says "Error parsing line b'\x0e'".
    tokenizer = checkpoints.load_processor(AutoTokenizer, checkpoint)
    # Without its vocabulary a tokenizer is made all the same, of its special tokens, and every word is unknown to it.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        where = checkpoints.folder(checkpoint)
        raise InputError([f"{where}: has no vocabulary; should have tokenizer.json, or the files that it is made of"])
    model = checkpoints.load_model(AutoModelForSequenceClassification, checkpoint)
    label_order(model.config.id2label)
    return model.to(checkpoints.device(device)), tokenizer


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
    """Classify texts; the logits of a text depend neither on its batch nor on its padding (but for rounding).

    An empty text is given to the model as it is, between its start and end tokens:
    the answer is what the model believes of a text that it cannot see. The paper did the same.
    Texts longer than the model can read are cut at their end.

    Args:
        model: as :func:`load_model` returns it
        tokenizer: likewise
        texts: to classify
        batch_size: how many are classified at once

    Returns:
        (texts, 3) logits of negative, neutral and positive
    """
    order = label_order(model.config.id2label)
    ids = tokenizer(list(texts), truncation=True, max_length=max_length(model, tokenizer))["input_ids"]
    classified = np.empty((len(texts), len(SENTIMENTS)))
    by_length = sorted(range(len(texts)), key=lambda index: -len(ids[index]))
    with tqdm(total=len(texts), desc="sentiment", unit="utterance") as progress:
        for start in range(0, len(texts), batch_size):
            batch = by_length[start : start + batch_size]
            # (batch, longest text of the batch)
            padded = tokenizer.pad({"input_ids": [ids[index] for index in batch]}, return_tensors="pt")
            classified[batch] = model(**padded.to(model.device)).logits[:, order].double().cpu().numpy()
            progress.update(len(batch))
    return classified


def max_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """How many tokens a model can read: 512 for XLM-RoBERTa.

    A tokenizer that came without a tokenizer_config.json does not know, but the model has only so many positions.
    RoBERTa's begin after the padding token's id: XLM-RoBERTa has 514, of which 0 and 1 are never used.
    """
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is None:
        return tokenizer.model_max_length
    paddings = [
        module.padding_idx
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return min(tokenizer.model_max_length, positions - max((padding + 1 for padding in paddings), default=0))
