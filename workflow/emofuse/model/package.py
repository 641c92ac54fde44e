"""A model is made of a study: its parts are gathered, what was not kept is fitted again, and all is checked.

The method and the text experts are cheap to fit, so that no stage keeps them. Fitted here by the same functions from
the same tables, they have to say what the study says, or there is no model.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.isotonic import IsotonicRegression

from emofuse import checkpoints, contracts, provenance, scores, tables
from emofuse.fusion import folds
from emofuse.fusion.base import FusionMethod
from emofuse.fusion.uncertainty import confidence
from emofuse.model import members
from emofuse.model.card import card
from emofuse.model.members import Member, answer
from emofuse.model.model import DESCRIPTION
from emofuse.places import BESIDE_WEIGHTS, WEIGHTS, checkpoint_files
from emofuse.speech import classifier
from emofuse.tables import PROBABILITY, TEXT, InputError, Problem, Problems
from emofuse.text import expert

TOLERANCE = 1e-9
"""How far a probability may lie from the study's."""

TRAINED_ON = "trained_on.parquet"
"""Which utterances trained and validated each member: a `folds` table."""


class Given(NamedTuple):
    """The files of a study that a model is made of.

    Attributes:
        scores: the `scores` table of the folds that it has learned from
        calibration: the temperatures of these
        predictions: of the method in the experiment
        comparison: of the experiment
        metrics: likewise
        folds: the `folds` table of the folds that it has learned from
        models: of each fold, the classifier's arrays, or the weights of the fine-tuned encoder
        chosen: of each fold, what its training has chosen
        text_expert: the table of the text expert, none where the method does not read it
        utterances: of each corpus
        transcripts: likewise
        text_embeddings: likewise, none where no encoder reads the transcripts
    """

    scores: str
    calibration: str
    predictions: str
    comparison: str
    metrics: str
    folds: str
    models: Sequence[str]
    chosen: Sequence[str]
    text_expert: Sequence[str]
    utterances: Sequence[str]
    transcripts: Sequence[str]
    text_embeddings: Sequence[str]


def write(folder: Path, recipe: Mapping[str, Any], given: Given) -> None:
    """Write a model into a folder.

    Args:
        folder: empty
        recipe: :attr:`emofuse.study.Study.model_recipe`
        given: what it is made of

    Raises:
        InputError: if the method or the text expert, fitted again, says something else than the study does; if the
            method has learned what cannot be kept; if a checkpoint is missing
    """
    predictions = tables.read(contracts.PREDICTIONS, given.predictions)
    table, entry, path = scores.read(given.scores, given.text_expert), recipe["entry"], recipe["path"]
    taught = [table, entry, path, recipe["seed"], recipe["method"]]
    is_tested = recipe["training"] == "folds"
    said = predictions if is_tested else _said_of_validation(*taught)
    source = given.predictions if is_tested else given.scores
    remedy: Problem = ". Were packages changed since? --forcerun fuse" if is_tested else ""
    temperatures = tables.read_json(given.calibration)["temperature"]
    voices = dict(zip(recipe["folds"], zip(given.models, given.chosen, strict=True), strict=True))
    readers = _readers(recipe, given)
    shares: dict[str, list[float]] = {}
    for fold, part, method in folds.fitted(*taught):
        shares[fold] = _shares(method, part[part["split"].isin(entry["fit_on"])], folds.around(part))
        arrays, chosen = voices[fold]
        voice = (
            classifier.read(arrays, chosen) if recipe["speech"]["classifier"] == "embeddings" else Path(arrays).parent
        )
        member = Member(fold, voice, temperatures[fold], readers.get(fold, []), method, shares[fold])
        place = folder / "members" / fold
        members.write(member, place)
        kept = members.read(place, path, entry["parameters"])
        _check_answers(kept.method, part, said[said["fold"] == fold], source, remedy)

    of_folds = tables.read(contracts.FOLDS, given.folds)
    of_folds = of_folds[of_folds["fold"].isin(shares) & (of_folds["split"] != "test")]
    tables.write(of_folds, contracts.FOLDS, folder / TRAINED_ON)
    described = {
        "study": recipe["study"],
        "experiment": recipe["experiment"],
        "method": recipe["method"],
        "path": _method_file(path, folder),
        "parameters": entry["parameters"],
        "min_duration": recipe["min_duration"],
        "members": list(shares),
        "confidence": certainty_curve(predictions),
        **_stages(recipe, folder),
    }
    tables.write_json(described, folder / DESCRIPTION)
    comparison, metrics = (
        tables.read(contracts.COMPARISON, given.comparison),
        tables.read(contracts.METRICS, given.metrics),
    )
    utterances = pd.concat([tables.read(contracts.UTTERANCES, name) for name in given.utterances])
    tables.write_text(
        card(recipe, described, predictions, comparison, metrics, of_folds.merge(utterances, on="utterance")),
        folder / "README.md",
    )


def certainty_curve(predictions: pd.DataFrame) -> dict[str, list[float]]:
    """How often a method is right, by how certain it is.

    Isotonic regression of right or wrong on the largest probability: it rises, and is as near as that allows
    (Zadrozny and Elkan, *Transforming classifier scores into accurate multiclass probability estimates*, KDD 2002).

    Args:
        predictions: the `predictions` table of utterances that the method was not fitted on

    Returns:
        ``certainty``, rising, and ``right``, between 0 and 1: points of a curve that is linear between them
    """
    certainty = confidence(predictions[PROBABILITY])
    right = predictions["predicted"].eq(predictions["emotion"]).to_numpy(dtype=np.float64)
    curve = IsotonicRegression(y_min=0, y_max=1).fit(certainty, right)
    return {"certainty": curve.X_thresholds_.tolist(), "right": curve.y_thresholds_.tolist()}


def _said_of_validation(
    table: pd.DataFrame, entry: Mapping[str, Any], path: str, seed_names: Sequence[str | int], name: str
) -> pd.DataFrame:
    """The `predictions` table of validation rows, told all words; arguments as :func:`emofuse.fusion.folds.run`."""
    return pd.concat(
        folds.predict(method, part[part["split"] == "validation"], folds.around(part))
        for _, part, method in folds.fitted(table, entry, path, seed_names, name)
    )


def _check_answers(
    method: FusionMethod, part: pd.DataFrame, predictions: pd.DataFrame, source: str, remedy: Problem
) -> None:
    """Check that a method, told the words of the utterances alone that it selects, says what is known of it.

    Args:
        method: fitted, and kept in the model's folder
        part: the rows of its fold, of the `scores` table
        predictions: what the method says when it is told all words
        source: the file that errors name
        remedy: what they say at their end
    """
    dialogs = folds.around(part)
    selected = method.selected(part[method.columns], dialogs)
    said = pd.DataFrame(answer(method, part, selected, dialogs), columns=PROBABILITY).assign(
        utterance=part["utterance"].to_numpy(), selected=selected
    )
    said = said.set_index("utterance").loc[predictions["utterance"]]
    off = np.abs(said[PROBABILITY].to_numpy() - predictions[PROBABILITY].to_numpy()).max()
    if off > TOLERANCE or (said["selected"].to_numpy() != predictions["selected"].to_numpy()).any():
        problems: Problems = [
            f"{source}: fold {part['fold'].iloc[0]}: the method, fitted again and told no words but those that it"
            f" selects, differs by up to {off:.2g}; should say the same{remedy}"
        ]
        raise InputError(problems)


def _readers(recipe: Mapping[str, Any], given: Given) -> dict[str, list[ClassifierMixin]]:
    """The trained text experts of each fold, none where the method reads none."""
    if not given.text_expert:
        return {}
    said = tables.read(contracts.TEXT_EXPERT, given.text_expert[0])
    of_folds = tables.read(contracts.FOLDS, given.folds)
    trained = expert.train(
        of_folds[of_folds["fold"].isin(recipe["folds"])],
        pd.concat([tables.read(contracts.UTTERANCES, path) for path in given.utterances]),
        pd.concat([tables.read(contracts.TRANSCRIPTS, path) for path in given.transcripts]),
        expert.make_experts(recipe["text_experts"]["experts"], given.text_embeddings),
        parts=recipe["text_experts"]["parts"],
    )
    readers: dict[str, list[ClassifierMixin]] = {}
    problems: Problems = []
    for fold in trained:
        readers[fold.fold] = [one.reader for one in fold.experts]
        now = expert.read(readers[fold.fold], fold.inputs)
        then = fold.held_out[["fold", "utterance"]].merge(said, on=["fold", "utterance"], how="left")[TEXT]
        off = np.abs(now - then.to_numpy()).max()
        if not off <= TOLERANCE:
            problems.append(
                f"{given.text_expert[0]}: fold {fold.fold}: the text expert, trained again, differs by up to {off:.2g};"
                " should say the same. Were packages changed since? --forcerun text_expert"
            )
    if problems:
        raise InputError(problems)
    return readers


def _shares(method: FusionMethod, fitted_on: pd.DataFrame, dialogs: pd.DataFrame) -> list[float]:
    """The share of the rows fitted on that each point of a method's front selects."""
    if not method.has_front(**method.get_params()):
        return []
    return [float(selected.mean()) for _, selected in method.along_front(fitted_on[method.columns], dialogs)]


def _method_file(path: str, folder: Path) -> str:
    """The path of a method's class; that of a file, which is copied, within the model's folder."""
    place, _, name = path.rpartition(":")
    if not place.endswith(".py"):
        return path
    copied = folder / "method" / Path(place).name
    copied.parent.mkdir()
    shutil.copyfile(place, copied)
    return f"{copied.relative_to(folder).as_posix()}:{name}"


def _stages(recipe: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What :class:`emofuse.model.stages.Stages` should know, with checkpoints where they lie from now on."""
    speech, transcripts, sentiment = (recipe[name] for name in ("speech", "transcripts", "sentiment"))

    def referred(name: str, checkpoint: Mapping[str, str]) -> dict[str, str]:
        return _referred(name, checkpoint, folder, copies=recipe["checkpoints"] == "copy")

    if speech["classifier"] == "embeddings":
        speech = speech | {"checkpoint": referred("speech", speech["checkpoint"])}
    if transcripts is not None:
        transcripts = transcripts | {"checkpoint": referred("whisper", transcripts["checkpoint"])}
    if sentiment is not None:
        sentiment = sentiment | {"checkpoint": referred("sentiment", sentiment["checkpoint"])}
    experts = [
        [name, entry if name == "tfidf" else entry | {"checkpoint": referred("text", entry["checkpoint"])}]
        for name, entry in (recipe["text_experts"] or {"reads": {}})["reads"].items()
    ]
    return {"speech": speech, "transcripts": transcripts, "sentiment": sentiment, "text_experts": experts}


def _referred(name: str, checkpoint: Mapping[str, str], folder: Path, *, copies: bool) -> dict[str, str]:
    """A checkpoint as a model refers to it: of the hub by its commit, a local one by its digest or by its copy.

    Raises:
        InputError: if it is missing, or if its weights are a torch archive that is not Whisper's
    """
    if "revision" in checkpoint:
        return {"name": checkpoint["name"], "revision": checkpoints.folder(checkpoint).name}
    if "name" in checkpoint:
        return dict(checkpoint)
    if not copies:
        digest = provenance.file_digest(checkpoint_files(checkpoint))
        return {"path": str(Path(checkpoint["path"]).resolve()), "digest": digest}
    if name == "whisper":
        from emofuse.text import transcription

        place = folder / "checkpoints" / "whisper.safetensors"
        transcription.keep(checkpoint, place)
        return {"path": place.relative_to(folder).as_posix()}
    place, source = folder / "checkpoints" / name, checkpoints.folder(checkpoint)
    if not list(source.glob(WEIGHTS[0])):
        raise InputError(
            [f"{source}: has no {WEIGHTS[0]}, and a model's folder holds no torch archive; model.checkpoints: refer"]
        )
    place.mkdir(parents=True)
    for file in (file for kind in (WEIGHTS[0], *BESIDE_WEIGHTS) for file in source.glob(kind)):
        shutil.copyfile(file, place / file.name)
    return {"path": place.relative_to(folder).as_posix()}
