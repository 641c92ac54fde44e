"""Transcription: Whisper writes down what was said, and says how sure it is.

Utterances that fit Whisper's window (30 s) are decoded in batches.
Longer ones are left to ``whisper.transcribe``, which moves the window along.
Both follow the rules of ``transcribe``.
A text that repeats itself, or that is improbable to Whisper, is decoded again, sampled at higher and higher
temperatures.
A window without speech is left empty, because Whisper invents words for silence.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import whisper
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from whisper.audio import CHUNK_LENGTH, N_SAMPLES_PER_TOKEN, SAMPLE_RATE
from whisper.decoding import DecodingOptions, DecodingResult, DecodingTask, GreedyDecoder
from whisper.tokenizer import LANGUAGES

from emofuse import audio, checkpoints, provenance, tables
from emofuse.tables import InputError

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Tried in turn until a text is good enough."""

THRESHOLDS = {"compression_ratio_threshold": 2.4, "logprob_threshold": -1.0, "no_speech_threshold": 0.6}
"""What is good enough: ``whisper.transcribe``'s own thresholds."""

COLUMNS = ["utterance", "text", "mean_log_probability", "no_speech_probability"]


def load_model(checkpoint: checkpoints.Checkpoint, device: str) -> whisper.Whisper:
    """Load a Whisper model from this machine, never from the network and never by unpickling.

    Args:
        checkpoint: one of Whisper's own by name, or a file by path
        device: as :func:`emofuse.checkpoints.device` takes it

    Raises:
        InputError: if the file is missing, holds more than tensors and numbers, or is no Whisper model,
            or has the name but not the SHA-256 of one of Whisper's own

    >>> load_model({"path": "no/such/model.pt"}, "cpu")
    Traceback (most recent call last):
        ...
    emofuse.tables.InputError: 1 problem with the input:
      - no/such/model.pt: no such file; should be a Whisper model
    """
    path = checkpoints.whisper_file(checkpoint)
    checkpoints.check_whisper_file(path)
    try:
        # load_model passes weights_only=True to torch.load. Given a name it might download, given a path it does not.
        return _on(checkpoints.device(device), whisper.load_model(str(path.resolve()), device="cpu"))
    except pickle.UnpicklingError:
        raise InputError([f"{path}: refused, holds more than tensors and numbers; is no Whisper model"]) from None
    except Exception as error:  # torch meets damaged bytes with errors of almost any kind
        raise InputError([f"{path}: is not a Whisper model ({error})"]) from error


def keep(checkpoint: checkpoints.Checkpoint, path: str | Path) -> None:
    """Keep a Whisper model as safetensors, its dimensions as JSON in the metadata, atomically.

    Args:
        checkpoint: a file by path
        path: the file to write, for :func:`load_kept`

    Raises:
        InputError: as :func:`load_model`
    """
    model = load_model(checkpoint, "cpu")
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with tables.replacing(path) as temporary:
        save_file(weights, temporary, {"dims": json.dumps(asdict(model.dims))})


def load_kept(path: str | Path, device: str) -> whisper.Whisper:
    """Load a Whisper model that :func:`keep` has written.

    Args:
        path: the file
        device: as :func:`emofuse.checkpoints.device` takes it

    Raises:
        InputError: if the file is missing or damaged
    """
    try:
        with safe_open(path, framework="pt") as file:
            model = whisper.Whisper(whisper.ModelDimensions(**json.loads(file.metadata()["dims"])))
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise InputError([f"{path}: is not a Whisper model that was kept ({error})"]) from error
    return _on(checkpoints.device(device), model)


def transcribe(
    model: whisper.Whisper,
    recordings: pd.DataFrame,
    *,
    language: str | None,
    batch_size: int,
    seed: int,
) -> pd.DataFrame:
    """Transcribe utterances.

    The transcript of an utterance depends neither on its batch nor on the batch's size (but for rounding):
    where a text is sampled, the random numbers come from the seed, the utterance and the temperature.

    Args:
        model: as :func:`load_model` returns it
        recordings: rows of a ``recordings`` table, as :func:`emofuse.audio.resolve` returns it
        language: its code, e.g. ``en``; ``None`` to let Whisper guess it for each utterance
        batch_size: how many utterances are decoded at once
        seed: of the random numbers where a text is sampled

    Returns:
        a ``transcripts`` table in the order of ``recordings``: text (empty where there is no speech),
        mean log-probability of its tokens (natural logarithm, at most 0) and the probability that there is no speech.
        For utterances longer than the window they are the mean over all tokens and the lowest of all windows.
        They are missing where Whisper hears no speech in any window

    Raises:
        InputError: if the model does not know the language, if a file cannot be read, or if an utterance is
            longer than the window of a model whose window is not 30 s (``whisper.transcribe`` works with no other)
    """
    language = _language(model, language)
    window = model.dims.n_audio_ctx * N_SAMPLES_PER_TOKEN / SAMPLE_RATE
    is_long = recordings["duration"] > window
    if window != CHUNK_LENGTH and is_long.any():
        raise InputError(
            [
                f"{row.path} ({row.utterance}): lasts {row.duration:g} s; should be at most {window:g} s, "
                "the window of this Whisper model"
                for row in recordings[is_long].itertuples()
            ]
        )
    rows: list[dict[str, Any]] = []
    with tqdm(total=len(recordings), desc="transcripts", unit="utterance") as progress:
        # A batch runs until its longest text ends: utterances of like length end together.
        short = recordings[~is_long].sort_values("duration", ascending=False, kind="stable")
        batches = [short.iloc[start : start + batch_size] for start in range(0, len(short), batch_size)]
        for batch, heard in _read_ahead(batches):
            mels = torch.stack([_log_mel(model, samples) for samples in heard])
            rows += decode(model, mels, list(batch["utterance"]), language, seed)
            progress.update(len(batch))
        long = recordings[is_long]
        for row, (samples,) in _read_ahead([long.iloc[[number]] for number in range(len(long))]):
            rows.append(_decode_long(model, samples, row["utterance"].iloc[0], language, seed))
            progress.update()
    result = pd.DataFrame(rows, columns=COLUMNS).set_index("utterance")
    return result.loc[recordings["utterance"]].reset_index()


def _read_ahead(batches: Sequence[pd.DataFrame]) -> Iterator[tuple[pd.DataFrame, list[audio.Samples]]]:
    parts = (batch[["path", "start", "end"]].to_numpy() for batch in batches)
    return zip(batches, audio.ahead(lambda part: audio.load(*part), parts), strict=True)


def decode(
    model: whisper.Whisper, mels: torch.Tensor, utterances: Sequence[str], language: str | None, seed: int
) -> list[dict[str, Any]]:
    """Decode one batch, and again, at the next temperature, those whose text is not good enough.

    Args:
        model: the model
        mels: (utterances, model.dims.n_mels, 2 * model.dims.n_audio_ctx) log-mel spectrograms
        utterances: their names
        language: its code, ``None`` to let Whisper guess it
        seed: see :func:`transcribe`

    Returns:
        a row of :data:`COLUMNS` for each
    """
    results: dict[int, DecodingResult] = {}
    pending = list(range(len(utterances)))
    for temperature in TEMPERATURES:
        options = DecodingOptions(
            language=language, temperature=temperature, without_timestamps=True, fp16=_fp16(model)
        )
        task = DecodingTask(model, options)
        if temperature > 0:
            seeds = [provenance.seed(seed, utterances[index], str(temperature)) for index in pending]
            task.decoder = _RowSampler(temperature, task.tokenizer.eot, seeds, model.device)
        # The encoder runs once: what it returned is what the next temperature starts from.
        heard = torch.stack([results[index].audio_features for index in pending]) if results else mels
        results |= zip(pending, task.run(heard), strict=True)
        pending = [index for index in pending if _falls_back(results[index])]
        if not pending:
            break
    return [
        {
            "utterance": name,
            "text": "" if _is_silent(results[index]) else results[index].text,
            "mean_log_probability": results[index].avg_logprob,
            "no_speech_probability": results[index].no_speech_prob,
        }
        for index, name in enumerate(utterances)
    ]


class _RowSampler(GreedyDecoder):
    """Whisper's sampling, with random numbers of its own for each row, so that no row depends on its batch."""

    def __init__(self, temperature: float, eot: int, seeds: Sequence[int], device: torch.device) -> None:
        super().__init__(temperature, eot)
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def update(
        self, tokens: torch.Tensor, logits: torch.Tensor, sum_logprobs: torch.Tensor
    ) -> tuple[torch.Tensor, bool]:
        # tokens (rows, length), logits (rows, vocabulary), sum_logprobs (rows,): changed in place, as Whisper expects
        probabilities = (logits.float() / self.temperature).softmax(dim=-1)
        drawn = torch.cat(
            [
                torch.multinomial(row, 1, generator=generator)
                for row, generator in zip(probabilities, self.generators, strict=True)
            ]
        )
        ended = tokens[:, -1] == self.eot
        log_probabilities = logits.float().log_softmax(dim=-1)
        sum_logprobs += log_probabilities[torch.arange(len(drawn)), drawn] * ~ended
        tokens = torch.cat([tokens, drawn.masked_fill(ended, self.eot)[:, None]], dim=-1)
        return tokens, bool((tokens[:, -1] == self.eot).all())


def _decode_long(
    model: whisper.Whisper, samples: audio.Samples, utterance: str, language: str | None, seed: int
) -> dict[str, Any]:
    # transcribe takes its random numbers from torch's global generator.
    torch.manual_seed(provenance.seed(seed, utterance, "transcribe"))
    transcript = whisper.transcribe(
        model, samples, language=language, temperature=TEMPERATURES, fp16=_fp16(model), **THRESHOLDS
    )
    # Segments of one window share its numbers; those without tokens are Whisper's empty remains.
    segments = [segment for segment in transcript["segments"] if segment["tokens"]]
    lengths = [len(segment["tokens"]) for segment in segments]
    return {
        "utterance": utterance,
        "text": transcript["text"].strip(),
        "mean_log_probability": np.average([segment["avg_logprob"] for segment in segments], weights=lengths)
        if segments
        else np.nan,
        "no_speech_probability": min((segment["no_speech_prob"] for segment in segments), default=np.nan),
    }


def _log_mel(model: whisper.Whisper, samples: audio.Samples) -> torch.Tensor:
    """(n_mels, 2 * n_audio_ctx): one at a time, for it is scaled to its own loudest value."""
    padded = whisper.pad_or_trim(samples, model.dims.n_audio_ctx * N_SAMPLES_PER_TOKEN)
    return whisper.log_mel_spectrogram(padded, model.dims.n_mels, device=model.device)


def _language(model: whisper.Whisper, language: str | None) -> str | None:
    """The language to decode in, ``None`` to let Whisper guess it."""
    known = list(LANGUAGES)[: model.num_languages] if model.is_multilingual else ["en"]
    if language is not None and language not in known:
        raise InputError([f"language is {language!r}; this Whisper model knows {', '.join(known)}"])
    return language if model.is_multilingual else "en"


def _falls_back(result: DecodingResult) -> bool:
    """Whether ``whisper.transcribe`` would try the next temperature."""
    repeats = result.compression_ratio > THRESHOLDS["compression_ratio_threshold"]
    improbable = result.avg_logprob < THRESHOLDS["logprob_threshold"]
    return (repeats or improbable) and not _is_silent(result)


def _is_silent(result: DecodingResult) -> bool:
    """Whether ``whisper.transcribe`` would leave this window empty."""
    return (
        result.no_speech_prob > THRESHOLDS["no_speech_threshold"]
        and result.avg_logprob < THRESHOLDS["logprob_threshold"]
    )


def _on(device: torch.device, model: whisper.Whisper) -> whisper.Whisper:
    """A model where it computes, its matrices as it multiplies them there: Whisper would cast each at every token."""
    model = model.to(device)
    if _fp16(model):
        for module in model.modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv1d):
                module.half()
    return model


def _fp16(model: whisper.Whisper) -> bool:
    return model.device.type == "cuda"
