"""What the runs of a study hold: read from its files, as plain values, under names that MLflow allows."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import yaml

from emofuse import accuracy, contracts, credentials, logs, parts, provenance, tables
from emofuse.markdown import code, in_markdown
from emofuse.tables import EMOTIONS, InputError, Problems

ACROSS = "across corpora"
"""Where MLflow shows the experiments of a study against one another: no experiment has a name with a space."""

Made = dict[str, str]
"""What made a run's results: ``runtime.<rule>``, ``version.<package>``, ``machine.cpu`` and ``machine.gpu``."""


class MethodInput(TypedDict):
    """What a fusion method has written: the path of each file, of ``figures`` by their names."""

    path: str
    """Where its class is defined, see :func:`emofuse.parts.load`."""

    jobs: list[str]
    """The jobs that made its results, patterns for :func:`emofuse.logs.records`."""

    predictions: str
    parameters: str
    trials: str
    figures: dict[str, str]


class ExperimentInput(TypedDict):
    """What tracking is told about an experiment."""

    train: str
    """What it is trained on: the name of a corpus, or of several, joined by ``+``."""

    test: str
    """The corpus that it is tested on."""

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

    leaderboard: str
    """The path of its leaderboard, a page of Markdown."""

    wer: str | None
    """The path of the `wer` table of the test corpus, if Whisper wrote the words down."""

    figures: dict[str, str]
    """The paths of the pictures of all methods together, by their names."""

    methods: dict[str, MethodInput]
    """The methods by name, in the order of their runs."""


class AcrossInput(TypedDict):
    """What the comparison of a study's experiments has written."""

    table: str
    """The path of the `across` table."""

    leaderboard: str
    """The path of the study's leaderboard, a page of Markdown."""

    figures: dict[str, str]
    """The paths of its pictures, by their names."""


class ModelInput(TypedDict):
    """What tracking is told about the model to take away."""

    experiment: str
    """The experiment that it was packaged from."""

    method: str
    """The method that it holds."""

    seal: str
    """The path of the file with the digests of its files, in its folder."""

    registered_as: str | None
    """Its name in MLflow's registry, if it is registered."""


@dataclass(frozen=True)
class Packaged:
    """The model to take away.

    Args:
        experiment: that it was packaged from
        method: that it holds
        name: what MLflow shows
        folder: that holds it
        digest: of its seal, and with it of all its files: 16 hexadecimal digits
        card: what a reader should know of it, in Markdown
        registered_as: its name in the registry; ``None`` where it is not registered
    """

    experiment: str
    method: str
    name: str
    folder: Path
    digest: str
    card: str
    registered_as: str | None


@dataclass(frozen=True)
class Scores:
    """The tables `scores` and `spoken` that all methods of an experiment start from.

    Args:
        name: what MLflow shows
        path: of the `scores` table
        digest: of the bytes of both: MLflow allows 36 characters, of which a person can see these 12
        dtypes: their columns
        rows: of the `scores` table
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
        tags: the key in parts, and what it is trained and tested on, by which protocol
        params: the settings and, of a child, what was learned
        metrics: finite values
        artifacts: bytes of files, by their path in MLflow
        scores: what the method started from, if that is one table
        folder: where the method's files lie; no part of the digest, so that results may move
        description: what a reader should know of it, in Markdown; no part of the digest
        made: of a parent, what made its results: no part of the digest, or a stage that runs again and gives the same
            in other seconds would replace the run
    """

    key: str
    name: str
    fold: str | None
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    artifacts: dict[str, bytes]
    scores: Scores | None
    folder: Path
    description: str
    made: Made = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Of everything in it: 16 hexadecimal digits."""
        scores = self.scores and self.scores.digest
        values = [self.key, self.name, self.tags, self.params, self.metrics, scores]
        return provenance.digest([*values, sha256_of_each(self.artifacts)])


Family = list[Content]
"""The runs of a method: the parent, then a child per fold."""


@dataclass(frozen=True)
class Experiment:
    """All that goes into the runs of one experiment.

    Args:
        families: one per method
        shared: artifacts of every parent: the config, the leaderboard, and the pictures of all methods together.
            They are no part of a run's content, lest a change of one method replaces the runs of all.
        description: what a reader should see first, in Markdown: its leaderboard
    """

    families: list[Family]
    shared: dict[str, bytes]
    description: str


def read_study(
    study: str,
    experiments: Mapping[str, ExperimentInput],
    config: Mapping[str, Any],
    across: AcrossInput | Mapping[str, Any],
    records: str | Path,
) -> dict[str, Experiment]:
    """What the runs of a study should hold.

    Args:
        study: its name
        experiments: by name, what each has written
        config: the study's whole config, for the artifact ``config.yaml``, in which passwords are masked
        across: what the comparison of its experiments has written; empty where none is compared
        records: the folder of what jobs were made with, see :func:`emofuse.logs.records`

    Returns:
        by name, what each experiment should hold, and :data:`ACROSS` their comparison

    Raises:
        InputError: if files are missing or bad, or ``metrics.parquet`` lacks a method; for all experiments at once
    """
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    config_file = {"config.yaml": credentials.hidden(text).encode()}
    contents: dict[str, Experiment] = {}
    problems: Problems = []
    for experiment, files in experiments.items():
        try:
            families = read_families(study, experiment, files, records)
            leaderboard = Path(files["leaderboard"]).read_bytes()
            shared = config_file | {"leaderboard.md": leaderboard} | _read_figures(files["figures"])
            contents[experiment] = Experiment(families, shared, leaderboard.decode())
        except InputError as error:
            problems += error.problems
    if across:
        paths = {name: method["path"] for files in experiments.values() for name, method in files["methods"].items()}
        try:
            contents[ACROSS] = read_across(study, across, paths)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return contents


def read_model(study: str, files: ModelInput | Mapping[str, Any]) -> Packaged | None:
    """The model to take away; ``None`` where there is none.

    Args:
        study: its name
        files: what was packaged; empty where nothing is

    Raises:
        InputError: if its files are missing
    """
    if not files:
        return None
    seal = Path(files["seal"])
    card = seal.with_name("README.md")
    _require([str(seal), str(card)])
    return Packaged(
        experiment=files["experiment"],
        method=files["method"],
        name=f"{study}-{files['method']}",
        folder=seal.parent,
        digest=provenance.file_digest([seal]),
        card=card.read_text(encoding="utf-8"),
        registered_as=files["registered_as"],
    )


def read_across(study: str, files: Mapping[str, Any], methods: Mapping[str, str]) -> Experiment:
    """The comparison of a study's experiments: a run per method.

    Its metrics are ``UA/<train>_to_<test>`` and ``drop/<train>_to_<test>``.
    Where several experiments train and test on the same corpora, the experiment's name follows.

    Args:
        study: its name
        files: what the comparison has written, an :class:`AcrossInput`
        methods: where the class of each method is defined

    Raises:
        InputError: if files are missing or bad
    """
    _require([files["table"], files["leaderboard"], *files["figures"].values()])
    table = tables.read(contracts.ACROSS, files["table"])
    pair = table["train"].str.replace("+", " and ") + "_to_" + table["target"]  # MLflow allows no plus
    several = table.groupby(pair)["experiment"].transform("nunique") > 1
    table["pair"] = pair.where(~several, pair + "." + table["experiment"])
    families: list[Family] = []
    for method, rows in table.groupby("method", sort=False):
        metrics = {
            name_of(f"{metric}/{row['pair']}", row["condition"]): row[metric]
            for row in rows.to_dict("records")
            for metric in ("UA", "drop")
        }
        run = Content(
            key=f"{study}/{ACROSS}/{method}",
            name=str(method),
            fold=None,
            tags={"study": study, "experiment": ACROSS, "method": str(method)},
            params={},
            metrics=_finite(metrics),
            artifacts={"across.csv": rows.drop(columns="pair").to_csv(index=False).encode()},
            scores=None,
            folder=Path(files["table"]).parent,
            description=f"**{in_markdown(str(method))}**: {_summary(methods[str(method)])}\n\n"
            f"Study {code(study)}: UA by training and test corpus, on the same utterances of the test corpus, "
            "and its difference to training on the test corpus itself (drop).",
        )
        families.append([run])
    leaderboard = Path(files["leaderboard"]).read_bytes()
    shared = {"leaderboard.md": leaderboard} | _read_figures(files["figures"])
    return Experiment(families, shared, leaderboard.decode())


def read_families(study: str, experiment: str, files: ExperimentInput, records: str | Path) -> list[Family]:
    """What the runs of an experiment should hold.

    Args:
        study: its name
        experiment: the name of the experiment
        files: what it has written
        records: the folder of what jobs were made with

    Returns:
        a family per method

    Raises:
        InputError: if files are missing or bad, or ``metrics.parquet`` lacks a method; for all methods at once
    """
    wer_path = [files["wer"]] if files["wer"] else []
    whole = [files[name] for name in ("scores", "spoken", "metrics", "comparison", "leaderboard")]
    _require([*whole, *wer_path, *files["figures"].values()])
    scores = _read_scores(f"{study}/{experiment} scores", files["scores"], files["spoken"])
    metrics = tables.read(contracts.METRICS, files["metrics"])
    comparison = tables.read(contracts.COMPARISON, files["comparison"])
    errors = word_error_rates(tables.read(contracts.WER, files["wer"])) if files["wer"] else {}
    models = flatten(files["models"])
    families: list[Family] = []
    problems: Problems = []
    read = functools.cache(tables.read_json)  # most jobs serve several methods
    for method, own in files["methods"].items():
        tags = {
            "study": study,
            "experiment": experiment,
            "train": files["train"],
            "test": files["test"],
            "protocol": files["protocol"],
            "method": method,
        }
        of_method = metrics[metrics["method"] == method]
        if of_method.empty:
            problems.append(f"{files['metrics']}: has no row of method {method!r}")
        of_all_folds = intervals(comparison[comparison["method"] == method]) | errors
        try:
            made = made_by(logs.records(records, own["jobs"]), read)
            families.append(_read_family(tags, own, of_method, of_all_folds, models, scores, made))
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
    made: Made,
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
        artifacts={name: tables.read_whole(path) for name, path in tables_and_parameters.items()}
        | _read_figures(files["figures"])
        | {"confusion.csv": confusion(predictions), "metrics.csv": by_fold(metrics)},
        scores=scores,
        folder=Path(files["predictions"]).parent,
        description=describe(tags, files["path"], given),
        made=made,
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
        description=f"{parent.description}\n\nFold {code(fold)}.",
        made={},
        artifacts={
            "predictions.parquet": predictions.to_parquet(None, index=False),
            "parameters.json": json.dumps(learned, indent=2, sort_keys=True).encode(),
            "confusion.csv": confusion(predictions),
            "metrics.csv": by_fold(metrics),
        },
    )


def describe(tags: Mapping[str, str], path: str, given: Mapping[str, Any]) -> str:
    """What a run is: its method in the method's own words, how it was fitted, and the experiment, in Markdown.

    Args:
        tags: of the run
        path: where the method's class is defined; read only now, so that another docstring reruns nothing
        given: its estimator, the rows that it was fitted on, and its parameters
    """
    settings = ", ".join(
        f"{code(name)} {in_markdown(str(value))}"
        for name, value in flatten(given).items()
        if name not in ("estimator", "fit_on")
    )
    with_settings = f" with {settings}" if settings else ""
    train, test, protocol = map(in_markdown, (tags["train"], tags["test"], tags["protocol"].replace("_", " ")))
    return (
        f"**{in_markdown(tags['method'])}**: {_summary(path)}\n\n"
        f"Estimator {code(given['estimator'])}{with_settings}, fitted on {given['fit_on'] or 'no'} rows.\n\n"
        f"Study {code(tags['study'])}, experiment {code(tags['experiment'])}: trained on {train}, "
        f"tested on {test}, {protocol}."
    )


def _summary(path: str) -> str:
    return in_markdown(parts.summary(parts.load(path)))


def made_by(records: Iterable[tuple[str, Path]], read: Callable[[Path], Any]) -> Made:
    """What made a run's results: the seconds that each stage took, the versions of packages, the machines.

    Args:
        records: the rule of each job, and the file that :func:`emofuse.logs.logged` wrote;
            one that cannot be read says nothing
        read: reads such a file
    """
    seconds: dict[str, list[float]] = {}
    named: dict[str, set[str]] = {}
    for rule, file in records:
        with suppress(InputError, KeyError, TypeError, AttributeError):
            record = read(file)
            seconds.setdefault(rule, []).append(record["seconds"])
            for group, names in (("version", record["versions"]), ("machine", record["machine"])):
                for name, value in names.items():
                    named.setdefault(f"{group}.{name}", set()).add(value)
    runtimes = {f"runtime.{rule}": f"{sum(times):.1f} s, jobs: {len(times)}" for rule, times in seconds.items()}
    return runtimes | {legal(name): ", ".join(sorted(values)) for name, values in sorted(named.items())}


def by_fold(metrics: pd.DataFrame) -> bytes:
    """All metrics of a method, the counts of changed pairs too, a column per fold: a CSV, which the UI shows."""
    table = metrics.pivot(index=["condition", "metric"], columns="fold", values="value")
    order = pd.MultiIndex.from_frame(metrics[["condition", "metric"]].drop_duplicates())
    return table.reindex(order).to_csv().encode()


def _read_scores(name: str, path: str, spoken: str) -> Scores:
    of_folds = tables.Folds(contracts.SCORES, path)
    voice, words = of_folds.read(of_folds.names[0]), tables.read(contracts.SPOKEN, spoken)
    rows = sum(map(len, of_folds))
    digest = provenance.file_digest([path, spoken])[:12]
    return Scores(name, Path(path), digest, dict(voice.dtypes) | dict(words.dtypes), rows)


def _read_figures(paths: Mapping[str, str]) -> dict[str, bytes]:
    return {f"figures/{name}.png": tables.read_whole(path) for name, path in paths.items()}


def _require(paths: Iterable[str]) -> None:
    """Refuse to go on without a file, naming all that are missing."""
    problems: Problems = [f"{path}: no such file" for path in paths if not Path(path).is_file()]
    if problems:
        raise InputError(problems)


def means(metrics: pd.DataFrame) -> dict[str, float]:
    """Mean over folds of each metric in each condition, by its name in MLflow.

    Parts of a metric, whose names have a ``/`` (``wrong_to_right/sad_happy``), are many: they are in ``metrics.csv``.

    Args:
        metrics: rows of one method

    >>> means(pd.DataFrame({
    ...     "fold": ["Ses01F", "Ses01M", "Ses01F"],
    ...     "condition": ["all", "all", "improvised"],
    ...     "metric": ["UA", "UA", "UA"],
    ...     "value": [0.5, 0.75, 0.25],
    ... }))
    {'UA': 0.625, 'UA.improvised': 0.25}
    """
    whole = metrics[~metrics["metric"].str.contains("/")]
    mean = whole.groupby(["condition", "metric"])["value"].mean()
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
    {'wer': 0.15, 'wer.improvised': 0.25}
    """
    overall = wer[wer["emotion"] == accuracy.ALL]
    return _finite({name_of("WER", row["condition"]): row["WER"] for row in overall.to_dict("records")})


def confusion(predictions: pd.DataFrame) -> bytes:
    """Counts of predicted emotions (columns) by true emotion (rows): a CSV, which the MLflow UI shows as a table."""
    emotion, predicted = (accuracy.indices(predictions[name]) for name in ("emotion", "predicted"))
    counts = accuracy.confusion(emotion, predicted).astype(int)
    return pd.DataFrame(counts, EMOTIONS, EMOTIONS).to_csv(index_label="emotion").encode()


def name_of(metric: str, condition: str) -> str:
    """The name in MLflow of a metric in a condition.

    The UI sorts capitals before small letters, and metrics with a ``/`` in their name before those without;
    its comparison begins with the first.
    So UA and WA alone have capitals, and the condition comes last, after a dot, which filters need not quote.

    >>> name_of("UA", "all"), name_of("UA", "improvised"), name_of("Brier", "all")
    ('UA', 'UA.improvised', 'brier')
    """
    name = metric if metric.startswith(("UA", "WA")) else metric.lower()
    return legal(name if condition == accuracy.ALL else f"{name}.{condition}")


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


def sha256_of_each(artifacts: Mapping[str, bytes]) -> dict[str, str]:
    """What stands for artifacts in a digest."""
    return {path: _sha256(data) for path, data in artifacts.items()}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Without NaN, which MLflow cannot store everywhere, and infinity, which it would turn into 1.8e308 and plot."""
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}
