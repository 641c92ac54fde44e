"""Who trains, who validates and who tests: from utterances to folds.

A protocol is one function that is marked as such: it takes the `utterances` table of one corpus, or those of a source
(one corpus or several) and a target, and yields folds. Its signature says which: a target with a default may be absent.
Parameters that are given by keyword only are its configuration; one that is marked :data:`FILE` names a list of folds.
It yields lazily, so that to name the folds of a large corpus is cheap.

No speaker is in two splits of a fold, unless an experiment allows it. A fold is named after what it tests;
across corpora, where each fold tests the same, after the session that validates.
No validation utterance comes from the test: on IEMOCAP that alone lifts published results by 3 to 5 points.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from emofuse import contracts, provenance, tables
from emofuse.parts import FILE, should_be_one_of
from emofuse.places import FOLDER_NAME, names_a_folder
from emofuse.tables import EMOTIONS, SPLITS, InputError, Problem, Problems

log = logging.getLogger(__name__)

Rows = npt.NDArray[np.bool_]


class Fold(NamedTuple):
    """Who trains, who validates and who tests.

    Attributes:
        name: what it tests, or validates on
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
    speakers = sorted(utterances["speaker"].unique())
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
    sessions = sorted(utterances["session"].unique())
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
    """Train on a source and test on all of a target; each session of the source validates once.

    All that the speakers of a session say validates, and the other speakers of the source train.
    Where the source has one session, each of its speakers validates once.
    A fold is named after the session (the speaker) that validates, of several source corpora after the corpus as well:
    `iemocap-Ses01`.

    Raises:
        InputError: if the source has fewer than two speakers, or with every session that all speakers are in
    """
    person = source.groupby(["corpus", "speaker"]).ngroup().to_numpy()  # speakers of two corpora are different people
    speakers = source.groupby(["corpus", "speaker"]).indices
    _check_number([speaker for _, speaker in speakers], 2, "speaker", source)
    sessions = source.groupby(["corpus", "session"]).indices
    units = sessions if len(sessions) > 1 else speakers
    is_pooled = source["corpus"].nunique() > 1
    rows = {f"{corpus}-{unit}" if is_pooled else unit: units[corpus, unit] for corpus, unit in units}
    of_all: Problems = [
        f"{_corpus(source)}: every speaker is in session {name!r}; should be one who is not, and trains"
        for name in rows
        if len(np.unique(person[rows[name]])) == len(speakers)
    ]
    if of_all:
        raise InputError(of_all)
    is_target = np.arange(len(source) + len(target)) >= len(source)
    for name in rows:
        validation = np.append(np.isin(person, person[rows[name]]), np.zeros(len(target), dtype=bool))
        yield Fold(name, ~validation & ~is_target, validation, is_target)


@protocol
def given(
    source: pd.DataFrame,
    target: pd.DataFrame | None = None,
    *,
    table: Annotated[
        str | None,
        FILE,
        Field(
            description="CSV or Parquet file under data_dir with columns fold, split and utterance; "
            "null for the columns fold and split of the manifests."
        ),
    ] = None,
) -> Iterator[Fold]:
    """Split as a list says, which somebody else has made: a table, or the corpora's own columns.

    Of two corpora, the source trains and validates, and the target tests. A manifest's rows without a fold are of one
    that is named `given`.
    Utterances that are listed and not used, since their emotion or audio cannot be, are left out (:func:`unknown`
    names those that no corpus has).

    Raises:
        InputError: with everything that is wrong with the list
    """
    utterances = source if target is None else pd.concat([source, target], ignore_index=True)
    rows = _own_columns(utterances) if table is None else read_list(table)
    row = pd.Index(utterances["utterance"]).get_indexer(rows["utterance"])
    rows = rows.assign(row=row)[row >= 0]
    if target is not None:
        is_wrong = (rows["row"] >= len(source)) != (rows["split"] == "test")
        problems: Problems = [
            f"{table or _corpus(utterances)}: fold {fold}: {split} has utterance {utterance!r} of "
            f"{utterances['corpus'].iat[at]}; should be in {'test' if at >= len(source) else 'train or validation'}"
            for fold, split, utterance, at in rows.loc[is_wrong, ["fold", "split", "utterance", "row"]].itertuples(
                index=False
            )
        ]
        if problems:
            raise InputError(problems)
    for fold, part in rows.groupby("fold"):
        split = np.full(len(utterances), "", dtype=object)
        split[part["row"]] = part["split"]
        yield Fold(str(fold), *(split == name for name in SPLITS))


def read_list(path: str | Path) -> pd.DataFrame:
    """Read a list of folds that somebody else has made: a CSV or Parquet file, whose other columns are not read.

    Returns:
        a `folds` table, in the order of the file

    Raises:
        InputError: with every row that has no fold or utterance, another split, or was there before
    """
    if Path(path).suffix == ".parquet":
        frame = tables.read_parquet(path)
    else:
        try:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except FileNotFoundError:
            raise InputError([f"{path}: no such file"]) from None
        except (OSError, ValueError) as error:
            raise InputError([f"{path}: cannot be read as CSV in UTF-8 ({error})"]) from None
    names = [name for name in contracts.FOLDS.columns if name in frame.columns]
    checked = tables.check(frame[names], contracts.FOLDS, path)
    problems: Problems = [
        f"{path}: fold is {name!r}; {FOLDER_NAME}" for name in checked["fold"].unique() if not names_a_folder(name)
    ]
    if problems:
        raise InputError(problems)
    return checked


def unknown(path: str | Path, labelled: Container[str]) -> Problems:
    """Say which utterances of a list no corpus has.

    Args:
        path: of the list, as :func:`read_list` takes it
        labelled: the names of all utterances of the experiment's corpora, whatever their emotion
    """
    listed = read_list(path)["utterance"]
    return [
        f"{path}: row {row}: utterance is {name!r}, which no corpus of the experiment has"
        for row, name in listed.drop_duplicates().items()
        if name not in labelled
    ]


def _own_columns(utterances: pd.DataFrame) -> pd.DataFrame:
    """The folds that the corpora's own columns give."""
    rows = utterances.loc[utterances["given_split"].notna(), ["given_fold", "given_split", "utterance"]]
    if rows.empty:
        problem: Problem = (
            f"{_corpus(utterances)}: has no column split; should be a manifest that has one, "
            "or the experiment's key table should name a list of folds"
        )
        raise InputError([problem])
    return rows.set_axis(["fold", "split", "utterance"], axis=1).fillna({"fold": "given"})


def _each_with_all(utterances: pd.DataFrame, of: str, what: str) -> dict[str, set[str]]:
    """Of each value of one column, the values of another."""
    return {name: set(values) for name, values in utterances[[of, what]].drop_duplicates().groupby(of)[what]}


def _next(name: str, names: Sequence[str]) -> str:
    """The name after ``name`` in a circle."""
    return names[(names.index(name) + 1) % len(names)]


def _held_out(group: pd.Series, test: str, validation: str) -> Fold:
    """One group tests, one validates, and the rest train."""
    tests, validates = (group == test).to_numpy(dtype=bool), (group == validation).to_numpy(dtype=bool)
    return Fold(test, ~(tests | validates), validates, tests)


def _corpus(utterances: pd.DataFrame) -> str:
    return " + ".join(sorted(utterances["corpus"].unique()))


def _check_number(names: Sequence[str], least: int, noun: str, utterances: pd.DataFrame) -> None:
    if len(names) < least:
        problem: Problem = (
            f"{_corpus(utterances)}: has {len(names)} {noun}{'' if len(names) == 1 else 's'} "
            f"({', '.join(names) or 'none'}); should have {least} or more"
        )
        raise InputError([problem])


# --- Folds -----------------------------------------------------------------------------------------------------------

Conditions = Mapping[str, Sequence[str] | None]
"""The conditions that ``train`` (and validation) is restricted to, and those that ``test`` is; ``None`` for all."""


class Plan(NamedTuple):
    """What is known of the folds of an experiment before their table is made.

    Attributes:
        names: of all folds of the protocol, sorted
        speakers: how many speakers train in each fold that is wanted
        notes: what a reader of the results should know, as :func:`check` returns it
    """

    names: list[str]
    speakers: dict[str, int]
    notes: Problems


def plan(
    protocol: Protocol,
    *corpora: pd.DataFrame,
    only: Sequence[str] | None = None,
    splits: Sequence[str] = SPLITS,
    conditions: Conditions | None = None,
    balance: int | None = None,
    speakers_may_repeat: bool = False,
    **parameters: Any,
) -> Plan:
    """Check the folds of an experiment one after the other, so that no more than one is held.

    Args:
        protocol: a function that is marked as one
        corpora: as in :func:`folds`
        only: the folds that are checked, whether they exist or not; ``None`` for all
        splits: those that should have utterances
        conditions: as in :func:`folds`
        balance: likewise
        speakers_may_repeat: likewise
        parameters: the protocol's

    Raises:
        InputError: as :func:`folds` and :func:`check`, but for names that are no fold
    """
    sides = _sides(corpora, conditions)
    utterances = pd.concat([side[["utterance", "condition", *GROUP]] for side in sides], ignore_index=True)
    group = utterances.groupby(list(GROUP)).ngroup().to_numpy()
    names: list[str] = []
    rows: list[tuple[str, str, int]] = []
    is_used = np.zeros(len(utterances), dtype=bool)
    every = _named_once(protocol(*sides, **parameters), names)
    for fold in _restricted(every, utterances, only, conditions, balance):
        for split in SPLITS:
            has = getattr(fold, split)
            rows += [(fold.name, split, number) for number in np.flatnonzero(np.bincount(group[has]))]
            is_used |= has
    groups = _with_names(pd.DataFrame(rows, columns=["fold", "split", "group"]), utterances)
    if not speakers_may_repeat:
        _check_speakers(groups)
    whole = pd.concat([corpus["corpus"] for corpus in corpora], ignore_index=True)
    notes = _check(groups, whole.value_counts(), utterances.loc[is_used, "corpus"].value_counts(), splits)
    people = groups[groups["split"] == "train"].drop_duplicates(["fold", "corpus", "speaker"])
    return Plan(sorted(names), {str(fold): int(count) for fold, count in people.groupby("fold").size().items()}, notes)


def fold_names(
    protocol: Protocol, *corpora: pd.DataFrame, conditions: Conditions | None = None, **parameters: Any
) -> list[str]:
    """The names of all folds of a protocol, sorted; arguments and errors as of :func:`plan`, which checks them too."""
    names: list[str] = []
    for _ in _named_once(protocol(*_sides(corpora, conditions), **parameters), names):
        pass
    return sorted(names)


def _named_once(folds: Iterator[Fold], names: list[str]) -> Iterator[Fold]:
    """The folds of a protocol, whose names are put into a list.

    Raises:
        InputError: after the last, with every name that two folds have
    """
    problems: Problems = []
    seen: set[str] = set()
    for fold in folds:
        if fold.name in seen:
            problems.append(f"fold {fold.name}: appears twice; should appear once")
        seen.add(fold.name)
        names.append(fold.name)
        yield fold
    if problems:
        raise InputError(problems)


def _restricted(
    folds: Iterator[Fold],
    utterances: pd.DataFrame,
    only: Sequence[str] | None,
    conditions: Conditions | None,
    balance: int | None,
) -> Iterator[Fold]:
    """The folds that are wanted, as the config restricts them, whatever their protocol."""
    trains, tests = (_is_of(utterances, conditions, side) for side in ("train", "test"))
    for fold in folds:
        if only is None or fold.name in only:
            train = fold.train & trains
            if balance is not None:
                train = _balanced(train, utterances, provenance.seed(balance, fold.name))
            yield Fold(fold.name, train, fold.validation & trains, fold.test & tests)


def folds(
    protocol: Protocol,
    *corpora: pd.DataFrame,
    only: Sequence[str] | None = None,
    conditions: Conditions | None = None,
    balance: int | None = None,
    speakers_may_repeat: bool = False,
    **parameters: Any,
) -> pd.DataFrame:
    """The folds of an experiment.

    Across corpora, utterances of the target are left out whose emotion the source does not have.

    Args:
        protocol: a function that is marked as one
        corpora: the `utterances` table of one corpus, or those of the sources and then that of the target
        only: the folds that are wanted; no other is built; ``None`` for all
        conditions: what each side is restricted to; ``None`` for all utterances
        balance: the seed by which each training corpus is cut to as many training utterances as the smallest has;
            ``None`` to use all. The same sources, fold and seed give the same utterances, whatever the target.
        speakers_may_repeat: whether a speaker may be in two splits of a fold
        parameters: the protocol's

    Returns:
        the `folds` table: each utterance once per fold that it is in, sorted by fold, split and utterance

    Raises:
        InputError: if two corpora name an utterance, with every condition that no corpus of its side has,
            every name of ``only`` that is no fold, every speaker in two splits of a fold, and as the protocol does
    """
    sides = _sides(corpora, conditions)
    utterances = pd.concat(sides, ignore_index=True)
    names: list[str] = []
    every = _named_once(protocol(*sides, **parameters), names)
    wanted = {fold.name: fold for fold in _restricted(every, utterances, only, conditions, balance)}
    problems: Problems = [
        f"{name!r} is no fold; {should_be_one_of(name, sorted(names))}" for name in only or [] if name not in names
    ]
    if problems:
        raise InputError(problems)
    table = _table(utterances["utterance"], wanted)
    if not speakers_may_repeat:
        check_speakers(table, utterances)
    return table


def source_folds(protocol: Protocol, *sources: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Who trains and who validates, of the folds of a protocol that takes two corpora, whatever its target is.

    The protocol is asked with a target that has no utterance.
    So models can be made once for all targets; :func:`tested` checks that the protocol does not mind.

    Args:
        protocol: a function that is marked as one
        sources: the `utterances` table of each source
        options: as :func:`folds` takes them; with conditions for training alone

    Returns:
        a `folds` table without test rows

    Raises:
        InputError: as :func:`folds`
    """
    return folds(protocol, *sources, sources[0].iloc[:0], **options)


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


def check_speakers(folds: pd.DataFrame, utterances: pd.DataFrame) -> None:
    """Check that nobody is in two splits of a fold.

    Args:
        folds: a table with a fold, a split and an utterance per row
        utterances: the `utterances` table, of all corpora below each other if there are several

    Raises:
        InputError: with every speaker in two splits of a fold
    """
    _check_speakers(_groups(folds, utterances))


def _check_speakers(groups: pd.DataFrame) -> None:
    problems: Problems = [
        f"fold {fold}: speaker {speaker!r} is in two splits; should be in one"
        for fold, speaker in _in_two_splits(groups)
    ]
    if problems:
        raise InputError(problems)


def check(folds: pd.DataFrame, utterances: pd.DataFrame, splits: Sequence[str] = SPLITS) -> Problems:
    """Check that each fold can be trained, validated and tested.

    Within a corpus, all four emotions should be trained. A fold that tests another corpus than it trains on
    should train all emotions that it validates on, and two or more of each corpus.

    Args:
        folds: as in :func:`check_speakers`
        utterances: likewise
        splits: that each fold should have; what models of several targets are made of has no test

    Returns:
        what a reader of the results should know, which is logged: which emotions are not trained, or neither validated
        nor tested, who is in two splits, and how many utterances are in no fold

    Raises:
        InputError: with every training split that lacks an emotion, and every other split that is empty
    """
    is_used = utterances["utterance"].isin(folds["utterance"])
    of_corpus, used = utterances["corpus"].value_counts(), utterances.loc[is_used, "corpus"].value_counts()
    return _check(_groups(folds, utterances), of_corpus, used, splits)


def _check(groups: pd.DataFrame, utterances: pd.Series, used: pd.Series, splits: Sequence[str]) -> Problems:
    """As :func:`check`, with the numbers of utterances, and of those that are in a fold, by corpus."""
    contents = _contents(groups)
    problems: Problems = []
    for fold, content in contents.items():
        wanted = content.trained | content.emotions["validation"] if content.is_cross else {*EMOTIONS}
        if absent := _listed(wanted - content.trained):
            right: Problem = "should have all that validation has" if content.is_cross else "should have all four"
            problems.append(f"fold {fold}: train has no utterance that is {absent}; {right}")
        problems += [
            f"fold {fold}: {split} has no utterance; should have some"
            for split in splits
            if split != "train" and not content.emotions[split]
        ]
        problems += [
            f"fold {fold}: all training utterances of {corpus} are {_listed(emotions)}; "
            "should be of two emotions or more"
            for corpus, emotions in content.of_corpus.items()
            if content.is_cross and len(emotions) == 1
        ]
    if problems:
        raise InputError(problems)
    notes = _notes(groups, contents, splits)
    for corpus, size in utterances.sort_index().items():
        if count := size - used.get(corpus, 0):
            notes.append(f"{corpus}: {count} of {size} utterances in no fold")
    for note in notes:
        log.warning("%s", note)
    return notes


def _notes(groups: pd.DataFrame, contents: Mapping[str, _Content], splits: Sequence[str]) -> Problems:
    """What a reader of the results should know of folds, each sentence once."""
    said: dict[Problem, list[str]] = {}
    for fold, content in contents.items():
        if absent := _listed({*EMOTIONS} - content.trained):
            problem: Problem = f"train has no utterance that is {absent}, and none is tested"
            said.setdefault(problem, []).append(fold)
        for split in splits:
            if absent := _listed(content.trained - content.emotions[split]):
                problem = f"{split} has no utterance that is {absent}, and is judged on the other emotions"
                said.setdefault(problem, []).append(fold)
    for fold, speaker in _in_two_splits(groups):
        problem = f"speaker {speaker!r} is in two splits, as the experiment allows"
        said.setdefault(problem, []).append(fold)
    return [f"{_named(of, len(contents))}: {problem}" for problem, of in said.items()]


class _Content(NamedTuple):
    """What a fold has.

    Attributes:
        emotions: those of each split
        of_corpus: those of each training corpus
        is_cross: whether no corpus trains that is tested
    """

    emotions: dict[str, set[str]]
    of_corpus: dict[str, set[str]]
    is_cross: bool

    @property
    def trained(self) -> set[str]:
        return self.emotions["train"]


GROUP = ("corpus", "speaker", "emotion")
"""What the utterances of a group have in common."""


def _groups(folds: pd.DataFrame, utterances: pd.DataFrame) -> pd.DataFrame:
    """Who is in which split of which fold, with which emotions: each combination once."""
    # Numbers, since folds may be long.
    group = utterances.groupby(list(GROUP)).ngroup().set_axis(utterances["utterance"])
    rows = folds[["fold", "split"]].assign(group=folds["utterance"].map(group)).drop_duplicates()
    return _with_names(rows, utterances)


def _with_names(rows: pd.DataFrame, utterances: pd.DataFrame) -> pd.DataFrame:
    """Rows with the values of their groups in place of their numbers."""
    of = list(GROUP)
    return rows.join(utterances[of].drop_duplicates().sort_values(of, ignore_index=True), on="group")


def _contents(groups: pd.DataFrame) -> dict[str, _Content]:
    """What each fold has, by its name."""
    contents = {}
    for fold, part in groups.groupby("fold"):
        emotions = {split: set(part.loc[part["split"] == split, "emotion"]) for split in SPLITS}
        train, test = (part[part["split"] == split] for split in ("train", "test"))
        of_corpus = {str(corpus): set(of) for corpus, of in train.groupby("corpus")["emotion"]}
        is_cross = bool(of_corpus) and of_corpus.keys().isdisjoint(test["corpus"])
        contents[str(fold)] = _Content(emotions, of_corpus, is_cross)
    return contents


def _in_two_splits(groups: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The fold and name of each speaker who is in two splits of it."""
    # Speakers of two corpora are different people, whatever their names.
    counts = groups.groupby(["fold", "corpus", "speaker"])["split"].nunique()
    for fold, _, speaker in counts.index[counts > 1]:
        yield str(fold), str(speaker)


def _listed(emotions: set[str]) -> str:
    """Emotions in words, in their order."""
    return " or ".join(name for name in EMOTIONS if name in emotions)


def _named(folds: Sequence[str], number: int) -> str:
    """Folds in words."""
    if len(folds) == number > 1:
        return "each fold"
    return f"fold{'s' if len(folds) > 1 else ''} {', '.join(folds)}"


def _sides(corpora: Sequence[pd.DataFrame], conditions: Conditions | None) -> list[pd.DataFrame]:
    """The tables that a protocol takes: one, or a source and a target; its rows are theirs, one after the other."""
    both = pd.concat([frame[["utterance", "corpus"]] for frame in corpora], ignore_index=True)
    repeated = both[both["utterance"].duplicated(keep=False)].groupby("utterance")["corpus"]
    problems: Problems = [
        f"{' and '.join(names)}: both have an utterance {name!r}; names should differ" for name, names in repeated
    ]
    if problems:
        raise InputError(problems)
    *sources, target = corpora
    if not sources:
        _check_conditions([target, target], conditions)
        used = _is_of(target, conditions, "train") | _is_of(target, conditions, "test")
        return [target[used]]
    source = pd.concat(sources, ignore_index=True)
    _check_conditions([source, target], conditions)
    source = source[_is_of(source, conditions, "train")]
    return [source, target[_is_of(target, conditions, "test") & target["emotion"].isin(source["emotion"])]]


def _check_conditions(sides: Sequence[pd.DataFrame], conditions: Conditions | None) -> None:
    problems: Problems = []
    for side, utterances in zip(("train", "test"), sides, strict=True):
        names = (conditions or {}).get(side) or []
        known = sorted(set(utterances["condition"]) - {""}) if names else []
        for name in names if len(utterances) else []:  # models may be made without a target
            if name not in known:
                right: Problem = should_be_one_of(name, known) if known else "its utterances have none"
                problems.append(f"conditions: {name!r} is no condition of {_corpus(utterances)}; {right}")
    if problems:
        raise InputError(list(dict.fromkeys(problems)))


def _is_of(utterances: pd.DataFrame, conditions: Conditions | None, side: str) -> Rows:
    """Which utterances are of the conditions of a side."""
    names = (conditions or {}).get(side)
    return np.ones(len(utterances), dtype=bool) if names is None else utterances["condition"].isin(names).to_numpy()


def _balanced(train: Rows, utterances: pd.DataFrame, seed: int) -> Rows:
    """As many training utterances of each corpus as the smallest has, drawn by their names."""
    names = utterances.loc[train, ["corpus", "utterance"]].sort_values("utterance")
    by_corpus = names.groupby("corpus").indices
    size = min(map(len, by_corpus.values()), default=0)
    drawn = [
        names.index[np.random.default_rng(provenance.seed(seed, corpus)).permutation(rows)[:size]]
        for corpus, rows in by_corpus.items()
    ]
    return utterances.index.isin(np.concatenate(drawn)) if drawn else train


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
