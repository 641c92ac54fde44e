"""Small inputs of the real shape, made on the spot."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from emofuse import contracts, scores
from emofuse.corpora import base
from emofuse.corpora.released import FILES, FOLDS, LABELS, Released
from emofuse.fusion import folds
from emofuse.tables import EMOTIONS, PROBABILITY, SENTIMENT, SENTIMENTS, SPEECH

ROOT = Path(__file__).parent.parent

SENTIMENT_OF_EMOTION = {"angry": "negative", "happy": "positive", "neutral": "neutral", "sad": "negative"}


def listed(named: Mapping[str, str | Path | list[str] | list[Path]]) -> Any:
    """Files as Snakemake hands them over: one below the other, and by name."""
    from snakemake.iocontainers import Namedlist  # most tests do not need it

    files = Namedlist()
    for name, value in named.items():
        start = len(files)
        files.extend(value if isinstance(value, list) else [value])
        files._set_name(name, start, end=len(files) if isinstance(value, list) else None)
    return files


def peak_memory() -> int:
    """The most memory that this process has held, in MiB."""
    # Not getrusage's: that one begins with what the parent had.
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024


def published() -> Path:
    """The authors' repository, or a skip that says where it was looked for."""
    places = [os.environ.get("EMOFUSE_DATA", ""), ROOT.parent / "shared" / "data", ROOT / "data"]
    for place in filter(None, places):
        if (Path(place) / "Emotion-Recognition" / LABELS).exists():
            return Path(place) / "Emotion-Recognition"
    pytest.skip("the authors' published scores are absent (EMOFUSE_DATA, ../shared/data, data)")


def by_fold(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each fold of a table, one after another."""
    return [part for _, part in table.groupby("fold")]


class Fused(NamedTuple):
    """What a method comes to over all folds: its tables, and what was learned."""

    predictions: pd.DataFrame
    parameters: dict[str, Any]
    trials: pd.DataFrame
    inner: pd.DataFrame
    front: pd.DataFrame


def fuse(
    rows: pd.DataFrame, method: Mapping[str, Any], path: str, seed_names: Sequence[str | int], name: str, parts: int
) -> Fused:
    """Run a method on the rows of several folds, see :func:`emofuse.fusion.folds.run`."""
    predictions: list[pd.DataFrame] = []
    inner = [pd.DataFrame(columns=list(contracts.INNER.columns))]
    result = folds.run(by_fold(rows), dict(method), path, seed_names, name, parts, predictions.append, inner.append)
    together = [pd.concat(tables, ignore_index=True) for tables in (predictions, inner[1:] or inner)]
    return Fused(together[0], result.parameters, result.trials, together[1], result.front)


def read_scores(root: Path) -> pd.DataFrame:
    """The scores of all folds of a release, as methods read them."""
    reader = Released()
    listed = base.list_corpus(reader, root)
    assert listed.problems == []
    release = reader.read_published(root)
    utterances = base.utterances_of(listed, "iemocap")
    rows = release.scores[release.scores["utterance"].isin(utterances["utterance"])]
    of_folds = pd.concat(map(scores.in_order, by_fold(rows)), ignore_index=True)
    sentiment = of_folds.drop_duplicates("utterance")
    spoken = scores.spoken(
        utterances[utterances["utterance"].isin(sentiment["utterance"])], release.transcripts, sentiment
    )
    return scores.with_spoken(of_folds.drop(columns=SENTIMENT), spoken, root)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponential / exponential.sum(axis=1, keepdims=True)


def make_scores(utterances: int = 400, seed: int = 0, sharpness: float = 1.5) -> pd.DataFrame:
    """Speech and sentiment probabilities with a true emotion, rows of one split."""
    random = np.random.default_rng(seed)
    emotion = random.permutation(np.arange(utterances) % len(EMOTIONS))
    voice = softmax(sharpness * (np.eye(4)[emotion] * 1.5 + random.normal(size=(utterances, 4))))
    sentiment = np.array([SENTIMENTS.index(SENTIMENT_OF_EMOTION[name]) for name in EMOTIONS])[emotion]
    words = softmax(np.eye(3)[sentiment] * 1.2 + random.normal(size=(utterances, 3)))
    frame = pd.DataFrame(voice, columns=SPEECH)
    frame[SENTIMENT] = words
    return frame.assign(emotion=np.array(EMOTIONS)[emotion])


def make_release(root: Path, speakers: int = 4, utterances: int = 40, seed: int = 0) -> Path:
    """A tree in the layout of the authors' repository, a fold per speaker.

    The training speakers' scores are sharper than other speakers', as in the release.
    """
    random = np.random.default_rng(seed)
    names = [f"Ses{number // 2 + 1:02d}{'FM'[number % 2]}" for number in range(speakers)]
    everyone = []
    for name in names:
        scores = make_scores(utterances, seed=int(random.integers(2**31)))
        condition = np.where(np.arange(utterances) % 2, "impro", "script")
        ids = [f"{name}_{part}01_{name[-1]}{number:03d}" for number, part in enumerate(condition)]
        words = [f" WORD {number % 7} {emotion[:2]}" for number, emotion in enumerate(scores["emotion"])]
        everyone.append(scores.assign(ID=ids, speaker=name, condition=condition, transcription=words))
    corpus = pd.concat(everyone, ignore_index=True)

    labels = root / LABELS
    labels.parent.mkdir(parents=True)
    corpus.assign(filename=corpus["ID"], label=corpus["emotion"].str[0].str.upper())[
        ["filename", "label", "speaker", "condition"]
    ].to_csv(labels, index=False)
    for fold, name in enumerate(names):
        partner = names[fold ^ 1]
        split = np.select([corpus["speaker"] == name, corpus["speaker"] == partner], ["test", "validation"], "train")
        for part, file in FILES.items():
            rows = corpus[split == part]
            voice = rows[SPEECH].to_numpy() ** (2.0 if part == "train" else 1.0)
            voice /= voice.sum(axis=1, keepdims=True)
            words = rows[SENTIMENT].to_numpy()
            frame = pd.DataFrame(
                {
                    "ID": rows["ID"],
                    "transcription": rows["transcription"],
                    "sentiment": np.array(SENTIMENTS)[words.argmax(axis=1)],
                    "sentiment_score": words.max(axis=1),
                }
                | {f"{number}_Score": voice[:, number] for number in range(4)}
            )
            path = root / FOLDS / f"fold_{fold}" / f"{file}-predictions-raw.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.to_csv(path, index=False)
    return root


def make_predictions(seed: int, folds: int = 4, utterances: int = 60, sharpness: float = 1.5) -> pd.DataFrame:
    """A table of predictions: a fold per speaker, two conditions; the voice says the same for every seed."""
    parts = []
    for fold in range(folds):
        scores = make_scores(utterances, seed=fold, sharpness=sharpness)
        random = np.random.default_rng((seed, fold))
        probability = scores[SPEECH].to_numpy() ** random.uniform(0.2, 2, (utterances, 4))
        probability /= probability.sum(axis=1, keepdims=True)
        voice = scores[SPEECH].to_numpy()
        part = pd.DataFrame(probability, columns=PROBABILITY).assign(
            fold=f"S{fold}",
            speaker=f"S{fold}",
            condition=np.where(np.arange(utterances) % 3, "improvised", "scripted"),
            utterance=[f"S{fold}_{row}" for row in range(utterances)],
            emotion=scores["emotion"],
            speech=np.array(EMOTIONS)[voice.argmax(axis=1)],
            predicted=np.array(EMOTIONS)[probability.argmax(axis=1)],
            entropy=0.5,
            varentropy=0.1,
            selected=random.random(utterances) < 0.3,
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def alone(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions of the voice alone on the same utterances."""
    return predictions.assign(predicted=predictions["speech"], selected=False)
