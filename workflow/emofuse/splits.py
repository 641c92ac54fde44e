"""Who trains, who validates and who tests: from utterances to folds.

No speaker is in two splits of a fold, and a fold is named after what it tests.
Validation is never taken from the test: on IEMOCAP that alone lifts published results by 3 to 5 points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from emofuse.tables import EMOTIONS, SPLITS, InputError

Part = tuple[str, str, pd.DataFrame]
"""A fold, a split, and its utterances."""


def leave_one_speaker_out(utterances: pd.DataFrame) -> pd.DataFrame:
    """Test each speaker once, and validate on the other speaker of the same session (the protocol of arXiv 2508.20796).

    In a session of more speakers the next one by name validates, after the last the first;
    where nobody shares a session with the test speaker, the next speaker of the corpus does.
    All others train.

    Args:
        utterances: the `utterances` table

    Returns:
        the `folds` table; a fold is named after its test speaker

    Raises:
        InputError: if there are fewer than three speakers, or with every split of every fold that lacks an emotion
    """
    speakers = sorted(set(utterances["speaker"]))
    _check_number(speakers, 3, "speaker", utterances)
    sessions = utterances.groupby("speaker")["session"].agg(set)
    parts: list[Part] = []
    for speaker in speakers:
        mates = [other for other in speakers if sessions[other] & sessions[speaker]]
        validation = _next(speaker, mates if len(mates) > 1 else speakers)
        parts += _parts(speaker, utterances, utterances["speaker"], speaker, validation)
    return _table(parts)


def leave_one_session_out(utterances: pd.DataFrame) -> pd.DataFrame:
    """Test each session once, validate on the next by name (after the last the first), and train on all others.

    Args:
        utterances: the `utterances` table

    Returns:
        the `folds` table; a fold is named after its test session

    Raises:
        InputError: if there are fewer than three sessions, with every speaker who is in several,
            or with every split of every fold that lacks an emotion
    """
    sessions = sorted(set(utterances["session"]))
    _check_number(sessions, 3, "session", utterances)
    shared = {speaker: sorted(set(of)) for speaker, of in utterances.groupby("speaker")["session"]}
    several = [
        f"{_corpus(utterances)}: speaker {speaker!r} is in sessions {', '.join(of)}; should be in one"
        for speaker, of in shared.items()
        if len(of) > 1
    ]
    if several:
        raise InputError(several)
    return _table(
        part
        for session in sessions
        for part in _parts(session, utterances, utterances["session"], session, _next(session, sessions))
    )


def cross_corpus(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Train on one corpus and test on all of another.

    The speakers of the training corpus's last session by name validate;
    where these are all of its speakers, the last speaker by name does.
    Speakers of the two corpora are different people, whatever their names.

    Args:
        train: the `utterances` table of the corpus to train and validate on
        test: that of the corpus to test on

    Returns:
        the `folds` table, with one fold, which is named after the test corpus

    Raises:
        InputError: if the training corpus has fewer than two speakers, with every utterance that both corpora name,
            or with every split that lacks an emotion
    """
    speakers = sorted(set(train["speaker"]))
    _check_number(speakers, 2, "speaker", train)
    both = sorted(set(train["utterance"]) & set(test["utterance"]))
    if both:
        names = f"{_corpus(train)} and {_corpus(test)}"
        raise InputError([f"{names}: both have an utterance {name!r}; names should differ" for name in both])
    held = set(train.loc[train["session"] == train["session"].max(), "speaker"])
    if len(held) == len(speakers):
        held = {speakers[-1]}
    validates = train["speaker"].isin(held)
    fold = _corpus(test)
    return _table([(fold, "train", train[~validates]), (fold, "validation", train[validates]), (fold, "test", test)])


WITHIN = {"leave_one_speaker_out": leave_one_speaker_out, "leave_one_session_out": leave_one_session_out}
"""The protocols that train and test on one corpus."""

PROTOCOLS = (*WITHIN, "cross_corpus")


def folds(protocol: str, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """The folds of an experiment.

    Args:
        protocol: a name of :data:`PROTOCOLS`
        train: the `utterances` table of the corpus to train on
        test: that of the corpus to test on; the same one unless the protocol is ``cross_corpus``

    Returns:
        the `folds` table: each utterance once per fold that it is in, sorted by fold, split and utterance

    Raises:
        InputError: if the protocol does not fit the two corpora, and as the protocol does
    """
    names = _corpus(train), _corpus(test)
    if protocol in WITHIN:
        if names[0] != names[1]:
            raise InputError([f"{protocol} takes one corpus, not {names[0]} and {names[1]}; should be cross_corpus"])
        return WITHIN[protocol](train)
    if names[0] == names[1]:
        raise InputError([f"cross_corpus takes two corpora, not {names[0]} twice; should be {' or '.join(WITHIN)}"])
    return cross_corpus(train, test)


def _next(name: str, names: Sequence[str]) -> str:
    """The name after ``name`` in a circle."""
    return names[(names.index(name) + 1) % len(names)]


def _corpus(utterances: pd.DataFrame) -> str:
    return " + ".join(sorted(set(utterances["corpus"])))


def _check_number(names: Sequence[str], least: int, what: str, utterances: pd.DataFrame) -> None:
    if len(names) < least:
        has = ", ".join(names) or "none"
        raise InputError([f"{_corpus(utterances)}: has {len(names)} {what}(s) ({has}); should have {least} or more"])


def _parts(fold: str, utterances: pd.DataFrame, group: pd.Series, test: str, validation: str) -> list[Part]:
    """One group tests, one validates, and the others train."""
    return [
        (fold, "train", utterances[~group.isin([test, validation])]),
        (fold, "validation", utterances[group == validation]),
        (fold, "test", utterances[group == test]),
    ]


def _table(parts: Iterable[Part]) -> pd.DataFrame:
    parts = list(parts)
    problems = []
    for fold, split, utterances in parts:
        missing = [emotion for emotion in EMOTIONS if emotion not in set(utterances["emotion"])]
        if missing:
            problems.append(
                f"fold {fold}: {split} has no utterance that is {' or '.join(missing)}; should have all four"
            )
    if problems:
        raise InputError(problems)
    table = pd.concat(
        utterances[["utterance"]].assign(fold=fold, split=pd.Categorical([split] * len(utterances), SPLITS))
        for fold, split, utterances in parts
    )
    table = table.sort_values(["fold", "split", "utterance"], ignore_index=True)
    return table.astype({"split": str})[["fold", "split", "utterance"]]
