"""Who trains, who validates and who tests: from utterances to folds.

A protocol is one function that is marked as such: it takes the `utterances` table of one corpus, or those of a source
and a target, and yields folds. Parameters that are given by keyword only are its configuration.
It yields lazily, so that to name the folds of a large corpus is cheap.

No speaker is in two splits of a fold, and a fold is named after what it tests.
No validation utterance comes from the test: on IEMOCAP that alone lifts published results by 3 to 5 points.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from emofuse.parts import should_be_one_of
from emofuse.tables import EMOTIONS, SPLITS, InputError, Problem, Problems

log = logging.getLogger(__name__)

Rows = npt.NDArray[np.bool_]


class Fold(NamedTuple):
    """Who trains, who validates and who tests.

    Attributes:
        name: what it tests
        train: (utterances,) whether a row of the table trains; rows of two corpora are those of the source, then those
            of the target
        validation: whether it validates
        test: whether it tests
    """

    name: str
    train: Rows
    validation: Rows
    test: Rows


Protocol = Callable[..., Iterator[Fold]]


def protocol(function: Protocol) -> Protocol:
    """Mark a function as a protocol that a config may name."""
    return function


# --- Protocols -------------------------------------------------------------------------------------------------------


@protocol
def leave_one_speaker_out(utterances: pd.DataFrame) -> Iterator[Fold]:
    """Test each speaker once, and validate on the other speaker of the same session (the protocol of arXiv 2508.20796).

    In a session of more speakers the next one by name validates, after the last the first;
    where nobody shares a session with the test speaker, the next speaker of the corpus does.
    The rest train. A fold is named after its test speaker.

    Raises:
        InputError: if there are fewer than three speakers
    """
    speakers = sorted(set(utterances["speaker"]))
    _check_number(speakers, 3, "speaker", utterances)
    sessions = _each_with_all(utterances, "speaker", "session")
    by_session = _each_with_all(utterances, "session", "speaker")
    group = utterances["speaker"].astype("category")  # compared by number, not letter by letter
    for speaker in speakers:
        mates = sorted(set().union(*(by_session[session] for session in sessions[speaker])))
        validation = _next(speaker, mates if len(mates) > 1 else speakers)
        yield _held_out(group, speaker, validation)


@protocol
def leave_one_session_out(utterances: pd.DataFrame) -> Iterator[Fold]:
    """Test each session once, validate on the next by name (after the last the first), and train on the rest.

    A fold is named after its test session.

    Raises:
        InputError: if there are fewer than three sessions, or with every speaker who is in several
    """
    sessions = sorted(set(utterances["session"]))
    _check_number(sessions, 3, "session", utterances)
    several: Problems = [
        f"{_corpus(utterances)}: speaker {speaker!r} is in sessions {', '.join(sorted(of))}; should be in one"
        for speaker, of in _each_with_all(utterances, "speaker", "session").items()
        if len(of) > 1
    ]
    if several:
        raise InputError(several)
    group = utterances["session"].astype("category")
    for session in sessions:
        yield _held_out(group, session, _next(session, sessions))


@protocol
def cross_corpus(source: pd.DataFrame, target: pd.DataFrame) -> Iterator[Fold]:
    """Train on one corpus and test on all of another.

    The speakers of the source's last session by name validate;
    where these are all of its speakers, the last speaker by name does.
    There is one fold, which is named after the target.

    Raises:
        InputError: if the source has fewer than two speakers
    """
    speakers = sorted(set(source["speaker"]))
    _check_number(speakers, 2, "speaker", source)
    validate = set(source.loc[source["session"] == source["session"].max(), "speaker"])
    if len(validate) == len(speakers):
        validate = {speakers[-1]}
    validation = np.append(source["speaker"].isin(validate), np.zeros(len(target), dtype=bool))
    test = np.arange(len(source) + len(target)) >= len(source)
    yield Fold(_corpus(target), ~validation & ~test, validation, test)


def _each_with_all(utterances: pd.DataFrame, of: str, what: str) -> dict[str, set[str]]:
    """Of each value of one column, the values of another."""
    return {name: set(values) for name, values in utterances.groupby(of)[what]}


def _next(name: str, names: Sequence[str]) -> str:
    """The name after ``name`` in a circle."""
    return names[(names.index(name) + 1) % len(names)]


def _held_out(group: pd.Series, test: str, validation: str) -> Fold:
    """One group tests, one validates, and the rest train."""
    tests, validates = (group == test).to_numpy(dtype=bool), (group == validation).to_numpy(dtype=bool)
    return Fold(test, ~(tests | validates), validates, tests)


def _corpus(utterances: pd.DataFrame) -> str:
    return " + ".join(sorted(set(utterances["corpus"])))


def _check_number(names: Sequence[str], least: int, noun: str, utterances: pd.DataFrame) -> None:
    if len(names) < least:
        problem: Problem = (
            f"{_corpus(utterances)}: has {len(names)} {noun}{'' if len(names) == 1 else 's'} "
            f"({', '.join(names) or 'none'}); should have {least} or more"
        )
        raise InputError([problem])


# --- Folds -----------------------------------------------------------------------------------------------------------


def fold_names(
    protocol: Protocol, source: pd.DataFrame, target: pd.DataFrame | None = None, **parameters: Any
) -> list[str]:
    """The names of all folds of a protocol, sorted.

    Args:
        protocol: a function that is marked as one
        source: an `utterances` table
        target: that of the other corpus, if the protocol takes two
        parameters: the protocol's

    Raises:
        InputError: if both corpora name an utterance, and as the protocol does
    """
    return sorted(fold.name for fold in protocol(*_corpora(source, target), **parameters))


def folds(
    protocol: Protocol,
    source: pd.DataFrame,
    target: pd.DataFrame | None = None,
    only: Sequence[str] | None = None,
    **parameters: Any,
) -> pd.DataFrame:
    """The folds of an experiment.

    Args:
        protocol: a function that is marked as one
        source: an `utterances` table
        target: that of the other corpus, if the protocol takes two
        only: the folds that are wanted; no other is built; ``None`` for all
        parameters: the protocol's

    Returns:
        the `folds` table: each utterance once per fold that it is in, sorted by fold, split and utterance

    Raises:
        InputError: if both corpora name an utterance, with every name of ``only`` that is no fold,
            and as the protocol does
    """
    corpora = _corpora(source, target)
    utterances = pd.concat(corpora, ignore_index=True)
    names: set[str] = set()
    wanted: dict[str, Fold] = {}
    problems: Problems = []
    for fold in protocol(*corpora, **parameters):
        if fold.name in names:
            problems.append(f"fold {fold.name}: appears twice; should appear once")
        names.add(fold.name)
        if only is None or fold.name in only:
            wanted[fold.name] = fold
    problems += [
        f"{name!r} is no fold; {should_be_one_of(name, sorted(names))}" for name in only or [] if name not in names
    ]
    if problems:
        raise InputError(problems)
    return _table(utterances["utterance"], wanted)


def source_folds(protocol: Protocol, source: pd.DataFrame, **parameters: Any) -> pd.DataFrame:
    """Who trains and who validates, of the folds of a protocol that takes two corpora, whatever its target is.

    The protocol is asked with a target that has no utterance.
    So models can be made once for all targets; :func:`tested` checks that the protocol does not mind.

    Args:
        protocol: a function that is marked as one
        source: an `utterances` table, or several below each other
        parameters: the protocol's

    Returns:
        a `folds` table without test rows

    Raises:
        InputError: as the protocol does
    """
    return folds(protocol, source, source.iloc[:0], **parameters)


def tested(folds: pd.DataFrame, source: pd.DataFrame, only: Sequence[str]) -> pd.DataFrame:
    """The test rows of folds whose models were made of the source alone.

    Args:
        folds: of an experiment
        source: what :func:`source_folds` returned
        only: the folds that are wanted

    Returns:
        rows of ``folds``, in their order

    Raises:
        InputError: naming each fold that trains or validates on other utterances than the models did
    """
    problems: Problems = []
    rows = {name: part for name, part in folds.groupby("fold")}
    made = {name: part for name, part in source.groupby("fold")}
    for name in only:
        own = rows[name][rows[name]["split"] != "test"].reset_index(drop=True)
        if name not in made or not own.equals(made[name].reset_index(drop=True)):
            problems.append(
                f"fold {name}: trains or validates on other utterances where the target has none; "
                "a protocol that takes two corpora should train and validate on the source alone"
            )
    if problems:
        raise InputError(problems)
    return folds[folds["fold"].isin(only) & folds["split"].eq("test")]


def check(folds: pd.DataFrame, utterances: pd.DataFrame, splits: Sequence[str] = SPLITS) -> None:
    """Check that each fold can be trained, validated and tested, and log what validation and test lack.

    Args:
        folds: a table with a fold, a split and an utterance per row
        utterances: the `utterances` table, of both corpora if there are two
        splits: that each fold should have

    Raises:
        InputError: with every speaker in two splits of a fold, every training split that lacks an emotion,
            and every other split that is empty
    """
    problems: Problems = []
    # Speakers of two corpora are different people, whatever their names.
    person = folds[["utterance"]].merge(utterances, on="utterance", how="left")[["corpus", "speaker"]]
    of_speaker = folds[["fold", "split"]].reset_index(drop=True).join(person).drop_duplicates()
    for (fold, _, speaker), count in of_speaker.groupby(["fold", "corpus", "speaker"]).size().items():
        if count > 1:
            problems.append(f"fold {fold}: speaker {speaker!r} is in two splits; should be in one")
    for fold, split, absent in _absent(folds, utterances, splits):
        if split == "train" or absent == EMOTIONS:
            right: Problem = "should have all four" if split == "train" else "should have some"
            problems.append(f"fold {fold}: {split} has no utterance that is {' or '.join(absent)}; {right}")
    if problems:
        raise InputError(problems)
    for problem in notes(folds, utterances, splits):
        log.warning("%s", problem)


def notes(folds: pd.DataFrame, utterances: pd.DataFrame, splits: Sequence[str] = SPLITS) -> Problems:
    """Say which emotions validation and test lack: they are judged on those that they have.

    Args:
        folds: as in :func:`check`, which they pass
        utterances: as in :func:`check`
        splits: as in :func:`check`
    """
    return [
        f"fold {fold}: {split} has no utterance that is {' or '.join(absent)}, and is judged on the other emotions"
        for fold, split, absent in _absent(folds, utterances, splits)
    ]


def _absent(
    folds: pd.DataFrame, utterances: pd.DataFrame, splits: Sequence[str]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each split of each fold that lacks emotions, and which."""
    emotion = folds["utterance"].map(utterances.set_index("utterance")["emotion"])
    present: Mapping[tuple[str, str], set[str]] = {
        place: set(values) for place, values in emotion.groupby([folds["fold"], folds["split"]])
    }
    for fold in folds["fold"].unique():
        for split in splits:
            absent = tuple(name for name in EMOTIONS if name not in present.get((fold, split), set()))
            if absent:
                yield fold, split, absent


def _corpora(source: pd.DataFrame, target: pd.DataFrame | None) -> list[pd.DataFrame]:
    """The tables that a protocol takes; its rows are their rows, one after the other."""
    if target is None:
        return [source]
    both = sorted(set(source["utterance"]) & set(target["utterance"]))
    if both:
        names = f"{_corpus(source)} and {_corpus(target)}"
        problems: Problems = [f"{names}: both have an utterance {name!r}; names should differ" for name in both]
        raise InputError(problems)
    return [source, target]


def _table(utterances: pd.Series, folds: Mapping[str, Fold]) -> pd.DataFrame:
    """The `folds` table; utterances are sorted once, and not per fold."""
    order = np.argsort(utterances.to_numpy(dtype=object), kind="stable")
    parts = [(folds[name], split) for name in sorted(folds) for split in SPLITS]
    rows = [order[np.asarray(getattr(fold, split), dtype=bool)[order]] for fold, split in parts]
    sizes = [len(part) for part in rows]
    return pd.DataFrame(
        {
            "fold": np.repeat([fold.name for fold, _ in parts], sizes),
            "split": np.repeat([split for _, split in parts], sizes),
            "utterance": utterances.to_numpy(dtype=object)[np.concatenate(rows)],
        }
    ).astype(str)
