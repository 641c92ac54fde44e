"""The scores that the paper's authors published, as a clone of their repository lays them out.

    Evaluation/Sentiment/twitter-XLM-roBERTa-base/sentiment_truths_IEMOCAP.csv    labels
    Merge/Predict Results/fold_0/test-predictions-raw.csv                         scores and transcripts

Wav2vec 2.0 probabilities, Whisper large-v3 transcripts and the sentiment of every IEMOCAP utterance, a folder per fold.
No audio is read.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from emofuse.corpora.base import COLUMNS, Case, Listing, Published, ScoresReader, grouped
from emofuse.parts import should_be_one_of
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, SPLITS, SUM_TOLERANCE, InputError, Problem, Problems

LABELS = "Evaluation/Sentiment/twitter-XLM-roBERTa-base/sentiment_truths_IEMOCAP.csv"
FOLDS = "Merge/Predict Results"
FILES = {"train": "train", "validation": "val", "test": "test"}

CONDITIONS = {"impro": "improvised", "script": "scripted"}
SCORES = ["0_Score", "1_Score", "2_Score", "3_Score"]
"""Their columns of the probabilities of angry, happy, neutral and sad."""


class Released(ScoresReader):
    """The scores that the paper's authors published, a clone of their repository.

    A fold is named after the speaker that it tests.
    Of the sentiment the authors published the label and its score only:
    the rest of the probability is spread evenly over the other two.
    When a turn began they did not publish: the number in its id stands for it.
    """

    layout: Problem = f"a clone of the authors' repository, which holds {LABELS} and {FOLDS}/fold_0 …"
    emotions: ClassVar[Mapping[str, str | None]] = {name[0].upper(): name for name in EMOTIONS}
    note = (
        "The authors published the sentiment's label and score only: "
        "the rest of the probability is spread evenly over the other two sentiments. "
        "When a turn began they did not publish. Its number stands for it, which counts each speaker's turns alone, "
        "so that the order between two speakers is approximate."
    )

    def is_at(self, path: Path) -> bool:
        """Whether the labels and a fold lie there."""
        return (path / LABELS).is_file() and bool(_folders(path))

    def watched(self, path: Path) -> list[Path]:
        """The files of labels and of scores."""
        files = [path / LABELS, *(folder / _file(split) for folder in _folders(path) for split in SPLITS)]
        return sorted(file for file in files if file.is_file())

    def read(self, path: Path) -> Listing:
        """List the utterances that have a label."""
        file = path / LABELS
        frame, problems = _read_csv(file, ["filename", "label", "speaker", "condition"])
        if frame is None:
            return Listing(pd.DataFrame(columns=COLUMNS), problems)
        session = frame["filename"].str.extract(r"^Ses(\d\d)", expand=False)
        cases = [
            *_not_one_of(frame, file, "filename", "condition", list(CONDITIONS)),
            *_wrong(session.isna(), frame, file, "filename", "filename", "should begin with Ses and two digits"),
        ]
        source = [f"{file}: line {row + 2}" for row in range(len(frame))]  # line 1 is the header
        utterances = pd.DataFrame(
            {
                "utterance": frame["filename"],
                "speaker": frame["speaker"],
                "session": "Session" + session.astype(float).astype("Int64").astype(str),
                "dialog": frame["filename"].str.rpartition("_")[0],
                "condition": frame["condition"].map(CONDITIONS),
                "path": "",
                "start": np.nan,
                "end": np.nan,
                "turn_start": frame["filename"].str.extract(r"_[FM](\d{3})$", expand=False),
                "label": frame["label"],
                "reference": None,
                "source": source,
            },
            columns=COLUMNS,
        )
        return Listing(utterances, problems + grouped(cases, path))

    def folds(self, path: Path) -> list[str]:
        """The speakers that the folds test, sorted."""
        folders, unnamed = _folds(path, self._speakers(path))
        if unnamed:
            raise InputError(unnamed)
        return sorted(folders)

    def read_published(self, path: Path, folds: Sequence[str] | None = None) -> Published:
        """Read the scores and transcripts of folds.

        Every fold holds every labelled utterance once, so that a file that was cut at a line's end is noticed.

        Args:
            path: a clone of the authors' repository
            folds: which folds are read; ``None`` for all

        Returns:
            scores sorted by fold, split and utterance, transcripts by utterance

        Raises:
            InputError: with every problem of every file: missing, cut off, unreadable, a missing column, an unknown
                sentiment, an id that appears twice or in two splits of a fold, is missing from a fold or has no label,
                a speaker on both sides, probabilities that are none, a transcript that differs between folds,
                a fold that is not published, a folder that is no fold
        """
        speakers = self._speakers(path)
        folders, unnamed = _folds(path, speakers)
        unknown: Problems = [
            f"{name!r} is no fold; {should_be_one_of(name, sorted(folders))}"
            for name in folds or []
            if name not in folders
        ]
        if unknown:
            raise InputError(unnamed + unknown)
        cases: list[Case] = []
        problems = [] if folds else unnamed
        parts: list[pd.DataFrame] = []
        for name, folder in folders.items():
            if folds is None or name in folds:
                read = {split: _read_split(folder / _file(split), cases, problems) for split in FILES}
                of_fold = [part.assign(fold=name, split=split) for split, part in read.items() if part is not None]
                parts += of_fold
                if len(of_fold) == len(read):  # else an utterance may be in the file that cannot be read
                    cases += _missing(pd.concat(of_fold)["utterance"], speakers, folder)
        if parts:
            table = pd.concat(parts, ignore_index=True)
            cases += _misplaced(table, speakers)
        problems += grouped(cases, path)
        if problems:
            raise InputError(problems)
        table = table.sort_values(["fold", "split", "utterance"], key=_split_order, ignore_index=True)
        words = table.drop_duplicates("utterance").sort_values("utterance", ignore_index=True)
        transcripts = words[["utterance", "text"]].assign(mean_log_probability=np.nan, no_speech_probability=np.nan)
        return Published(table[["fold", "split", "utterance", *SPEECH, *SENTIMENT]], transcripts)

    def _speakers(self, path: Path) -> pd.Series:
        """The speaker of each labelled utterance."""
        listing = self.read(path)
        if listing.problems:
            raise InputError(listing.problems)
        return listing.utterances.drop_duplicates("utterance").set_index("utterance")["speaker"]


def _file(split: str) -> str:
    return f"{FILES[split]}-predictions-raw.csv"


def _folders(root: Path) -> list[Path]:
    """The folders of folds, in the order of their numbers, and others that begin like them."""
    return sorted(filter(Path.is_dir, (root / FOLDS).glob("fold_*")), key=_fold_number)


def _fold_number(folder: Path) -> tuple[int, str]:
    number = folder.name.removeprefix("fold_")
    return (int(number) if number.isdecimal() else 0, folder.name)


def _folds(root: Path, speakers: pd.Series) -> tuple[dict[str, Path], Problems]:
    """The folder of each fold by the fold's name, the speaker whom most of its test rows are of; and what is wrong."""
    problems: Problems = []
    folders: dict[str, Path] = {}
    for folder in _folders(root):
        if not folder.name.removeprefix("fold_").isdecimal():
            right: Problem = "should be named fold_ and a number, or, as a copy of one, lie elsewhere"
            problems.append(f"{folder}: is no fold; {right}")
            continue
        file = folder / _file("test")
        frame, unreadable = _read_csv(file, ["ID"])
        if frame is None:
            problems += unreadable
            continue
        tested = speakers.reindex(frame["ID"]).value_counts()
        name = min(tested[tested == tested.max()].index, default=None)
        if len(tested) != 1:
            has = ", ".join(f"{speaker} ({rows} rows)" for speaker, rows in sorted(tested.items()))
            problem: Problem = f"{has or 'none whose label is known'}; should be one, after whom the fold is named"
            problems.append(f"{file}: speakers are {problem}")
        if name in folders:
            problems.append(f"{file}: tests {name}, as {folders[name].name} does; should be another speaker")
        elif name is not None:
            folders[name] = folder
    if not folders and not problems:
        problems.append(f"{root / FOLDS}: no folder fold_K; should hold the folds of the authors' repository")
    return folders, problems


def _split_order(values: pd.Series) -> pd.Series:
    return values.map(SPLITS.index) if values.name == "split" else values


class _Csv(NamedTuple):
    frame: pd.DataFrame | None
    problems: Problems


def _read_csv(path: Path, columns: list[str]) -> _Csv:
    """A table of texts that has these columns, or why there is none.

    A row is a line: the authors' files hold no line break within a row, so that a quotation mark that stays open
    swallows no row, and a last line without an end has been cut.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        return _Csv(None, [f"{path}: no such file"])
    except (OSError, ValueError) as error:
        return _Csv(None, [f"{path}: cannot be read as CSV ({error})"])
    cases: list[Case] = []
    rows: list[list[str] | None] = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            rows += csv.reader([line.removesuffix("\r")], strict=True)
        except csv.Error as error:
            problem: Problem = f"should be a row by itself, each quotation mark closed in it ({error})"
            cases.append(Case(problem, f"{path}: line {number}: {problem}"))
            rows.append(None)
    if lines[-1]:
        problem = "does not end, as all lines should; the file has been cut off"
        cases.append(Case(problem, f"{path}: line {len(lines)}: {problem}"))
    header, *rows = rows or [None]
    for number, row in enumerate(rows, 2):
        if header and row is not None and len(row) != len(header):
            problem = f"should have {len(header)} fields, as the first line has"
            cases.append(Case(problem, f"{path}: line {number}: has {len(row)}; {problem}"))
    problems = grouped(cases, path)
    if header:
        problems += [
            f"{path}: column {name!r} {'is missing' if name not in header else 'appears twice'}; has "
            + ", ".join(header)
            for name in columns
            if header.count(name) != 1
        ]
    if not rows and not problems:
        problems.append(f"{path}: {'has a header alone' if header else 'is empty'}; should have a row per utterance")
    return _Csv(None if problems else pd.DataFrame(rows, columns=header), problems)


def _wrong(
    is_wrong: pd.Series | np.ndarray, frame: pd.DataFrame, path: Path, name: str, column: str, right: Problem
) -> list[Case]:
    """Rows whose value is wrong; each is named by its line and by its value of ``name``."""
    return [
        Case(
            f"{column}: {right}",
            f"{path}: line {row + 2} ({frame[name][row]}): {column} is {frame[column][row]!r}; {right}",
        )
        for row in np.flatnonzero(is_wrong)
    ]


def _not_one_of(frame: pd.DataFrame, path: Path, name: str, column: str, known: list[str]) -> list[Case]:
    return _wrong(~frame[column].isin(known), frame, path, name, column, f"should be one of {', '.join(known)}")


def _read_split(path: Path, cases: list[Case], problems: Problems) -> pd.DataFrame | None:
    """The ids, scores and transcripts of a file, each with its ``source``; adds to what is wrong."""
    frame, unreadable = _read_csv(path, ["ID", "transcription", "sentiment", "sentiment_score", *SCORES])
    if frame is None:
        problems += unreadable
        return None
    cases += _not_one_of(frame, path, "ID", "sentiment", list(SENTIMENTS))
    numbers = frame[[*SCORES, "sentiment_score"]].apply(pd.to_numeric, errors="coerce")
    is_probability = numbers.apply(lambda values: values.between(0, 1))
    for column in numbers:
        right: Problem = "should be a probability between 0 and 1"
        cases += _wrong(~is_probability[column], frame, path, "ID", column, right)
    score = numbers["sentiment_score"]
    too_low = is_probability["sentiment_score"] & (score < 1 / len(SENTIMENTS) - SUM_TOLERANCE)
    cases += _wrong(too_low, frame, path, "ID", "sentiment_score", "the largest of three should be at least 1/3")
    total = numbers[SCORES].sum(axis=1)
    for row in np.flatnonzero(is_probability[SCORES].all(axis=1) & ((total - 1).abs() > SUM_TOLERANCE)):
        problem: Problem = f"{SCORES[0]} … {SCORES[-1]} sum to {total[row]:.4f}; should be 1 within {SUM_TOLERANCE:g}"
        cases.append(Case("sum of scores", f"{path}: line {row + 2} ({frame['ID'][row]}): {problem}"))

    said = frame["sentiment"].to_numpy()
    sentiment = {
        name: np.where(said == label, score, (1 - score) / 2) for name, label in zip(SENTIMENT, SENTIMENTS, strict=True)
    }
    return pd.DataFrame(
        {"utterance": frame["ID"]}
        | {name: numbers[column] for name, column in zip(SPEECH, SCORES, strict=True)}
        | sentiment
        | {
            "text": frame["transcription"].str.strip(),
            "source": [f"{path}: line {row + 2}" for row in range(len(frame))],
        }
    )


def _misplaced(table: pd.DataFrame, speakers: pd.Series) -> list[Case]:
    """Rows that contradict others: of the labels, of the same fold, or, by their words, of another."""
    cases: list[Case] = []

    def add(rows: pd.DataFrame, kind: Problem) -> None:
        cases.extend(Case(kind, f"{row.source} ({row.utterance}): {kind}") for row in rows.itertuples())

    add(table[~table["utterance"].isin(speakers.index)], f"has no label in {LABELS}")

    by_place = table.groupby(["fold", "utterance"], sort=False)
    first_split = by_place["split"].transform("first")
    is_again = table.duplicated(["fold", "utterance"])
    add(table[is_again & (table["split"] == first_split)], "appears in this file already")
    for split, rows in table[is_again & (table["split"] != first_split)].groupby(first_split, sort=False):
        add(rows, f"is in {_file(str(split))} too; should be in one split of a fold")

    first = table.drop_duplicates("utterance").set_index("utterance")
    differs = table["text"] != first["text"].reindex(table["utterance"]).to_numpy()
    add(table[differs], "has another transcription in another fold; should be the same in all")

    speaker = table["utterance"].map(speakers)
    is_of_another = (table["split"] == "test") & speaker.notna() & (speaker != table["fold"])
    add(table[is_of_another], "should be of the speaker whom the other rows test and after whom the fold is named")

    by_speaker = table.assign(speaker=speaker).groupby(["fold", "speaker"], sort=False)
    home = by_speaker["split"].transform(lambda splits: splits.mode()[0])
    astray = home.notna() & (table["split"] != home) & ~is_again
    for split, rows in table[astray].groupby(home, sort=False):
        add(rows, f"its speaker is in {_file(str(split))} too; should be in one split of a fold")
    return cases


def _missing(utterances: pd.Series, speakers: pd.Series, folder: Path) -> list[Case]:
    """Labelled utterances that a fold lacks."""
    missing: Problem = f"is missing; should be in one of a fold's files, as all utterances of {LABELS}"
    return [Case(missing, f"{folder}: {name} {missing}") for name in speakers.index.difference(utterances)]
