"""A model as MLflow loads and serves it: requests, which are not trusted, become recordings, and answers a table.

    EMOFUSE_AUDIO_ROOT=recordings mlflow models serve -m results/demo/model --env-manager local

MLflow checks requests against :class:`Recording` and says what is wrong with one. A recording that cannot be used is
no wrong request: it gets a row with its problem.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Optional

import pandas as pd
from mlflow import MlflowException
from mlflow.pyfunc import PythonModel
from mlflow.pyfunc.model import PythonModelContext
from pydantic import BaseModel, ConfigDict, Field, model_validator

from emofuse.model import recordings
from emofuse.model.model import Model
from emofuse.model.recordings import Part
from emofuse.tables import InputError, Problem, Problems

AUDIO_ROOT = "EMOFUSE_AUDIO_ROOT"
"""The environment variable that names the folder below which recordings may be read by path; none without it."""


class Recording(BaseModel):
    """What a request says of a recording.

    Attributes:
        recording: its name in the answer; else its path, else its position in the request
        audio: a file of any format that libsndfile reads, as base64
        path: such a file, relative to the folder that :data:`AUDIO_ROOT` names, instead
        start: where the utterance begins within the file, in seconds
        end: where it ends; without these, a recording of more than some seconds is cut by voice activity
        speaker: who speaks
        dialog: the conversation that it belongs to, among the recordings of the same request
        turn_start: when it begins there, in seconds
    """

    model_config = ConfigDict(extra="forbid")

    # MLflow reads no X | None.
    recording: Optional[str] = None  # noqa: UP045
    audio: Optional[str] = None  # noqa: UP045
    path: Optional[str] = None  # noqa: UP045
    start: Optional[float] = Field(None, ge=0, allow_inf_nan=False)  # noqa: UP045
    end: Optional[float] = Field(None, ge=0, allow_inf_nan=False)  # noqa: UP045
    speaker: Optional[str] = None  # noqa: UP045
    dialog: Optional[str] = None  # noqa: UP045
    turn_start: Optional[float] = Field(None, ge=0, allow_inf_nan=False)  # noqa: UP045

    @model_validator(mode="after")
    def _is_one_part(self) -> Recording:
        problems: Problems = []
        if (self.audio is None) == (self.path is None):
            problems.append("should have either audio or path")
        if (self.start is None) != (self.end is None):
            problems.append("should have both start and end, or neither")
        elif self.start is not None and self.end is not None and self.end <= self.start:
            problems.append(f"end is {self.end:g}; should be after start, {self.start:g}")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Served(PythonModel):
    """A model for MLflow.

    Args:
        folder: the model's
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        # Whisper's decoding and torch's random numbers belong to the process: requests take turns.
        self._turn = Lock()

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model, and note the folder below which recordings may be read.

        Args:
            context: what MLflow says of where a model's files lie; they lie beside its code

        Raises:
            InputError: if a file of the model was changed, is missing or was added
        """
        self.model = Model.load(self.folder)
        root = os.environ.get(AUDIO_ROOT)
        self.root = Path(root).resolve() if root else None

    def predict(self, model_input: list[Recording], params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Say what is felt in recordings.

        Args:
            model_input: the recordings
            params: ``words`` and ``budget``, as of :meth:`emofuse.model.model.Model.predict`

        Returns:
            the ``predicted`` table, with ``None`` for what is missing, as JSON has it

        Raises:
            MlflowException: naming all that is wrong with the request, which the server answers with status 400
        """
        with tempfile.TemporaryDirectory() as folder, self._turn:
            try:
                utterances = recordings.heard(parts(model_input, self.root, Path(folder)))
                said = self.model.predict(utterances, **(params or {}))
            except InputError as error:
                raise MlflowException.invalid_parameter_value(str(error)) from None
        return said.astype(object).where(said.notna(), None)


def parts(asked: Sequence[Recording], root: Path | None, folder: Path) -> list[Part]:
    """What a request asks about, as files.

    Args:
        asked: the recordings of the request
        root: the folder below which they may be read, without links; ``None`` where none may
        folder: where audio that came in the request is written

    Raises:
        InputError: naming each recording whose audio is no base64, or whose path may not be read
    """
    named: list[Part] = []
    problems: Problems = []
    for number, recording in enumerate(asked):
        name = recording.recording or recording.path or str(number)
        try:
            if recording.audio is not None:
                path = folder / str(number)
                path.write_bytes(base64.b64decode("".join(recording.audio.split()), validate=True))
            else:
                path = below(root, str(recording.path))
        except ValueError as error:
            reason: Problem = "audio is no base64" if recording.path is None else str(error)
            problems.append(f"recording {number}: {reason}")
            continue
        values = {key: getattr(recording, key) for key in ("start", "end", "turn_start")}
        named.append(
            Part(
                recording=name,
                path=path,
                root=folder,
                place=name,
                whole=recordings.WHOLE if recording.start is None else recordings.LONGEST_UTTERANCE,
                speaker=recording.speaker,
                dialog=recording.dialog,
                **{key: float("nan") if value is None else value for key, value in values.items()},
            )
        )
    if not asked:
        problems.append("the request asks about no recording; should have one or more")
    if problems:
        raise InputError(problems)
    return named


def below(root: str | Path | None, path: str) -> Path:
    """The file that a path leads to, if it lies below a folder.

    Args:
        root: the folder, without links; ``None`` where no file may be read
        path: of the file, relative to the folder

    Returns:
        the file without links, so that what was checked is what is read

    Raises:
        ValueError: with the reason, if it is or leads out of the folder; whether such a file exists is not said
    """
    if root is None:
        raise ValueError(f"path is {path!r}; no file is read by path unless {AUDIO_ROOT} named a folder at the start")
    file = Path(root, path).resolve()  # a ValueError for what cannot be a path
    if not file.is_relative_to(root):
        raise ValueError(f"path is {path!r}, which leads out of the folder that {AUDIO_ROOT} names")
    return file
