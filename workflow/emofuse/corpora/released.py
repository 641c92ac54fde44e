"""The scores that the paper's authors published, as a clone of their repository lays them out.

Wav2vec 2.0 probabilities, Whisper large-v3 transcripts and the sentiment of every IEMOCAP utterance, a folder a fold.
Such a corpus enters a study as a table of scores: no audio is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emofuse.tables import SUM_TOLERANCE
from emofuse.tables import EMOTIONS, SENTIMENT, SENTIMENTS, SPEECH, SPLITS, InputError

LABELS = "Evaluation/Sentiment/twitter-XLM-roBERTa-base/sentiment_truths_IEMOCAP.csv"
FOLDS = "Merge/Predict Results"
FILES = {"train": "train", "validation": "val", "test": "test"}

EMOTION_OF_LETTER = {name[0].upper(): name for name in EMOTIONS}
CONDITIONS = {"impro": "improvised", "script": "scripted"}
SCORES = ["0_Score", "1_Score", "2_Score", "3_Score"]
"""Their columns of the probabilities of angry, happy, neutral and sad."""

Problems = list[str]


def read_scores(root: str | Path) -> pd.DataFrame:
    """Read every fold that is present.

    A fold is named after the speaker that it tests.
    Of the sentiment the authors published the label and its score only:
    the rest of the probability is spread evenly over the other two.

    Args:
        root: a clone of the authors' repository

    Returns:
        the `scores` table

    Raises:
        InputError: with every problem of every file: missing, unreadable, a missing column, an unknown label or
            sentiment, an id that appears twice or in two splits of a fold or has no label,
            probabilities that are none, a fold or split without one of the emotions
    """
    root = Path(root)
    problems: Problems = []
    labels = _read_labels(root / LABELS, problems)
    folders = sorted((root / FOLDS).glob("fold_*"), key=_fold_number)
    if not folders:
        problems.append(f"{root / FOLDS}: no folder fold_K; should hold the folds of the authors' repository")
    folds = [_read_fold(folder, labels, problems) for folder in folders]
    if problems:
        raise InputError(problems)
    scores = pd.concat(folds, ignore_index=True)
    return scores.sort_values(["fold", "split", "utterance"], key=_split_order, ignore_index=True)


def files(root: str | Path) -> list[Path]:
    """The files that :func:`read_scores` reads, those that should be there included.

    Args:
        root: a clone of the authors' repository
    """
    root = Path(root)
    folders = sorted((root / FOLDS).glob("fold_*"), key=_fold_number)
    return [root / LABELS, *(folder / f"{name}-predictions-raw.csv" for folder in folders for name in FILES.values())]


def _fold_number(folder: Path) -> tuple[int, str]:
    number = folder.name.removeprefix("fold_")
    return (int(number) if number.isdecimal() else 0, folder.name)


def _split_order(values: pd.Series) -> pd.Series:
    return values.map(SPLITS.index) if values.name == "split" else values


def _read_csv(path: Path, columns: list[str], problems: Problems) -> pd.DataFrame | None:
    try:
        # Ids and words stay text: an utterance may well say "None" or "NA".
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        problems.append(f"{path}: no such file")
        return None
    except (OSError, ValueError) as error:
        problems.append(f"{path}: cannot be read as CSV ({error})")
        return None
    missing = [column for column in columns if column not in frame.columns]
    problems += [f"{path}: column {name!r} is missing; has {', '.join(frame.columns)}" for name in missing]
    return None if missing else frame


def _where(path: Path, row: int, utterance: str) -> str:
    return f"{path}: line {row + 2} ({utterance})"  # line 1 is the header


def _check_known(
    frame: pd.DataFrame, path: Path, id_column: str, column: str, known: list[str], problems: Problems
) -> None:
    for row in np.flatnonzero(~frame[column].isin(known)):
        at = _where(path, row, frame[id_column][row])
        problems.append(f"{at}: {column} is {frame[column][row]!r}; should be one of {', '.join(known)}")


def _check_unique(frame: pd.DataFrame, path: Path, column: str, problems: Problems) -> None:
    first = {}
    for row, name in enumerate(frame[column]):
        if name in first:
            problems.append(f"{_where(path, row, name)}: {column} appears already in line {first[name]}")
        first.setdefault(name, row + 2)


def _read_labels(path: Path, problems: Problems) -> pd.DataFrame | None:
    frame = _read_csv(path, ["filename", "label", "speaker", "condition"], problems)
    if frame is None:
        return None
    _check_unique(frame, path, "filename", problems)
    _check_known(frame, path, "filename", "label", list(EMOTION_OF_LETTER), problems)
    _check_known(frame, path, "filename", "condition", list(CONDITIONS), problems)
    return pd.DataFrame(
        {
            "speaker": frame["speaker"].to_numpy(),
            "condition": frame["condition"].map(CONDITIONS).to_numpy(),
            "emotion": frame["label"].map(EMOTION_OF_LETTER).to_numpy(),
        },
        index=pd.Index(frame["filename"], name="utterance"),
    ).loc[lambda table: ~table.index.duplicated()]


def _read_fold(folder: Path, labels: pd.DataFrame | None, problems: Problems) -> pd.DataFrame:
    splits: list[pd.DataFrame] = []
    seen: dict[str, Path] = {}
    for split, name in FILES.items():
        path = folder / f"{name}-predictions-raw.csv"
        frame = _read_split(path, problems)
        if frame is None:
            continue
        for row, utterance in enumerate(frame["utterance"]):
            at = _where(path, row, utterance)
            if seen.setdefault(utterance, path) != path:
                problems.append(f"{at}: is in {seen[utterance].name} too; should be in one split of a fold")
            if labels is not None and utterance not in labels.index:
                problems.append(f"{at}: has no label in {LABELS}")
        if labels is not None:
            frame = frame.join(labels, on="utterance")
            absent = [emotion for emotion in EMOTIONS if emotion not in set(frame["emotion"])]
            problems += [
                f"{path}: no utterance is {emotion}; every split should hold all emotions" for emotion in absent
            ]
        splits.append(frame.assign(split=split))
    if not splits or labels is None:
        return pd.DataFrame()
    fold = pd.concat(splits, ignore_index=True)
    tested = sorted(fold.loc[fold["split"] == "test", "speaker"].dropna().unique())
    return fold.assign(fold="+".join(tested))


def _read_split(path: Path, problems: Problems) -> pd.DataFrame | None:
    frame = _read_csv(path, ["ID", "transcription", "sentiment", "sentiment_score", *SCORES], problems)
    if frame is None:
        return None
    _check_unique(frame, path, "ID", problems)
    _check_known(frame, path, "ID", "sentiment", list(SENTIMENTS), problems)
    numbers = frame[[*SCORES, "sentiment_score"]].apply(pd.to_numeric, errors="coerce")
    for column in numbers:
        for row in np.flatnonzero(~numbers[column].between(0, 1)):
            at = _where(path, row, frame["ID"][row])
            problems.append(f"{at}: {column} is {frame[column][row]!r}; should be a probability between 0 and 1")
    low = numbers["sentiment_score"] < 1 / len(SENTIMENTS) - SUM_TOLERANCE
    for row in np.flatnonzero(low & (numbers["sentiment_score"] >= 0)):
        at = _where(path, row, frame["ID"][row])
        value = frame["sentiment_score"][row]
        problems.append(f"{at}: sentiment_score is {value!r}; the largest of three should be at least 1/3")
    total = numbers[SCORES].sum(axis=1)
    valid = numbers[SCORES].apply(lambda values: values.between(0, 1)).all(axis=1)
    for row in np.flatnonzero(valid & ((total - 1).abs() > SUM_TOLERANCE)):
        at = _where(path, row, frame["ID"][row])
        problems.append(
            f"{at}: {SCORES[0]} … {SCORES[-1]} sum to {total[row]:.4f}; should be 1 within {SUM_TOLERANCE:g}"
        )

    score = numbers["sentiment_score"].to_numpy()
    said = frame["sentiment"].to_numpy()
    words = {
        name: np.where(said == label, score, (1 - score) / 2) for name, label in zip(SENTIMENT, SENTIMENTS, strict=True)
    }
    return pd.DataFrame(
        {"utterance": frame["ID"]}
        | {name: numbers[column] for name, column in zip(SPEECH, SCORES, strict=True)}
        | words
        | {"transcript": frame["transcription"].str.strip()}
    )
