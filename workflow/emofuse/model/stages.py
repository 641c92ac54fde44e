"""The pretrained models that a model needs, each loaded once, when the first utterance needs it.

Their modules are imported then as well: Whisper's alone takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emofuse import calibration, parts, provenance
from emofuse.accuracy import Floats
from emofuse.configuration import Embeddings, Encoder, Sentiment, Training, Transcripts
from emofuse.places import checkpoint_files
from emofuse.speech.classifier import Classifier
from emofuse.tables import SENTIMENTS, InputError, Problem, columns


class Stages:
    """The stages of a study, on recordings of any origin.

    Args:
        described: ``model.json``
        folder: the model's
        device: as :func:`emofuse.checkpoints.device` takes it
        fetch: whether a checkpoint of the hub that is not on this machine is fetched
    """

    def __init__(self, described: Mapping[str, Any], folder: Path, device: str, fetch: bool) -> None:
        self.described, self.folder, self.device, self.fetch = described, folder, device, fetch
        self._finetuned: dict[str, tuple[Any, Any]] = {}

    def voice(self, voices: Sequence[Classifier | Path]) -> Callable[[pd.DataFrame], list[Floats]]:
        """What listens: from recordings to what each member's voice says of them, (utterances, 4) logits each.

        Recordings are rows of a ``recordings`` table with paths that lead to the files; one that cannot be read is an
        InputError.

        Args:
            voices: of each member, a classifier on embeddings or the folder of a fine-tuned encoder

        Raises:
            InputError: if a checkpoint is missing or damaged
        """
        if self.described["speech"]["classifier"] == "finetuning":
            from emofuse.speech import finetuning

            models = [self._finetuned_at(voice) for voice in voices]
            return lambda rows: [finetuning.predict(*model, rows, Training().budget) for model in models]
        from emofuse.speech import classifier, embeddings

        listen = partial(
            embeddings.embed,
            *self._encoder,
            budget=Embeddings().budget,
            threads=os.cpu_count() or 1,
            precision=self.described["speech"]["precision"],
        )

        def classify(rows: pd.DataFrame) -> list[Floats]:
            heard = listen(rows)
            return [classifier.classify(voice, heard) for voice in voices]

        return classify

    def transcripts(self) -> Callable[[pd.DataFrame], pd.DataFrame]:
        """What writes words down: from recordings to their ``transcripts`` table.

        A recording that cannot be read, or that is longer than this Whisper hears, is an InputError.

        Raises:
            InputError: if the checkpoint is missing or damaged
        """
        from emofuse.text import transcription

        entry = self.described["transcripts"]
        return partial(
            transcription.transcribe,
            self._whisper,
            language=entry["language"],
            batch_size=Transcripts().batch_size,
            seed=provenance.seed(*entry["seed"]),
        )

    def sentiment(self, transcripts: pd.DataFrame) -> Floats:
        """The probabilities of the sentiments of transcripts, (utterances, 3).

        Raises:
            InputError: if the checkpoint is missing
        """
        from emofuse.text import sentiment

        logits = sentiment.table(
            *self._sentiment,
            transcripts,
            normalisation=parts.load(self.described["sentiment"]["normalisation"]),
            batch_size=Sentiment().batch_size,
        )
        return calibration.probabilities(logits[columns("logit", SENTIMENTS)])

    def inputs_of_experts(self, transcripts: pd.DataFrame) -> list[Any]:
        """What each text expert reads of transcripts, (utterances, …) each.

        Raises:
            InputError: if a checkpoint is missing
        """
        return [self._inputs(name, entry, transcripts) for name, entry in self.described["text_experts"]]

    def _inputs(self, name: str, entry: Mapping[str, Any], transcripts: pd.DataFrame) -> Any:
        if name == "tfidf":
            return transcripts["text"].to_numpy(dtype=object)
        from emofuse.text import embeddings

        texts = list(transcripts["text"].map(parts.load(entry["normalisation"])))
        states = embeddings.embed(*self._text_encoder, texts, Encoder().batch_size)
        return np.hstack([states[:, layer] for layer in entry["layers"]])

    @cached_property
    def _encoder(self) -> tuple[Any, Any]:
        from emofuse.speech import embeddings

        return embeddings.load(self._checkpoint(self.described["speech"]["checkpoint"]), self.device)

    def _finetuned_at(self, place: Path) -> tuple[Any, Any]:
        if str(place) not in self._finetuned:
            from transformers import AutoModelForAudioClassification

            from emofuse import checkpoints
            from emofuse.speech import encoder

            model, extractor = encoder.load(AutoModelForAudioClassification, {"path": str(place)})
            self._finetuned[str(place)] = model.to(checkpoints.device(self.device)), extractor
        return self._finetuned[str(place)]

    @cached_property
    def _whisper(self) -> Any:
        from emofuse.text import transcription

        checkpoint = self._checkpoint(self.described["transcripts"]["checkpoint"])
        if checkpoint.get("path", "").endswith(".safetensors"):
            return transcription.load_kept(checkpoint["path"], self.device)
        return transcription.load_model(checkpoint, self.device)

    @cached_property
    def _sentiment(self) -> tuple[Any, Any]:
        from emofuse.text import sentiment

        return sentiment.load_model(self._checkpoint(self.described["sentiment"]["checkpoint"]), self.device)

    @cached_property
    def _text_encoder(self) -> tuple[Any, Any]:
        from emofuse.text import embeddings

        entry = dict(self.described["text_experts"])["encoder"]
        return embeddings.load(self._checkpoint(entry["checkpoint"]), self.device)

    def _checkpoint(self, checkpoint: Mapping[str, str]) -> dict[str, str]:
        """A checkpoint where it lies on this machine.

        Raises:
            InputError: if it is missing, or is none that the study used
        """
        from emofuse import checkpoints

        if "path" in checkpoint:
            local = {"path": str(Path(self.folder, checkpoint["path"]))}
            if "digest" in checkpoint and provenance.file_digest(checkpoint_files(local)) != checkpoint["digest"]:
                problem: Problem = f"{local['path']}: is not the checkpoint that the study used; should be as it was"
                raise InputError([problem])
            return local
        look_up = checkpoints.folder if "revision" in checkpoint else checkpoints.whisper_file
        try:
            look_up(checkpoint)
        except InputError:
            if not self.fetch:
                problem = f"{' at '.join(checkpoint.values())} is not on this machine"
                raise InputError([f"{problem}; emofuse predict --fetch fetches it where there is a network"]) from None
            checkpoints.fetch(checkpoint)
        return dict(checkpoint)
