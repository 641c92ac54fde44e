"""Fine-tuning: a pretrained encoder and a new head on it learn emotions together.

A model is trained on a fold's training and validation utterances, kept, and applied to any recordings.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.utils.class_weight import compute_class_weight
from tqdm import tqdm
from transformers import (
    AutoModel,
    AutoModelForAudioClassification,
    EarlyStoppingCallback,
    PreTrainedModel,
    Trainer,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from emofuse import accuracy, audio, checkpoints, provenance, tables
from emofuse.speech import encoder, logits
from emofuse.tables import EMOTIONS, InputError

STATE = "trainer_state.json"
"""What the Trainer writes last into the folder of a checkpoint."""

KEPT = ("config.json", "preprocessor_config.json", "model.safetensors")
"""The files of a checkpoint that a model is loaded from."""


class Finetuned(NamedTuple):
    """A model that was trained.

    Attributes:
        folder: the Trainer's checkpoint of its best epoch
        chosen: that ``epoch``, its ``validation_UA``, and the ``emotions`` that the training utterances have
    """

    folder: str
    chosen: dict[str, Any]


def finetune(
    checkpoint: checkpoints.Checkpoint,
    fold: pd.DataFrame,
    utterances: pd.DataFrame,
    recordings: pd.DataFrame,
    folder: str | Path,
    *,
    seed: int,
    crop: float,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    patience: int,
    class_weights: bool,
    budget: int,
    device: str,
) -> Finetuned:
    """Fine-tune an encoder on a fold's training utterances.

    The convolutional front end stays as it is; the transformer and a new head (projection, mean over time, linear)
    are trained with AdamW, the learning rate falling linearly to 0 at the last epoch.
    After each epoch the validation utterances are classified whole.
    The first epoch with the highest UA is the model's.
    The head has the emotions of the training utterances.
    A GPU computes in mixed precision (bfloat16, or float16 where it has none).

    Training goes on from the last whole epoch in ``folder``, and ends as if it had never stopped.

    Args:
        checkpoint: the encoder to start from
        fold: one fold of a ``folds`` table, with or without test utterances
        utterances: the ``utterances`` table, or several below each other, that the fold was made of
        recordings: the ``recordings`` tables of the same corpora, as :func:`emofuse.audio.resolve` returns them
        folder: for the Trainer's checkpoints; see :func:`training_folder`
        seed: of the new head, the order of utterances, the crops and dropout
        crop: seconds of an utterance that a training step hears, at random; shorter utterances are repeated
        learning_rate: at the start
        batch_size: utterances per training step
        epochs: the most
        patience: after how many epochs without a higher UA training stops
        class_weights: whether an utterance weighs more in training the rarer its emotion,
            so that all emotions weigh the same
        budget: samples of a batch of whole utterances, see :func:`emofuse.audio.batches`
        device: ``auto`` for a GPU where there is one, or ``cpu``

    Raises:
        InputError: if the checkpoint is missing, damaged or unsafe, or if a file cannot be read
    """
    labels = logits.labels(fold, utterances)
    heard = fold[["utterance"]].merge(recordings, on="utterance", how="left").assign(label=labels)
    train, validation = (np.flatnonzero(fold["split"] == name) for name in ("train", "validation"))
    emotions = [EMOTIONS[label] for label in np.unique(labels[train])]
    last = _last_checkpoint(folder)
    if last is None or not _has_ended(last, epochs, patience):
        set_seed(seed)
        model, extractor = _with_new_head(*encoder.load(AutoModel, checkpoint), emotions)
        model.freeze_feature_encoder()
        trainer = _Trainer(
            model,
            _arguments(folder, seed, learning_rate, batch_size, epochs, device),
            train_dataset=_Crops(heard.iloc[train], extractor, round(crop * audio.RATE), emotions),
            eval_dataset=heard.iloc[validation],
            processing_class=extractor,
            compute_loss_func=_loss(labels[train], class_weights),
            callbacks=[EarlyStoppingCallback(patience)],
            budget=budget,
        )
        trainer.train(resume_from_checkpoint=last)
        last = _last_checkpoint(folder)
    state = TrainerState.load_from_json(f"{last}/{STATE}")
    epoch = round(state.best_global_step / state.global_step * state.epoch)
    chosen = {"epoch": epoch, "validation_UA": state.best_metric, "emotions": emotions}
    return Finetuned(str(state.best_model_checkpoint), chosen)


def keep(model: Finetuned, folder: str | Path) -> None:
    """Copy a model to where it stays, each file atomically: a checkpoint of the format that public ones have."""
    for name in KEPT:
        with tables.replacing(Path(folder, name)) as temporary:
            shutil.copyfile(Path(model.folder, name), temporary)


def classify(
    folder: str | Path, rows: pd.DataFrame, recordings: pd.DataFrame, *, budget: int, device: str
) -> pd.DataFrame:
    """Classify utterances, of the corpora that a model was trained on or of any other.

    Args:
        folder: of the model, as :func:`keep` made it
        rows: of one fold of a ``folds`` table
        recordings: the ``recordings`` tables of their corpora, as :func:`emofuse.audio.resolve` returns them
        budget: samples of a batch of whole utterances, see :func:`emofuse.audio.batches`
        device: ``auto`` for a GPU where there is one, or ``cpu``

    Returns:
        a ``speech`` table in the order of ``rows``, with :data:`emofuse.speech.logits.ABSENT` for an emotion that the
        training utterances did not have

    Raises:
        InputError: if the model is missing or damaged, or if a file cannot be read
    """
    model, extractor = encoder.load(AutoModelForAudioClassification, {"path": str(folder)})
    heard = rows[["utterance"]].merge(recordings, on="utterance", how="left")
    return logits.table(rows, predict(model.to(checkpoints.device(device)), extractor, heard, budget))


def training_folder(
    folder: str | Path,
    recipe: Mapping[str, Any],
    fold: pd.DataFrame,
    utterances: pd.DataFrame,
    recordings: pd.DataFrame,
    checkpoint: Sequence[str | Path],
) -> Path:
    """Where a training keeps the Trainer's checkpoints, so that it goes on from its own and from no other's.

    Another recipe, other weights to start from, and other rows, labels or parts of files each lead elsewhere.
    The corpus's folder, the device and the budget do not: who moves them goes on.

    Args:
        folder: of the fold, for all that was begun
        recipe: plain values, all that the training depends on besides the tables and the weights
        fold: as :func:`finetune` takes it
        utterances: likewise
        recordings: with paths below the corpus's folder
        checkpoint: the files to start from
    """
    heard = fold.merge(utterances[["utterance", "emotion"]], on="utterance", how="left")
    heard = heard.merge(recordings, on="utterance", how="left").astype(object)
    rows = heard.where(heard.notna(), None).to_dict("list")
    return Path(folder, provenance.digest([recipe, rows, provenance.file_digest(checkpoint)]))


@torch.inference_mode()
def predict(model: PreTrainedModel, extractor: Any, recordings: pd.DataFrame, budget: int) -> npt.NDArray[np.float64]:
    """Classify whole utterances.

    Args:
        model: a classifier of emotions that :func:`emofuse.speech.encoder.load` loaded
        extractor: likewise
        recordings: rows of a ``recordings`` table, as :func:`emofuse.audio.resolve` returns it
        budget: samples of a batch, see :func:`emofuse.audio.batches`

    Returns:
        (utterances, 4) logits, :data:`emofuse.speech.logits.ABSENT` for an emotion that the model does not know
    """
    model.eval()
    parts = recordings[["path", "start", "end"]].to_numpy()
    lengths = [round(seconds * audio.RATE) for seconds in recordings["duration"]]
    emotions = [model.config.id2label[label] for label in range(model.config.num_labels)]
    predicted = np.empty((len(parts), len(EMOTIONS)))
    batches = audio.batches(lengths, budget)
    with tqdm(total=len(parts), desc="classify", unit="utterance", leave=False) as progress:
        heard = audio.ahead(partial(encoder.wave, extractor), (parts[batch] for batch in batches))
        for batch, waves in zip(batches, heard, strict=True):
            scores = model(**encoder.inputs(waves, model.device)).logits.float().cpu().numpy()
            predicted[batch] = logits.of_all(scores, emotions)
            progress.update(len(batch))
    return predicted


def cut(samples: audio.Samples, length: int) -> audio.Samples:
    """A random part of an utterance, or the utterance over and over, (length,).

    >>> cut(np.array([1, 2, 3], np.float32), 7)
    array([1., 2., 3., 1., 2., 3., 1.], dtype=float32)
    """
    if len(samples) <= length:
        return np.resize(samples, length)
    start = int(torch.randint(len(samples) - length + 1, ()))
    return samples[start : start + length]


def _with_new_head(model: PreTrainedModel, extractor: Any, emotions: Sequence[str]) -> tuple[PreTrainedModel, Any]:
    """A classifier on an encoder; a head that the checkpoint may have had for another task is left behind."""
    config = copy.deepcopy(model.config)
    config.id2label = dict(enumerate(emotions))
    config.label2id = {emotion: label for label, emotion in enumerate(emotions)}
    try:
        classifier = AutoModelForAudioClassification.from_config(config, dtype=torch.float32)
    except ValueError as error:  # an adapter, which transformers' classifiers do not have
        raise InputError([f"{config.name_or_path}: cannot be fine-tuned ({error})"]) from None
    setattr(classifier, classifier.base_model_prefix, model)
    return classifier.eval(), extractor


class _Crops(torch.utils.data.Dataset):
    """Training utterances, all cut to one length, so that nothing is padded."""

    def __init__(self, recordings: pd.DataFrame, extractor: Any, length: int, emotions: Sequence[str]) -> None:
        self.parts = recordings[["path", "start", "end"]].to_numpy()
        # As the head counts them.
        self.labels = np.searchsorted(accuracy.indices(emotions), recordings["label"])
        self.extractor = extractor
        self.length = length

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        samples = cut(audio.load(*self.parts[index]), self.length)
        values = self.extractor(samples, sampling_rate=audio.RATE).input_values[0]
        return {"input_values": values, "labels": self.labels[index]}


class _Trainer(Trainer):
    """The Trainer, validated by the same code that writes the table."""

    def __init__(self, *args: Any, budget: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.budget = budget

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        # In mixed precision, Accelerate lays a forward pass in half precision over the model's own; the model that is
        # chosen will be applied in float32.
        half = vars(self.model).pop("forward", None)
        try:
            predicted = predict(self.model, self.processing_class, self.eval_dataset, self.budget).argmax(axis=1)
        finally:
            if half is not None:
                self.model.forward = half
        metrics = {"eval_UA": accuracy.unweighted_accuracy(self.eval_dataset["label"].to_numpy(), predicted)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _load_scaler(self, checkpoint: str | None) -> None:
        # float16 scales gradients; a training that began in it may go on where nothing is scaled.
        if self.accelerator.scaler is not None:
            super()._load_scaler(checkpoint)


def _arguments(
    folder: str | Path, seed: int, learning_rate: float, batch_size: int, epochs: int, device: str
) -> TrainingArguments:
    gpu = checkpoints.device(device).type == "cuda"
    half = gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=seed,
        learning_rate=learning_rate,
        per_device_train_batch_size=batch_size,
        num_train_epochs=epochs,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        metric_for_best_model="UA",
        greater_is_better=True,
        # The best and the last.
        save_total_limit=2,
        # Else patience would begin anew with each resumption.
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        use_cpu=not gpu,
        dataloader_pin_memory=gpu,
        bf16=half,
        fp16=gpu and not half,
        report_to="none",
    )
    # A fold is trained on one GPU, or a step would have a batch of every GPU's; folds run side by side instead.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _loss(labels: accuracy.Indices, class_weights: bool) -> Any:
    """Cross-entropy, as the Trainer calls it."""
    weights = None
    if class_weights:
        balanced = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
        weights = torch.tensor(balanced, dtype=torch.float32)

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: int | None = None) -> torch.Tensor:
        weight = None if weights is None else weights.to(labels.device)
        return torch.nn.functional.cross_entropy(outputs.logits.float(), labels, weight)

    return loss


def _last_checkpoint(folder: str | Path) -> str | None:
    """The last checkpoint that was written to its end."""
    whole = [path.parent for path in Path(folder).glob(f"checkpoint-*/{STATE}")]
    return str(max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]))) if whole else None


def _has_ended(checkpoint: str, epochs: int, patience: int) -> bool:
    state = TrainerState.load_from_json(f"{checkpoint}/{STATE}")
    waited = state.stateful_callbacks["EarlyStoppingCallback"]["attributes"]["early_stopping_patience_counter"]
    return state.epoch >= epochs or waited >= patience
