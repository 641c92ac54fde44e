"""The pretrained models that a model needs, each loaded once, when the first utterance needs it.

Their modules are imported then as well: Whisper's alone takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emofuse import calibration, parts, provenance
from emofuse.accuracy import Floats
from emofuse.configuration import Embeddings, Encoder, Sentiment, Training, Transcripts
from emofuse.places import checkpoint_files
from emofuse.speech.classifier import Classifier
from emofuse.tables import SENTIMENTS, InputError, Problem, Problems, columns


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

    def voice(self, recordings: pd.DataFrame, voices: Sequence[Classifier | Path]) -> list[Floats]:
        """What each member's voice says of recordings, (utterances, 4) logits each.

        Args:
            recordings: rows of a ``recordings`` table with paths that lead to the files
            voices: of each member, a classifier on embeddings or the folder of a fine-tuned encoder

        Raises:
            InputError: if a checkpoint is missing, or if a file cannot be read
        """
        if self.described["speech"]["classifier"] == "embeddings":
            from emofuse.speech import classifier, embeddings

            heard = embeddings.embed(
                *self._encoder,
                recordings,
                budget=Embeddings().budget,
                threads=len(os.sched_getaffinity(0)),
                precision=self.described["speech"]["precision"],
            )
            return [classifier.classify(voice, heard) for voice in voices]
        from emofuse.speech import finetuning

        return [finetuning.predict(*self._finetuned_at(voice), recordings, Training().budget) for voice in voices]

    def transcripts(self, recordings: pd.DataFrame) -> pd.DataFrame:
        """The ``transcripts`` table of recordings.

        Raises:
            InputError: if the model has no Whisper or it is missing, if a file cannot be read, or if an utterance is
                longer than this Whisper hears
        """
        from emofuse.text import transcription

        entry = self.described["transcripts"]
        return transcription.transcribe(
            self._whisper,
            recordings,
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

        problems: Problems = []
        if "path" in checkpoint:
            found = {"path": str(Path(self.folder, checkpoint["path"]))}
            if "digest" in checkpoint and provenance.file_digest(checkpoint_files(found)) != checkpoint["digest"]:
                problems.append(f"{found['path']}: is not the checkpoint that the study used; should be as it was")
        else:
            found = dict(checkpoint)
            try:
                checkpoints.folder(found) if "revision" in found else checkpoints.whisper_file(found)
            except InputError:
                if self.fetch:
                    checkpoints.fetch(found)
                else:
                    problem: Problem = f"{' at '.join(found.values())} is not on this machine"
                    problems.append(f"{problem}; emofuse predict --fetch fetches it where there is a network")
        if problems:
            raise InputError(problems)
        return found
