"""What the runs of a study hold: read from its files, as plain values, under names that MLflow allows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import yaml

from emofuse import accuracy, contracts, provenance, tables
from emofuse.tables import EMOTIONS, InputError, Problems


class MethodInput(TypedDict):
    """What a fusion method has written: the path of each file, of ``figures`` by their names."""

    predictions: str
    parameters: str
    trials: str
    figures: dict[str, str]


class ExperimentInput(TypedDict):
    """What tracking is told about an experiment."""

    corpus: str
    """What it is about: one corpus, or ``source -> target``."""

    protocol: str
    """How it is divided into folds."""

    models: dict[str, Any]
    """The models that heard and read, params of all runs; empty for published scores."""

    scores: str
    """The path of its `scores` table."""

    metrics: str
    """The path of its `metrics` table."""

    comparison: str
    """The path of its `comparison` table."""

    wer: str | None
    """The path of the `wer` table of the test corpus, if Whisper wrote the words down."""

    figures: dict[str, str]
    """The paths of the pictures of all methods together, by their names."""

    methods: dict[str, MethodInput]
    """The methods by name, in the order of their runs."""


@dataclass(frozen=True)
class Scores:
    """The `scores` table that all methods of an experiment start from.

    Args:
        name: what MLflow shows
        path: of the file
        digest: of its bytes: MLflow allows 36 characters, of which a person can see these 12
        dtypes: its columns
        rows: how many
    """

    name: str
    path: Path
    digest: str
    dtypes: dict[str, Any]
    rows: int


@dataclass(frozen=True)
class Content:
    """All that goes into one run.

    Args:
        key: what the run is, ``study/experiment/method`` or ``study/experiment/method/fold``
        name: what MLflow shows
        fold: of a child; ``None`` for a parent
        tags: the key in parts, and corpus and protocol
        params: the settings and, of a child, what was learned
        metrics: finite values
        artifacts: bytes of files, by their path in MLflow
        scores: what the method started from
        folder: where the method's files lie; no part of the digest, so that results may move
    """

    key: str
    name: str
    fold: str | None
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    artifacts: dict[str, bytes]
    scores: Scores
    folder: Path

    @cached_property
    def digest(self) -> str:
        """Of everything in it: 16 hexadecimal digits."""
        values = [self.key, self.name, self.tags, self.params, self.metrics, self.scores.digest]
        return provenance.digest([*values, sha256_of_each(self.artifacts)])


Family = list[Content]
"""The runs of a method: the parent, then a child per fold."""


@dataclass(frozen=True)
class Experiment:
    """All that goes into the runs of one experiment.

    Args:
        families: one per method
        shared: artifacts of every parent: the config, and the pictures of all methods together.
            They are no part of a run's content, lest a change of one method replaces the runs of all.
    """

    families: list[Family]
    shared: dict[str, bytes]


def read_study(
    study: str, experiments: Mapping[str, ExperimentInput], config: Mapping[str, Any]
) -> dict[str, Experiment]:
    """What the runs of a study should hold.

    Args:
        study: its name
        experiments: by name, what each has written
        config: the study's whole config, for the artifact ``config.yaml``, in which passwords are masked

    Returns:
        by name, what each experiment should hold

    Raises:
        InputError: if files are missing or bad, or ``metrics.parquet`` lacks a method; for all experiments at once
    """
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    config_file = {"config.yaml": without_password(text).encode()}
    contents: dict[str, Experiment] = {}
    problems: Problems = []
    for experiment, files in experiments.items():
        try:
            families = read_families(study, experiment, files)
            contents[experiment] = Experiment(families, config_file | _read_figures(files["figures"]))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return contents


def read_families(study: str, experiment: str, files: ExperimentInput) -> list[Family]:
    """What the runs of an experiment should hold.

    Args:
        study: its name
        experiment: the name of the experiment
        files: what it has written

    Returns:
        a family per method

    Raises:
        InputError: if files are missing or bad, or ``metrics.parquet`` lacks a method; for all methods at once
    """
    wer_path = [files["wer"]] if files["wer"] else []
    _require([files["scores"], files["metrics"], files["comparison"], *wer_path, *files["figures"].values()])
    scores = _read_scores(f"{study}/{experiment} scores", Path(files["scores"]))
    metrics = tables.read(contracts.METRICS, files["metrics"])
    comparison = tables.read(contracts.COMPARISON, files["comparison"])
    errors = word_error_rates(tables.read(contracts.WER, files["wer"])) if files["wer"] else {}
    models = flatten(files["models"])
    families: list[Family] = []
    problems: Problems = []
    for method, own in files["methods"].items():
        tags = {
            "study": study,
            "experiment": experiment,
            "corpus": files["corpus"],
            "protocol": files["protocol"],
            "method": method,
        }
        of_method = metrics[metrics["method"] == method]
        if of_method.empty:
            problems.append(f"{files['metrics']}: has no row of method {method!r}")
        of_all_folds = intervals(comparison[comparison["method"] == method]) | errors
        try:
            families.append(_read_family(tags, own, of_method, of_all_folds, models, scores))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return families


def _read_family(
    tags: dict[str, str],
    files: MethodInput,
    metrics: pd.DataFrame,
    of_all_folds: dict[str, float],
    models: dict[str, str],
    scores: Scores,
) -> Family:
    """The runs of a method, from the `metrics` rows of that method and what is known of all folds together."""
    tables_and_parameters = {
        "predictions.parquet": files["predictions"],
        "parameters.json": files["parameters"],
        "trials.parquet": files["trials"],
    }
    _require([*tables_and_parameters.values(), *files["figures"].values()])
    predictions = tables.read(contracts.PREDICTIONS, files["predictions"])
    learned = tables.read_json(files["parameters"])
    given = {"estimator": learned["estimator"], "fit_on": ", ".join(learned["fit_on"])} | learned["parameters"]
    parent = Content(
        key=f"{tags['study']}/{tags['experiment']}/{tags['method']}",
        name=tags["method"],
        fold=None,
        tags=tags,
        params=models | flatten(given),
        metrics=means(metrics) | of_all_folds,
        artifacts={name: Path(path).read_bytes() for name, path in tables_and_parameters.items()}
        | _read_figures(files["figures"])
        | {"confusion.csv": confusion(predictions)},
        scores=scores,
        folder=Path(files["predictions"]).parent,
    )
    children = [
        _child(parent, str(fold), of_fold, predictions[predictions["fold"] == fold], learned["folds"].get(fold, {}))
        for fold, of_fold in metrics.groupby("fold")
    ]
    return [parent, *children]


def _child(
    parent: Content, fold: str, metrics: pd.DataFrame, predictions: pd.DataFrame, learned: dict[str, Any]
) -> Content:
    """The run of a fold, from the rows of that fold and what was learned in it."""
    return dataclasses.replace(
        parent,
        key=f"{parent.key}/{fold}",
        name=f"{parent.name}/{fold}",
        fold=fold,
        tags=parent.tags | {"fold": fold},
        params=parent.params | flatten(learned),
        metrics=means(metrics),
        artifacts={
            "predictions.parquet": predictions.to_parquet(None, index=False),
            "parameters.json": json.dumps(learned, indent=2, sort_keys=True).encode(),
            "confusion.csv": confusion(predictions),
        },
    )


def _read_scores(name: str, path: Path) -> Scores:
    frame = tables.read(contracts.SCORES, path)
    return Scores(name, path, _sha256(path.read_bytes())[:12], dict(frame.dtypes), len(frame))


def _read_figures(paths: Mapping[str, str]) -> dict[str, bytes]:
    return {f"figures/{name}.png": Path(path).read_bytes() for name, path in paths.items()}


def _require(paths: Iterable[str]) -> None:
    """Refuse to go on without a file, naming all that are missing."""
    problems: Problems = [f"{path}: no such file" for path in paths if not Path(path).is_file()]
    if problems:
        raise InputError(problems)


def means(metrics: pd.DataFrame) -> dict[str, float]:
    """Mean over folds of each metric in each condition, by its name in MLflow.

    Args:
        metrics: rows of one method

    >>> means(pd.DataFrame({
    ...     "fold": ["Ses01F", "Ses01M", "Ses01F"],
    ...     "condition": ["all", "all", "improvised"],
    ...     "metric": ["UA", "UA", "UA"],
    ...     "value": [0.5, 0.75, 0.25],
    ... }))
    {'UA': 0.625, 'improvised/UA': 0.25}
    """
    mean = metrics.groupby(["condition", "metric"])["value"].mean()
    return _finite({name_of(metric, condition): value for (condition, metric), value in mean.items()})


def intervals(comparison: pd.DataFrame) -> dict[str, float]:
    """What a method's comparison against speech says, by name in MLflow.

    ``UA_difference`` and its bounds ``UA_difference_low`` and ``UA_difference_high`` for each metric and condition,
    and ``mcnemar_p`` for each condition: that test is about accuracy, so it stands in the rows of WA.

    Args:
        comparison: rows of one method

    >>> intervals(pd.DataFrame({
    ...     "condition": ["all", "all"],
    ...     "metric": ["UA", "WA"],
    ...     "difference": [0.02, 0.01],
    ...     "low": [-0.01, np.nan],
    ...     "high": [0.05, np.nan],
    ...     "p": [np.nan, 0.25],
    ... }))
    {'UA_difference': 0.02, 'UA_difference_low': -0.01, 'UA_difference_high': 0.05,
     'WA_difference': 0.01, 'mcnemar_p': 0.25}
    """
    values = {}
    for row in comparison.to_dict("records"):
        metric, condition = row["metric"], row["condition"]
        values[name_of(f"{metric}_difference", condition)] = row["difference"]
        values[name_of(f"{metric}_difference_low", condition)] = row["low"]
        values[name_of(f"{metric}_difference_high", condition)] = row["high"]
        if metric == "WA":
            values[name_of("mcnemar_p", condition)] = row["p"]
    return _finite(values)


def word_error_rates(wer: pd.DataFrame) -> dict[str, float]:
    """Word error rate in each condition, over all emotions, by name in MLflow.

    Args:
        wer: a `wer` table of one corpus

    >>> word_error_rates(pd.DataFrame({
    ...     "condition": ["all", "all", "improvised"],
    ...     "emotion": ["all", "sad", "all"],
    ...     "WER": [0.15, 0.2, 0.25],
    ... }))
    {'WER': 0.15, 'improvised/WER': 0.25}
    """
    overall = wer[wer["emotion"] == "all"]
    return _finite({name_of("WER", row["condition"]): row["WER"] for row in overall.to_dict("records")})


def confusion(predictions: pd.DataFrame) -> bytes:
    """Counts of predicted emotions (columns) by true emotion (rows): a CSV, which the MLflow UI shows as a table."""
    emotion, predicted = (accuracy.indices(predictions[name]) for name in ("emotion", "predicted"))
    counts = accuracy.confusion(emotion, predicted).astype(int)
    return pd.DataFrame(counts, EMOTIONS, EMOTIONS).to_csv(index_label="emotion").encode()


def name_of(metric: str, condition: str) -> str:
    """The name in MLflow of a metric in a condition; that of ``all`` is the metric's own.

    The UI makes a section of charts of what stands before the ``/``.

    >>> name_of("UA", "all"), name_of("recall_sad", "improvised")
    ('UA', 'improvised/recall_sad')
    """
    return legal(metric if condition == "all" else f"{condition}/{metric}")


def legal(name: str) -> str:
    """A name as MLflow allows it for a metric or a param: different names stay different.

    MLflow takes letters, digits, ``_``, ``-``, space and, as long as the name stays the same when it is read as a path,
    ``.`` and ``/``. Any other character is written as its code point in hexadecimal between colons.

    >>> legal("wrong_to_right/neutral_happy"), legal("sad→happy"), legal("a//b")
    ('wrong_to_right/neutral_happy', 'sad:2192:happy', 'a:2f::2f:b')
    """
    return re.sub(r"[^\w\-./ ]|(?<!\w)[./]|[./](?!\w)", lambda illegal: f":{ord(illegal[0]):x}:", name)


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Params of MLflow from nested values: keys are joined by dots, and what is no text is written as JSON.

    >>> flatten({"thresholds": {"angry": {"entropy": 0.25, "varentropy": None}}, "excluded": [["sad", "happy"]]})
    {'thresholds.angry.entropy': '0.25', 'thresholds.angry.varentropy': 'null', 'excluded': '[["sad", "happy"]]'}
    """
    params: dict[str, str] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            params |= flatten(item, f"{name}.")
        else:
            params[legal(name)] = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return params


def without_password(text: str) -> str:
    """A URI, or a text with URIs, that can be shown.

    >>> without_password("postgresql://me:secret@db/mlflow")
    'postgresql://me:***@db/mlflow'
    """
    return re.sub(r"(?<=://)([^:/@\s]*):\S*@", r"\1:***@", text)


def sha256_of_each(artifacts: Mapping[str, bytes]) -> dict[str, str]:
    """What stands for artifacts in a digest."""
    return {path: _sha256(data) for path, data in artifacts.items()}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Without NaN, which MLflow cannot store everywhere, and infinity, which it would turn into 1.8e308 and plot."""
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}
