"""Members: what a study has learned in a fold, and how that is kept in a model's folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin

from emofuse import parts, tables
from emofuse.accuracy import Floats
from emofuse.fusion.base import FusionMethod
from emofuse.model import keeping
from emofuse.speech import classifier
from emofuse.speech.classifier import Classifier
from emofuse.tables import SENTIMENT, TEXT

UNREAD = dict.fromkeys(SENTIMENT, 1 / len(SENTIMENT)) | dict.fromkeys(TEXT, 1 / len(TEXT))
"""What stands in the place of words that nobody reads: probabilities that are all alike."""


class Member(NamedTuple):
    """What was learned in a fold.

    Attributes:
        name: the fold's
        voice: the classifier on embeddings, or the folder of a fine-tuned encoder
        temperature: that the logits of the voice are divided by
        readers: of the text experts, see :class:`emofuse.text.expert.Trained`; none where the method reads none
        method: the fusion method, fitted
        shares: of the points of its front, the share that each selects of the rows fitted on; none without a front
    """

    name: str
    voice: Classifier | Path
    temperature: float
    readers: Sequence[ClassifierMixin]
    method: FusionMethod
    shares: Sequence[float]


def write(member: Member, folder: str | Path) -> None:
    """Keep a member in a folder of its own.

    Raises:
        InputError: as :func:`emofuse.model.keeping.keep`, if its method has learned what cannot be kept
    """
    folder = Path(folder)
    if isinstance(member.voice, Path):
        shutil.copytree(member.voice, folder / "speech")
    else:
        classifier.write(member.voice, folder / "speech.safetensors", folder / "speech.json")
    keeping.keep(_learned(member.method), folder / "method.skops")
    for number, reader in enumerate(member.readers):
        keeping.keep(reader, folder / f"text_{number}.skops")
    tables.write_json({"temperature": member.temperature, "shares": list(member.shares)}, folder / "member.json")


def read(folder: str | Path, path: str, parameters: Mapping[str, Any]) -> Member:
    """A member that :func:`write` has kept.

    Args:
        folder: the member's
        path: of the method's class
        parameters: of the method

    Raises:
        InputError: if a file is missing or damaged, or holds what is not trusted
    """
    folder = Path(folder)
    said = tables.read_json(folder / "member.json")
    voice: Classifier | Path = folder / "speech"
    if not voice.exists():
        voice = classifier.read(folder / "speech.safetensors", folder / "speech.json")
    method = parts.load(path, parts.METHOD)(**parameters)
    vars(method).update(keeping.kept(folder / "method.skops"))
    readers = [keeping.kept(file) for file in sorted(folder.glob("text_*.skops"))]
    return Member(folder.name, voice, said["temperature"], readers, method, said["shares"])


def answer(
    method: FusionMethod, scores: pd.DataFrame, selected: npt.NDArray[np.bool_], dialogs: pd.DataFrame
) -> Floats:
    """What a method says when it is told the words of the utterances alone that it selects, (utterances, 4).

    Args:
        method: fitted
        scores: the columns that it reads, and perhaps more
        selected: (utterances,) whether it selects each
        dialogs: as :meth:`emofuse.fusion.base.FusionMethod.fit` takes them; of the same utterances
    """
    unread = [name for name in UNREAD if name in scores]
    nothing = [UNREAD[name] for name in unread]
    told = dict(zip(unread, np.where(selected[:, None], scores[unread].to_numpy(), nothing).T, strict=True))
    return method.predict_proba(scores.assign(**told)[method.columns], dialogs.assign(**told))


def _learned(method: FusionMethod) -> dict[str, Any]:
    """What a fitted method predicts by, but for how its search went."""
    learned = {name: value for name, value in vars(method).items() if name != "trials_"}
    for name, value in learned.items():
        if isinstance(value, FusionMethod):
            learned[name] = copy(value)
            vars(learned[name]).pop("trials_")
    return learned
