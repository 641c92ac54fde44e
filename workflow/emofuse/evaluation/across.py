"""Within against across: what it costs a corpus that another one was trained on.

Experiments that test the same corpus, the target, are compared on the utterances that all of them test, with one
definition of UA. The target's own experiment gives the *target folds*: who is tested together. Where it is missing,
each speaker is a fold. An experiment that tests an utterance several times does so once per *source fold*. Then

    UA = mean over source folds of the mean over target folds of the mean recall of the emotions that occur.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse import accuracy
from emofuse.accuracy import ALL, Floats, by_condition
from emofuse.evaluation.wording import condition_name, interval_name, signed
from emofuse.markdown import in_markdown
from emofuse.tables import EMOTIONS, InputError, Problem


@dataclass(frozen=True)
class Results:
    """What an experiment that tests the target gives.

    Args:
        name: the experiment's
        train: what it was trained on, names of corpora joined by "+"
        predictions: the ``predictions`` table of each method, by its name; all methods test the same rows
    """

    name: str
    train: str
    predictions: Mapping[str, pd.DataFrame]

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that each of its methods tests."""
        return next(iter(self.predictions.values()))


@dataclass(frozen=True)
class Counts:
    """What the recalls of an experiment's methods are made of.

    A unit is the utterances of one speaker in one target fold.

    Args:
        right: (methods, source folds, units, emotions) how many utterances are predicted right
        total: (source folds, units, emotions) of how many
        fold: (units,) the target fold of each unit
        speaker: (units,) its speaker
    """

    right: Floats
    total: Floats
    fold: npt.NDArray[np.str_]
    speaker: npt.NDArray[np.str_]


def across(
    target: str, experiments: Sequence[Results], *, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Compare the experiments that test one corpus.

    Args:
        target: the corpus
        experiments: those that test it; the first that was trained on it too is what the others are compared with
        confidence: of the intervals, between 0 and 1
        resamples: how often target speakers and source folds are drawn
        seed: of the draws; the same for all methods and experiments, so that they meet the same speakers

    Returns:
        the ``across`` table of the target: a row per condition, experiment and method, in this order, the experiments
        within it first. Without one of these nothing is compared: ``within_UA``, ``drop`` and its interval are NaN

    Raises:
        InputError: if no utterance is tested by all experiments
    """
    ordered = sorted(experiments, key=lambda experiment: experiment.train != target)
    first, is_within = ordered[0], ordered[0].train == target
    in_all = set.intersection(*(set(experiment.rows["utterance"]) for experiment in ordered))
    if not in_all:
        problem: Problem = (
            f"{target}: the experiments {', '.join(experiment.name for experiment in ordered)} test no utterance that "
            "all of them test; should have some, or lie in studies of their own"
        )
        raise InputError([problem])
    rows = first.rows[first.rows["utterance"].isin(in_all)]
    tables = []
    for condition, part in by_condition(rows):
        part = part.drop_duplicates("utterance").set_index("utterance")
        units = part[["fold", "speaker"]] if is_within and first.rows["utterance"].is_unique else _by_speaker(part)
        within = None
        for experiment in ordered:
            counts = count(experiment, units)
            described = {"target": target, "train": experiment.train, "experiment": experiment.name}
            compared = _compare(counts, within, confidence=confidence, resamples=resamples, seed=seed)
            values = {**described, "method": list(experiment.predictions), "condition": condition, **compared}
            tables.append(pd.DataFrame(values).assign(utterances=len(units)))
            if is_within and within is None:
                within = counts
                tables[-1]["within_UA"] = tables[-1]["UA"]
    return pd.concat(tables, ignore_index=True)


def _by_speaker(utterances: pd.DataFrame) -> pd.DataFrame:
    """Each speaker as a fold."""
    return utterances[["speaker"]].assign(fold=utterances["speaker"])


def count(experiment: Results, units: pd.DataFrame) -> Counts:
    """Count right predictions.

    Args:
        experiment: all its methods
        units: of each utterance that counts, as the index, the target ``fold`` and the ``speaker``
    """
    is_compared = experiment.rows["utterance"].isin(units.index)
    rows = experiment.rows[is_compared]
    # An experiment that tests each utterance once has one mean over target folds, whatever its own folds are.
    source = rows["fold"] if rows["utterance"].duplicated().any() else pd.Series("", index=rows.index)
    source_fold, sources = pd.factorize(source, sort=True)
    distinct = units[["fold", "speaker"]].drop_duplicates().sort_values(["fold", "speaker"])
    unit = units.groupby(["fold", "speaker"]).ngroup().loc[rows["utterance"]].to_numpy()
    shape = (len(sources), len(distinct), len(EMOTIONS))
    cell = np.ravel_multi_index((source_fold, unit, accuracy.indices(rows["emotion"])), shape)

    def counted(which: npt.ArrayLike) -> Floats:
        return np.bincount(cell, np.asarray(which, dtype=np.float64), minlength=np.prod(shape)).reshape(shape)

    right = [
        counted((table["predicted"] == table["emotion"])[is_compared.to_numpy()])
        for table in experiment.predictions.values()
    ]
    fold, speaker = (distinct[name].to_numpy(dtype=str) for name in ("fold", "speaker"))
    return Counts(np.stack(right), counted(np.ones(len(rows))), fold, speaker)


def mean_recall(counts: Counts, speakers: Mapping[str, Floats] | None = None) -> Floats:
    """UA of each method in each source fold, when each speaker counts as often as a weight says.

    A target fold counts by the mean weight of its units, as in
    :func:`emofuse.evaluation.statistics.mean_over_folds`.

    Args:
        counts: of all methods
        speakers: (resamples,) how often each is drawn, by name; ``None`` for one draw of each

    Returns:
        (methods, source folds, resamples) between 0 and 1; NaN where no utterance of a source fold was drawn
    """
    weights = np.array([np.ones(1) if speakers is None else speakers[name] for name in counts.speaker])
    total, weighted = 0.0, 0.0
    for fold in np.unique(counts.fold):
        of = counts.fold == fold
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = np.einsum("msue,ub->msbe", counts.right[:, :, of], weights[of])
            recall /= np.einsum("sue,ub->sbe", counts.total[:, of], weights[of])
        occurs = ~np.isnan(recall)
        ua = np.where(occurs, recall, 0).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1)
        weight = np.where(occurs.any(axis=-1), weights[of].mean(axis=0), 0)
        total, weighted = total + weight, weighted + weight * ua
    with np.errstate(invalid="ignore", divide="ignore"):
        return weighted / total


def _compare(
    counts: Counts, within: Counts | None, *, confidence: float, resamples: int, seed: int
) -> dict[str, Floats]:
    """The columns ``UA``, ``within_UA``, ``drop``, ``low`` and ``high`` of each method, (methods,) each.

    The interval is that of a percentile bootstrap: target speakers and source folds are drawn with replacement,
    and both experiments are judged on the same speakers. It is NaN for a single speaker.
    """
    ua = mean_recall(counts).mean(axis=(1, 2))
    nothing = np.full(len(ua), np.nan)
    if within is None:
        return {"UA": ua} | dict.fromkeys(("within_UA", "drop", "low", "high"), nothing)
    within_ua = mean_recall(within).mean(axis=(1, 2))
    values = {"UA": ua, "within_UA": within_ua, "drop": ua - within_ua}
    names = np.unique(counts.speaker)
    if len(names) < 2:
        return values | dict.fromkeys(("low", "high"), nothing)
    random = np.random.default_rng(seed)
    draws = random.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples).T.astype(np.float64)
    speakers = dict(zip(names, draws, strict=True))
    difference = _drawn_mean(mean_recall(counts, speakers), random) - _drawn_mean(mean_recall(within, speakers), random)
    low, high = np.quantile(difference, [(1 - confidence) / 2, (1 + confidence) / 2], axis=1)
    return values | {"low": low, "high": high}


def _drawn_mean(values: Floats, random: np.random.Generator) -> Floats:
    """The mean over source folds, which are drawn with replacement in each resample.

    Args:
        values: (methods, source folds, resamples)
        random: what draws

    Returns:
        (methods, resamples)
    """
    folds, resamples = values.shape[1:]
    drawn = random.multinomial(folds, np.full(folds, 1 / folds), resamples).T
    weights = np.where(np.isnan(values), 0, drawn)
    return (weights * np.nan_to_num(values)).sum(axis=1) / weights.sum(axis=1)


def boards(table: pd.DataFrame, ceilings: Sequence[str]) -> list[dict[str, Any]]:
    """The ``across`` table as people read it: one board per target and condition, a row per method.

    Methods stand in the order of their mean UA over the experiments and all utterances, best first,
    the same in every condition of a target.

    Args:
        table: the ``across`` table
        ceilings: the methods that see the test labels, which stand last

    Returns:
        by target and condition: ``target``; ``condition``; ``utterances``, how many; ``within``, the experiment that
        the rest is compared with, or ``None``; ``experiments``, the rest, each with ``name`` and ``train``;
        and ``rows``, each with ``method``, ``ceiling``, ``within_UA`` and ``experiments``: ``UA``, ``drop``, ``low``
        and ``high`` of each
    """
    return [
        _board(str(target), str(condition), rows, order, ceilings)
        for target, of_target in table.groupby("target", sort=False)
        for order in [_order(of_target, ceilings)]
        for condition, rows in of_target.groupby("condition", sort=False)
    ]


def _order(rows: pd.DataFrame, ceilings: Sequence[str]) -> list[str]:
    mean = rows[rows["condition"] == ALL].groupby("method")["UA"].mean()
    return sorted(mean.index, key=lambda method: (method in ceilings, -mean[method], method))


def _board(
    target: str, condition: str, rows: pd.DataFrame, order: Sequence[str], ceilings: Sequence[str]
) -> dict[str, Any]:
    experiments = rows.drop_duplicates("experiment").set_index("experiment")
    is_reference = experiments["within_UA"].notna() & experiments["drop"].isna()
    compared = experiments.index[~is_reference]
    values = rows.set_index(["method", "experiment"])
    return {
        "target": target,
        "condition": condition,
        "utterances": int(rows["utterances"].iloc[0]),
        "within": next(iter(experiments.index[is_reference]), None),
        "experiments": [{"name": name, "train": experiments.at[name, "train"]} for name in compared],
        "rows": [
            {
                "method": method,
                "ceiling": method in ceilings,
                "within_UA": values.loc[method, "within_UA"].iloc[0],
                "experiments": [
                    values.loc[(method, name), ["UA", "drop", "low", "high"]].to_dict() for name in compared
                ],
            }
            for method in order
        ],
    }


def leaderboard(table: pd.DataFrame, ceilings: Sequence[str], confidence: float, title: str) -> str:
    """The study's leaderboard as Markdown: a table per target and condition, and links to the experiments' own.

    Args:
        table: the ``across`` table
        ceilings: the methods that see the test labels
        confidence: of the intervals, between 0 and 1
        title: what stands above
    """
    lines = [f"# {in_markdown(title)}", ""]
    for board in boards(table, ceilings):
        about = f"{condition_name(board['condition'])}, {board['utterances']} utterances"
        lines += [f"## Tested on {in_markdown(board['target'])}: {in_markdown(about)}", ""]
        heads = ["method", *([] if board["within"] is None else [f"within: {_link(board['within'])}"])]
        for experiment in board["experiments"]:
            heads += [f"trained on {in_markdown(experiment['train'])}: {_link(experiment['name'])}"]
            heads += [] if board["within"] is None else ["drop", interval_name(confidence)]
        lines += [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
        lines += [f"| {' | '.join(_cells(row, board['within'] is not None))} |" for row in board["rows"]]
        lines.append("")
    return "\n".join(lines)


def _link(experiment: str) -> str:
    return f"[{in_markdown(experiment)}]({experiment}/leaderboard.md)"


def _cells(row: Mapping[str, Any], is_compared: bool) -> list[str]:
    """A method's row in Markdown; what is missing is left empty."""
    cells = [in_markdown(row["method"]) + (" (ceiling: sees the labels)" if row["ceiling"] else "")]
    cells += [f"{row['within_UA']:.4f}"] if is_compared else []
    for values in row["experiments"]:
        cells.append(f"{values['UA']:.4f}")
        if is_compared:
            cells.append(signed(values["drop"], 4))
            missing = pd.isna(values["low"])
            cells.append("" if missing else f"{signed(values['low'], 4)} … {signed(values['high'], 4)}")
    return cells
