"""Small trees in the shape of the real corpora."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile


def tone(seconds=0.5, rate=16_000, channels=1):
    wave = 0.1 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def write_wav(path, samples=None, rate=16_000, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(rate=rate) if samples is None else samples, rate, **kwargs)
    return path


class Iemocap:
    """A tree of IEMOCAP's shape: labels, transcripts and audio are added turn by turn."""

    def __init__(self, root):
        self.root = root

    def file(self, kind, dialog):
        return self.root / f"Session{int(dialog[3:5])}/dialog/{kind}/{dialog}.txt"

    def append(self, kind, dialog, text, encoding="utf-8"):
        path = self.file(kind, dialog)
        path.parent.mkdir(parents=True, exist_ok=True)
        header = b"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" if kind == "EmoEvaluation" else b""
        with path.open("ab") as stream:
            stream.write((b"" if stream.tell() else header) + text.encode(encoding))
        return path

    def wav(self, utterance):
        dialog = utterance[:-5]
        return self.root / f"Session{int(dialog[3:5])}/sentences/wav/{dialog}/{utterance}.wav"

    def add(self, utterance, code="neu", text="Excuse me.", dialog=None, encoding="utf-8", link=None, **audio):
        dialog = dialog or utterance[:-5]
        self.append(
            "EmoEvaluation",
            dialog,
            f"[6.2901 - 8.2357]\t{utterance}\t{code}\t[2.5000, 2.5000, 2.5000]\n"
            "C-E2:\tNeutral;\t()\nC-F1:\tNeutral; Anger;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n",
        )
        if text is not None:
            self.append("transcriptions", dialog, f"{utterance} [006.2901-008.2357]: {text}\n", encoding)
        if link:
            self.wav(utterance).parent.mkdir(parents=True, exist_ok=True)
            os.link(link, self.wav(utterance))
        else:
            write_wav(self.wav(utterance), **audio)


@pytest.fixture
def iemocap(tmp_path):
    return Iemocap(tmp_path / "IEMOCAP_full_release")


class MspImprov:
    """A tree of MSP-IMPROV's shape."""

    def __init__(self, root, labels="Evalution.txt", audio="Audio"):
        self.root, self.labels, self.audio = root, root / labels, root / audio
        root.mkdir(parents=True)

    def append(self, text):
        with self.labels.open("a") as stream:
            stream.write(text)

    def wav(self, clip):
        _, _, sentence, speaker, scenario, _ = clip.split("-")
        return self.audio / f"session{int(speaker[1:])}" / sentence / scenario / f"{clip}.wav"

    def add(self, clip, letter="N", link=None, **audio):
        """``clip`` as audio files are named, MSP-IMPROV-S01A-F01-S-FM01."""
        rater = "f; Neutral; Neutral; A:3.000000; V:4.000000; D:3.000000; N:4.000000;\n"
        self.append(
            f"{clip.replace('MSP', 'UTD')}.avi; {letter}; A:3.000000; V:3.500000; D:3.000000 ; N:3.333333;\n{rater}\n"
        )
        if link:
            self.wav(clip).parent.mkdir(parents=True, exist_ok=True)
            os.link(link, self.wav(clip))
        else:
            write_wav(self.wav(clip), rate=48_000, **audio)

    def transcript(self, place, name, text):
        path = self.root / place / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def msp_improv(tmp_path):
    return MspImprov(tmp_path / "MSP-IMPROV")


@pytest.fixture
def short_wav(tmp_path):
    return write_wav(tmp_path / "short.wav", tone(0.1))


@pytest.fixture
def make_msp_improv(tmp_path):
    return lambda **where: MspImprov(tmp_path / "MSP-IMPROV", **where)


@pytest.fixture
def make_wav():
    return write_wav


@pytest.fixture
def make_tone():
    return tone


@pytest.fixture(scope="session")
def published_labels():
    """The labels that the paper's authors published, which hold every four-class name of IEMOCAP."""
    import pandas as pd

    repository = Path(__file__).parents[2]
    places = [os.environ.get("EMOFUSE_DATA"), repository.parent / "shared/data", repository / "data"]
    file = "Emotion-Recognition/Evaluation/Sentiment/twitter-XLM-roBERTa-base/sentiment_truths_IEMOCAP.csv"
    for place in filter(None, places):
        if (Path(place) / file).is_file():
            return pd.read_csv(Path(place) / file)
    pytest.skip("the published scores are not here (set EMOFUSE_DATA to the folder that holds Emotion-Recognition)")
