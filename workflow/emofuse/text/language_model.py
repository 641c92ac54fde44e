"""Language models that read transcripts, loaded so that they can, in batches in which padding changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm
from transformers import AutoTokenizer, BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase

from emofuse import checkpoints
from emofuse.tables import InputError


def load(
    auto_class: Any, checkpoint: checkpoints.Checkpoint, device: str, new: Sequence[str] = ()
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a model and its tokenizer from this machine.

    Args:
        auto_class: what to load, e.g. ``transformers.AutoModel``
        checkpoint: a repository of the Hugging Face hub, or a folder
        device: as :func:`emofuse.checkpoints.device` takes it
        new: see :func:`emofuse.checkpoints.load_model`

    Raises:
        InputError: if it is missing, damaged or unsafe, or has no vocabulary
    """
    # A folder without tokenizer.json has its SentencePiece model converted on the fly, which takes both packages
    # sentencepiece and protobuf; without them transformers 5 says "Error parsing line b'\x0e'".
    tokenizer = checkpoints.load_processor(AutoTokenizer, checkpoint)
    # Without its vocabulary a tokenizer is made all the same, of its special tokens, and every word is unknown to it.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        where = checkpoints.folder(checkpoint)
        raise InputError([f"{where}: has no vocabulary; should have tokenizer.json, or the files that it is made of"])
    return checkpoints.load_model(auto_class, checkpoint, new).to(checkpoints.device(device)), tokenizer


def batches(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], batch_size: int, stage: str
) -> Iterator[tuple[list[int], BatchEncoding]]:
    """Texts as a model takes them, the longest first, those of about one length together.

    An empty text is given as it is, between its start and end tokens.
    Texts longer than the model can read are cut at their end.

    Args:
        model: as :func:`load` returns it
        tokenizer: likewise
        texts: to read
        batch_size: how many are read at once
        stage: what the progress bar is of

    Yields:
        the indices of a batch's texts, and the batch, on the model's device: ``input_ids`` and ``attention_mask``,
        (batch, longest text of the batch)
    """
    ids = tokenizer(list(texts), truncation=True, max_length=max_length(model, tokenizer))["input_ids"] if texts else []
    by_length = sorted(range(len(texts)), key=lambda index: -len(ids[index]))
    with tqdm(total=len(texts), desc=stage, unit="utterance") as progress:
        for start in range(0, len(texts), batch_size):
            batch = by_length[start : start + batch_size]
            padded = tokenizer.pad({"input_ids": [ids[index] for index in batch]}, return_tensors="pt")
            yield batch, padded.to(model.device)
            progress.update(len(batch))


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
