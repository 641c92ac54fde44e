"""The demo's corpora: laid out on disk as IEMOCAP and MSP-IMPROV are, label codes and oddities included.

A turn of a dialog keeps the emotion of the turn before, whoever spoke, with a probability ``carry``; else its emotion
is dealt anew.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from emofuse import provenance
from emofuse.audio import Samples
from emofuse.demo.sentences import SAID, short_sentence, written
from emofuse.demo.voices import (
    EMOTIONAL_PROSODY,
    IEMOCAP_VOICES,
    MSP_IMPROV_VOICES,
    PROSODY,
    SPEAKER_SPREAD,
    UTTERANCE_SPREAD,
    utter,
)


@dataclass(frozen=True)
class _Turn:
    """What a speaker says, and how."""

    emotion: str
    text: str
    samples: Samples


def _random(*names: str | int) -> np.random.Generator:
    """Random numbers that depend on names alone."""
    return np.random.default_rng(provenance.seed(*names))


class _Cast:
    """The speakers of a corpus: each has a voice and a prosody of their own."""

    def __init__(self, corpus: str, voices: Mapping[str, str], seed: int, sampling_rate: int) -> None:
        self.voices = voices
        self.sampling_rate = sampling_rate
        self.usual = {
            speaker: _random(corpus, seed, speaker).normal(0, SPEAKER_SPREAD, len(PROSODY)) for speaker in voices
        }

    def act(self, rng: np.random.Generator, speaker: str, emotion: str, text: str) -> _Turn:
        """Let a speaker say a text in an emotion."""
        scatter = rng.normal(0, UTTERANCE_SPREAD, len(PROSODY))
        prosody = EMOTIONAL_PROSODY[emotion] + self.usual[speaker] + scatter
        return _Turn(emotion, text, utter(text, self.voices[speaker], prosody, self.sampling_rate))


def _draw(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """One key of a table of shares, however these are scaled."""
    share = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=share / share.sum()))


def _deck(shares: Mapping[str, float], turns: int) -> dict[str, int]:
    """How many turns have each label: dealt without replacement, each has its share, however much is carried over."""
    ends = np.rint(np.cumsum([0, *shares.values()]) * turns)
    return dict(zip(shares, np.diff(ends).astype(int).tolist(), strict=True))


class _Mood:
    """The emotion of a dialog's last turn, whoever spoke, which the next turn keeps with a probability ``carry``."""

    def __init__(self, rng: np.random.Generator, emotions: Mapping[str, str], carry: float) -> None:
        self.rng = rng
        self.emotions = emotions
        self.carry = carry
        self.emotion: str | None = None

    def deal(self, deck: dict[str, int]) -> str:
        """Deal the label of the next turn; where no label of the emotion that is kept is left, any may come."""
        kept = {label: left for label, left in deck.items() if self.emotions[label] == self.emotion}
        keeps = self.rng.random() < self.carry and any(kept.values())
        label = _draw(self.rng, kept if keeps else deck)
        deck[label] -= 1
        self.emotion = self.emotions[label]
        return label


def _spontaneous(rng: np.random.Generator, emotion: str) -> str:
    """What somebody says who feels an emotion."""
    return short_sentence(rng, _draw(rng, SAID[emotion]), reserved=True)


IEMOCAP_RATE = 16_000
"""Sampling rate of the first corpus in Hz."""

IEMOCAP_SHARES = {
    "ang": 0.165,
    "exc": 0.155,
    "fru": 0.11,
    "hap": 0.09,
    "neu": 0.26,
    "sad": 0.165,
    "sur": 0.01,
    "xxx": 0.045,
}
"""Shares of the label codes of the first corpus, near those of IEMOCAP."""

IEMOCAP_EMOTIONS = {
    "ang": "angry",
    "exc": "happy",
    "fru": "angry",
    "hap": "happy",
    "neu": "neutral",
    "sad": "sad",
    "sur": "happy",
    "xxx": "neutral",
}
"""The emotion that each code is acted in."""

IEMOCAP_DIALOGS = ("impro01", "impro02", "impro03", "impro04", "script01_1", "script01_2", "script02_1", "script03_1")
"""The dialogs of each session, all recorded twice: with the woman and with the man in front of the cameras."""

RENAMED = {"Ses03M_impro04": "Ses03M_impro05a", "Ses05M_script01_2": "Ses05M_script01_1b"}
"""Dialogs whose names break the pattern, as some of IEMOCAP's do."""

IEMOCAP_RATINGS = {
    "angry": ("Anger", 1.8, 3.8, 3.9),
    "happy": ("Happiness", 4.2, 3.4, 3.2),
    "neutral": ("Neutral state", 3.0, 2.5, 2.8),
    "sad": ("Sadness", 2.0, 2.1, 2.4),
}
"""What raters of the first corpus call each emotion; its valence, activation and dominance (1 to 5)."""


def write_iemocap(folder: str | Path, seed: int, carry: float, turns: int = 12) -> None:
    """Make the first corpus, in the layout of IEMOCAP, label codes and oddities included.

    Five sessions of two speakers; 16 kHz; about 85 % of the turns carry a label of the four classes.

    Args:
        folder: where ``Session1`` … ``Session5`` are made
        seed: the same gives the same bytes
        carry: the probability that a turn keeps the emotion of the turn before; 0 for dialogs without a mood
        turns: turns per dialog, an even number; there are 80 dialogs

    Raises:
        FileExistsError: if there is such a corpus in the folder already
    """
    cast = _Cast("iemocap", IEMOCAP_VOICES, seed, IEMOCAP_RATE)
    # Speakers of all sessions act the same scripts: words and intended emotion are the scene's, not the dialog's.
    scripts = [scene for scene in IEMOCAP_DIALOGS if scene.startswith("script")]
    improvisations = [scene for scene in IEMOCAP_DIALOGS if scene not in scripts]
    scripted = _intended(_random("iemocap", seed, "scripts"), scripts, carry, turns)
    for session in range(1, 6):
        rng = _random("iemocap", seed, session)
        dialogs = [f"Ses0{session}{recorded}_{scene}" for recorded in "FM" for scene in improvisations]
        intended = scripted | _intended(rng, dialogs, carry, turns)
        root = Path(folder) / f"Session{session}"
        for part in ("sentences/wav", "dialog/EmoEvaluation/Categorical", "dialog/transcriptions"):
            (root / part).mkdir(parents=True)
        for recorded in "FM":
            for scene in IEMOCAP_DIALOGS:
                name = f"Ses0{session}{recorded}_{scene}"
                text = scene if scene in scripts else name
                said = _dialog(cast, session, name, _random("iemocap", seed, text), intended[text], seed)
                _write_dialog(root, RENAMED.get(name, name), said)
        # What macOS leaves behind, and the votes of single raters beside the agreed labels: neither is a dialog.
        first = f"Ses0{session}F_impro01"
        (root / f"dialog/EmoEvaluation/._{first}.txt").write_bytes(b"\x00\x05\x16\x07")
        (root / f"sentences/wav/{first}/._{first}_F000.wav").write_bytes(b"\x00\x05\x16\x07")
        (root / f"dialog/EmoEvaluation/Categorical/{first}_e1_cat.txt").write_text(f"{first}_F000 :Neutral state; ()\n")


def _intended(rng: np.random.Generator, dialogs: Sequence[str], carry: float, turns: int) -> dict[str, list[str]]:
    """The label codes that the turns of some dialogs are written with."""
    deck = _deck(IEMOCAP_SHARES, len(dialogs) * turns)
    moods = {dialog: _Mood(rng, IEMOCAP_EMOTIONS, carry) for dialog in dialogs}
    return {dialog: [mood.deal(deck) for _ in range(turns)] for dialog, mood in moods.items()}


def _dialog(
    cast: _Cast, session: int, name: str, writer: np.random.Generator, codes: Sequence[str], seed: int
) -> Iterator[tuple[str, str, _Turn]]:
    """The turns of a dialog: for each the end of its name (``F000``), the label code and what is said."""
    rng = _random("iemocap", seed, name, "acted")
    for turn, intended in enumerate(codes):
        letter = "FM"[turn % 2]
        text = _spontaneous(writer, IEMOCAP_EMOTIONS[intended])
        # Not every actor plays, nor every rater hears, what is intended.
        code = _draw(rng, IEMOCAP_SHARES) if rng.random() < 0.15 else intended
        acted = cast.act(rng, f"Ses0{session}{letter}", IEMOCAP_EMOTIONS[code], text)
        yield f"{letter}{turn // 2:03d}", code, acted


def _write_dialog(root: Path, name: str, turns: Iterator[tuple[str, str, _Turn]]) -> None:
    """Write a dialog's wavs, labels and transcripts, with the times at which its turns would lie in the recording."""
    audio = root / "sentences/wav" / name
    audio.mkdir()
    labels = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    transcripts = []
    time = 6.0
    for index, (turn, code, said) in enumerate(turns):
        utterance = f"{name}_{turn}"
        start, end = time, time + len(said.samples) / IEMOCAP_RATE
        time = end + 0.5
        samples = said.samples
        if index == 2:
            # A few files have the partner on a second channel.
            samples = np.stack([samples, 0.1 * samples[::-1]], axis=1)
        soundfile.write(audio / f"{utterance}.wav", samples, IEMOCAP_RATE, subtype="PCM_16")
        heard, valence, activation, dominance = IEMOCAP_RATINGS[said.emotion]
        votes = (heard, "Neutral state", "Surprise") if code == "xxx" else (heard, heard, heard)
        labels += [
            f"[{start:.4f} - {end:.4f}]\t{utterance}\t{code}\t[{valence:.4f}, {activation:.4f}, {dominance:.4f}]",
            *(f"C-E{rater}:\t{vote};\t()" for rater, vote in enumerate(votes, start=2)),
            f"C-{turn[0]}1:\t{heard};\t()",
            f"A-E3:\tval {valence:.0f}; act {activation:.0f}; dom  {dominance:.0f};\t()",
            "",
        ]
        laughter = "[LAUGHTER] " if code == "hap" else ""
        transcripts.append(f"{utterance} [{start:08.4f}-{end:08.4f}]: {laughter}{written(said.text)}")
        if index == 0:
            transcripts += [f"{name}_MXX0 [{end:08.4f}-{time:08.4f}]: Yeah.", "M: (at the café door)"]
    (root / f"dialog/EmoEvaluation/{name}.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    # Most transcripts are UTF-8, a few are not.
    encoding = "latin-1" if name.endswith("F_impro02") else "utf-8"
    (root / f"dialog/transcriptions/{name}.txt").write_text("\n".join(transcripts) + "\n", encoding=encoding)


MSP_IMPROV_RATE = 48_000
"""Sampling rate of the second corpus in Hz."""

MSP_IMPROV_SHARES: dict[str, dict[str, float]] = {
    "P": {"A": 0.02, "H": 0.49, "N": 0.42, "O": 0.01, "S": 0.02, "X": 0.04},
    "R": {"A": 0.27, "H": 0.14, "N": 0.39, "O": 0.01, "S": 0.13, "X": 0.06},
    "S": {"A": 0.11, "H": 0.24, "N": 0.41, "O": 0.02, "S": 0.14, "X": 0.08},
    "T": {"A": 0.18, "H": 0.21, "N": 0.43, "O": 0.01, "S": 0.16, "X": 0.01},
}
"""Shares of the label letters in each scenario of the second corpus, those of MSP-IMPROV."""

MSP_IMPROV_TALKS = (("P", "P"), ("ST", "S", "S"), ("R",))
"""What is said in each session for each sentence and asked emotion: in two conversations, and alone, where it is read.

Of each, the scenarios of each speaker's first clips, of the second ones, and so on.
"""

MSP_IMPROV_EMOTIONS = {"A": "angry", "H": "happy", "N": "neutral", "O": "angry", "S": "sad", "X": "neutral"}
"""The emotion that each letter is acted in."""

MSP_IMPROV_RATINGS = {
    "A": ("Angry", 3.9, 1.9, 3.6),
    "H": ("Happy", 3.4, 4.1, 3.1),
    "N": ("Neutral", 2.6, 3.0, 2.9),
    "O": ("Other", 3.0, 2.6, 3.0),
    "S": ("Sad", 2.2, 2.1, 2.4),
    "X": ("Neutral", 2.8, 2.8, 2.9),
}
"""What raters of the second corpus call each letter; its arousal, valence and dominance (1 to 5)."""


def write_msp_improv(folder: str | Path, seed: int, carry: float, sentences: int = 2) -> None:
    """Make the second corpus, in the layout of MSP-IMPROV: other speakers, other shares of the classes, 48 kHz.

    In the scenarios ``R`` and ``T`` a target sentence is said in each emotion, so its words do not tell the emotion.

    Args:
        folder: where ``Audio``, ``Human_transcriptions`` and ``Evalution.txt`` are made
        seed: the same gives the same bytes
        carry: the probability that a turn keeps the emotion of the turn before; 0 for conversations without a mood
        sentences: how many target sentences, 1 to 20; there are 336 clips per sentence

    Raises:
        FileExistsError: if there is such a corpus in the folder already
    """
    folder = Path(folder)
    transcripts = folder / "Human_transcriptions/All_human_transcriptions"
    transcripts.mkdir(parents=True)
    cast = _Cast("msp_improv", MSP_IMPROV_VOICES, seed, MSP_IMPROV_RATE)
    numbers = range(1, sentences + 1)
    targets = {
        number: short_sentence(_random("msp_improv", seed, "target", number), "neutral", reserved=True)
        for number in numbers
    }
    clips = Counter(scenario for talk in MSP_IMPROV_TALKS for scenarios in talk for scenario in scenarios)
    decks = {
        scenario: _deck(shares, len(MSP_IMPROV_VOICES) * sentences * 4 * clips[scenario])
        for scenario, shares in MSP_IMPROV_SHARES.items()
    }
    labels = []
    for session, number, asked in itertools.product(range(1, 7), numbers, "AHNS"):
        rng = _random("msp_improv", seed, session, number, asked)
        for speaker, scenario, clip, letter in _clips(rng, session, decks, carry):
            audio = folder / f"Audio/session{session}/S{number:02d}{asked}/{scenario}"
            audio.mkdir(parents=True, exist_ok=True)
            emotion = MSP_IMPROV_EMOTIONS[letter]
            text = targets[number] if scenario in "RT" else _spontaneous(rng, emotion)
            said = cast.act(rng, speaker, emotion, text)
            pair = rng.choice(["FM", "MF"])  # who talks to whom in the clip; not who speaks
            name = f"IMPROV-S{number:02d}{asked}-{speaker}-{scenario}-{pair}{clip:02d}"
            soundfile.write(audio / f"MSP-{name}.wav", said.samples, MSP_IMPROV_RATE, subtype="PCM_16")
            labels += _rating(rng, name, letter)
            if rng.random() > 0.02:  # some transcripts are missing
                (transcripts / f"MSP-{name}.txt").write_text(written(text) + "\n")
    (folder / "Evalution.txt").write_text("\n".join(labels) + "\n")


def _clips(
    rng: np.random.Generator, session: int, decks: Mapping[str, dict[str, int]], carry: float
) -> Iterator[tuple[str, str, int, str]]:
    """The clips of a session, sentence and asked emotion: speaker, scenario, number and label letter.

    Names tell the order of the turns: first those of the lowest number, of these first the woman's.
    """
    speakers = [f"{letter}{session:02d}" for letter in "FM"]
    for talk in MSP_IMPROV_TALKS:
        mood = _Mood(rng, MSP_IMPROV_EMOTIONS, carry)
        for number, scenarios in enumerate(talk, start=1):
            for speaker, scenario in itertools.product(speakers, scenarios):
                yield speaker, scenario, number, mood.deal(decks[scenario])


def _rating(rng: np.random.Generator, name: str, letter: str) -> list[str]:
    """The lines of one clip in the label file; arousal is stored reversed."""
    heard, arousal, valence, dominance = MSP_IMPROV_RATINGS[letter]
    naturalness = "" if rng.random() < 0.05 else f" N:{rng.uniform(2, 5):f};"
    values = f"A:{6 - arousal:f}; V:{valence:f}; D:{dominance:f} ;{naturalness}"
    rater = f"f; {heard}; {heard}; A:{6 - arousal:f}; V:{valence:f}; D:NaN; N:4.000000;"
    last = rater.replace(heard, "Other") if letter == "X" else rater
    return [f"UTD-{name}.avi; {letter}; {values}", rater, rater, "m" + last[1:], ""]


LAYOUTS = {"iemocap": write_iemocap, "msp_improv": write_msp_improv}
"""The function that makes the corpus of each layout: a folder, a seed and how much is carried over go in."""


def checksums(folder: str | Path) -> str:
    """The SHA-256 of each file in a folder, sorted by path, in the format of ``sha256sum``."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in files
    )
    return "\n".join(lines) + "\n"
