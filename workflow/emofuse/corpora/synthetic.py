"""The demo's material: speech by a formant synthesiser, laid out on disk as the real corpora are.

No licensed corpus can be shipped, so the demo makes two, from espeak-ng voices:
one in the layout of IEMOCAP (:func:`write_iemocap`) and one in that of MSP-IMPROV (:func:`write_msp_improv`).
Emotion is carried twice, each time imperfectly, as in human speech:
by prosody (rate, pitch, its range and volume scatter round a mean of the emotion, and so do speakers)
and by words (sentences of a template grammar that mostly, not always, fit the emotion).

:func:`material` makes what the demo's checkpoints are trained on:
other voices, other sentences of the grammar, and prosody drawn at random, without any emotion.

Numbers from these corpora say that the workflow works. They say nothing about human speech.
"""

from __future__ import annotations

import _ctypes
import ctypes
import functools
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
import soxr

from emofuse import provenance

Floats = npt.NDArray[np.float64]

# --- The words -------------------------------------------------------------------------------------------------------

SLOTS: dict[str, tuple[str, ...]] = {
    "hour": ("seven", "eight", "nine", "ten"),
    "good": ("wonderful", "beautiful", "lovely", "perfect"),
    "bad": ("stupid", "disgusting", "filthy", "useless"),
    "low": ("lonely", "empty", "hopeless", "sorry"),
    "person": ("mother", "brother", "teacher", "neighbor", "daughter"),
    "place": ("kitchen", "office", "garden", "library", "station"),
    "thing": ("letter", "car", "picture", "ticket", "coffee", "window", "dog", "computer"),
}
"""Words that fill a ``{slot}`` of a template."""

CORES: dict[str, tuple[str, ...]] = {
    "angry": (
        "I hate this {bad} {thing}",
        "stop shouting at my {person}",
        "you broke my {bad} {thing}",
        "your {person} is a {bad} liar",
        "get out of my {place} at once",
        "how dare you touch my {thing}",
    ),
    "happy": (
        "I love this {good} {thing}",
        "my {person} bought a {good} {thing}",
        "we won a {good} {thing}",
        "I am so glad to see my {person}",
        "what a {good} {place} you have",
    ),
    "neutral": (
        "the {thing} is in the {place}",
        "we can meet in the {place} at {hour}",
        "I will bring the {thing} to the {place}",
        "my {person} works in the {place}",
        "the meeting starts at {hour}",
    ),
    "sad": (
        "I miss my {person} so much",
        "we said goodbye to my {person}",
        "I lost my {person} and my {thing}",
        "I feel so {low} without my {person}",
        "I am crying about the {thing}",
    ),
    "negative": (
        "I do not like this {thing}",
        "there is a problem with the {thing}",
        "my {person} never called me",
        "this is a terrible {thing}",
        "everything is wrong with my {person}",
    ),
}
"""Templates by what they say; ``negative`` is said in anger and in sadness alike."""

OPENERS = ("", "", "", "but", "and", "so", "well")
CLOSERS = ("", "", "", "today", "now", "again", "tonight")

SENTIMENT_OF = {
    "angry": "negative",
    "happy": "positive",
    "neutral": "neutral",
    "sad": "negative",
    "negative": "negative",
}
"""The sentiment of what a sentence says."""

SAID: dict[str, dict[str, float]] = {
    "angry": {"angry": 0.45, "negative": 0.25, "neutral": 0.20, "sad": 0.05, "happy": 0.05},
    "happy": {"happy": 0.65, "neutral": 0.25, "negative": 0.05, "sad": 0.03, "angry": 0.02},
    "neutral": {"neutral": 0.75, "happy": 0.10, "negative": 0.09, "sad": 0.03, "angry": 0.03},
    "sad": {"sad": 0.45, "negative": 0.25, "neutral": 0.20, "angry": 0.05, "happy": 0.05},
}
"""What is said in which emotion, as probabilities: words agree with the emotion most of the time."""


def sentence(rng: np.random.Generator, said: str) -> str:
    """One sentence of the grammar, in lower case and without punctuation, except for ``I``.

    Args:
        rng: the random numbers
        said: what it says, a key of :data:`CORES`

    >>> sentence(np.random.default_rng(0), "happy")
    'what a lovely kitchen you have again'
    """
    core = rng.choice(CORES[said]).format_map({slot: rng.choice(words) for slot, words in SLOTS.items()})
    return " ".join(part for part in (rng.choice(OPENERS), core, rng.choice(CLOSERS)) if part)


def is_reserved(text: str) -> bool:
    """Whether a sentence belongs to the corpora; no checkpoint is trained on such a sentence.

    A checksum of the sentence decides, so that one third of the grammar is reserved, whatever the seed.
    """
    return zlib.crc32(text.encode()) % 3 == 0


def _sentence(rng: np.random.Generator, said: str, reserved: bool) -> str:
    # Short enough for the slowest speaker to fit into the window of the demo's Whisper (3.6 s).
    while is_reserved(text := sentence(rng, said)) is not reserved or len(text) > 38:
        pass
    return text


def _written(text: str) -> str:
    """A sentence as transcripts have it.

    >>> _written("we can meet today")
    'We can meet today.'
    """
    return text[0].upper() + text[1:] + "."


# --- The voice -------------------------------------------------------------------------------------------------------

PROSODY = ("rate", "pitch", "range", "volume")
"""What makes up a prosody: four numbers, each 0 for a usual voice and about ±2 at the extremes."""

EMOTIONAL_PROSODY: dict[str, tuple[float, float, float, float]] = {
    "angry": (0.3, 0.0, 0.5, 1.3),
    "happy": (0.9, 1.2, 0.9, 0.2),
    "neutral": (0.1, -0.5, -0.7, -0.1),
    "sad": (-1.2, -0.6, -0.7, -1.1),
}
"""The mean prosody of each emotion."""

SPEAKER_SPREAD = 0.35
"""Standard deviation of the speakers' own prosody."""

UTTERANCE_SPREAD = 0.6
"""Standard deviation of the prosody of one speaker's utterances of one emotion."""

IEMOCAP_VOICES = {
    "Ses01F": "f1",
    "Ses01M": "m1",
    "Ses02F": "f3",
    "Ses02M": "m3",
    "Ses03F": "belinda",
    "Ses03M": "Michael",
    "Ses04F": "f5",
    "Ses04M": "adam",
    "Ses05F": "Annie",
    "Ses05M": "m4",
}
"""The espeak-ng voice variant of each speaker of the first corpus."""

MSP_IMPROV_VOICES = {
    "F01": "Andrea",
    "F02": "f4",
    "F03": "shelby",
    "F04": "linda",
    "F05": "grandma",
    "F06": "anika",
    "M01": "m2",
    "M02": "m6",
    "M03": "m7",
    "M04": "david",
    "M05": "pablo",
    "M06": "robert",
}
"""The espeak-ng voice variant of each speaker of the second corpus."""

MATERIAL_VOICES = (
    *("aunty", "steph", "steph2", "steph3", "zac", "Alex", "klatt", "klatt2", "norbert"),
    *("m5", "m8", "Denis", "Gene", "Hugo", "Mike", "Lee", "Storm", "benjamin", "ed", "edward"),
    *("gustave", "ian", "john", "max", "miguel", "quincy", "rob", "travis", "victor", "marcelo"),
)
"""The voices that checkpoints are trained on: none of the corpora's."""

SYNTHESIS_RATE = 22050
"""Sampling rate of espeak-ng in Hz."""

LEVEL = 0.05
"""Root mean square of a usual utterance, for every voice: as if each microphone had been adjusted to its speaker."""

_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4  # espeak_PARAMETER
_SYNCHRONOUS, _UTF8 = 2, 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, voice: str, rate: int = 165, pitch: int = 50, pitch_range: int = 50) -> npt.NDArray[np.int16]:
    """Speak a text in American English.

    Args:
        text: the text
        voice: name of a voice variant of espeak-ng
        rate: words a minute, 80 to 450
        pitch: 0 to 99
        pitch_range: 0 (monotone) to 99

    Returns:
        (samples,) at :data:`SYNTHESIS_RATE`; the same for the same arguments, whatever was spoken before

    Raises:
        ValueError: if there is no such voice
    """
    chunks: list[bytes] = []

    @_CALLBACK
    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    # espeak-ng accepts any variant, and speaks without it if it does not exist.
    if not Path(espeakng_loader.get_data_path(), "voices/!v", voice).is_file():
        raise ValueError(f"espeak-ng has no voice variant {voice!r}")
    # espeak-ng keeps the phase of its flutter from one utterance to the next and offers no way to reset it.
    # A library that is loaded anew (under 1 ms) starts from the same state each time.
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        library.espeak_SetSynthCallback(keep)
        library.espeak_SetVoiceByName(f"en-us+{voice}".encode())
        for parameter, value in ((_RATE, rate), (_VOLUME, 60), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        library.espeak_ng_SetRandSeed(1)  # of breath; the time is the seed without it
        ctypes.CDLL(None).srand(1)  # of some voices' noise
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)
    return np.frombuffer(b"".join(chunks), dtype=np.int16)


def utter(text: str, voice: str, prosody: Sequence[float], sampling_rate: int) -> npt.NDArray[np.float32]:
    """Speak a text with a prosody.

    Args:
        text: the text
        voice: name of a voice variant of espeak-ng
        prosody: a number for each name in :data:`PROSODY`
        sampling_rate: in Hz

    Returns:
        (samples,) between -1 and 1
    """
    rate, pitch, pitch_range, volume = prosody
    spoken = speak(
        text,
        voice,
        rate=round(165 * np.exp(0.14 * np.clip(rate, -2, 2))),
        pitch=round(float(np.clip(45 + 15 * pitch, 0, 99))),
        pitch_range=round(float(np.clip(45 + 18 * pitch_range, 0, 99))),
    )
    gain = _gain(voice) * np.exp(0.3 * volume)
    samples = soxr.resample(spoken.astype(np.float32) * gain, SYNTHESIS_RATE, sampling_rate)
    return np.clip(samples, -1, 1)


@functools.cache
def _gain(voice: str) -> np.float32:
    """What brings a voice to :data:`LEVEL`; variants of espeak-ng differ in loudness by a factor of ten."""
    usual = speak("the letter is in the garden and we can meet today", voice).astype(np.float64)
    return np.float32(LEVEL / np.sqrt(np.mean(usual**2)))


# --- What checkpoints are trained on ---------------------------------------------------------------------------------


def material(utterances: int, seed: int) -> pd.DataFrame:
    """Utterances to train checkpoints on, none of which shares a voice or a sentence with the corpora.

    Args:
        utterances: how many
        seed: the seed; the same gives the same table

    Returns:
        a row per utterance: ``text`` as transcripts have it, its ``sentiment``, the ``voice``,
        ``rate``, ``pitch``, ``range`` and ``volume`` (see :data:`PROSODY`), drawn without regard to the words,
        and ``audio``: the bytes of a FLAC file, 16 kHz, mono
    """
    rng = _random("material", seed)
    rows = []
    for _ in range(utterances):
        said = rng.choice(list(CORES))
        text = _sentence(rng, said, reserved=False)
        voice = rng.choice(MATERIAL_VOICES)
        prosody = rng.uniform(-2, 2, len(PROSODY))
        audio = io.BytesIO()
        soundfile.write(audio, utter(text, voice, prosody, 16000), 16000, format="FLAC", subtype="PCM_16")
        row = {"text": _written(text), "sentiment": SENTIMENT_OF[said], "voice": str(voice)}
        rows.append(row | dict(zip(PROSODY, prosody.tolist(), strict=True)) | {"audio": audio.getvalue()})
    return pd.DataFrame(rows)


def _random(*names: str | int) -> np.random.Generator:
    """Random numbers that depend on names alone."""
    return np.random.default_rng(provenance.seed(*names))


# --- The corpora -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Turn:
    """What a speaker says, and how."""

    emotion: str
    text: str
    samples: npt.NDArray[np.float32]


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
    """One key of a table of shares, which sum to 1."""
    return str(rng.choice(list(shares), p=list(shares.values())))


def _spontaneous(rng: np.random.Generator, emotion: str) -> str:
    return _sentence(rng, _draw(rng, SAID[emotion]), reserved=True)


IEMOCAP_CODES: dict[str, tuple[float, str]] = {
    "ang": (0.165, "angry"),
    "exc": (0.155, "happy"),
    "fru": (0.11, "angry"),
    "hap": (0.09, "happy"),
    "neu": (0.26, "neutral"),
    "sad": (0.165, "sad"),
    "sur": (0.01, "happy"),
    "xxx": (0.045, "neutral"),
}
"""The label codes of the first corpus: their share, near that of IEMOCAP, and the emotion that they are acted in."""

IEMOCAP_DIALOGS = ("impro01", "impro02", "impro03", "impro04", "script01_1", "script01_2", "script02_1", "script03_1")
"""The dialogs of each session, all recorded twice: with the woman and with the man in front of the cameras."""

RENAMED = {"Ses03M_impro04": "Ses03M_impro05a", "Ses05M_script01_2": "Ses05M_script01_1b"}
"""Dialogs that break the pattern of names, as some of IEMOCAP's do."""

IEMOCAP_RATINGS = {
    "angry": ("Anger", 1.8, 3.8, 3.9),
    "happy": ("Happiness", 4.2, 3.4, 3.2),
    "neutral": ("Neutral state", 3.0, 2.5, 2.8),
    "sad": ("Sadness", 2.0, 2.1, 2.4),
}
"""What raters of the first corpus call each emotion; its valence, activation and dominance (1 to 5)."""


def write_iemocap(folder: str | Path, seed: int, turns: int = 12) -> None:
    """Make the first corpus, in the layout of IEMOCAP, label codes and oddities included.

    Five sessions of two speakers; 16 kHz; about 85 % of the turns carry a label of the four classes.

    Args:
        folder: where ``Session1`` … ``Session5`` are made
        seed: the seed; the same gives the same bytes
        turns: turns of a dialog, an even number; there are 80 dialogs

    Raises:
        FileExistsError: if there is such a corpus in the folder already
    """
    cast = _Cast("iemocap", IEMOCAP_VOICES, seed, 16000)
    for session in range(1, 6):
        root = Path(folder) / f"Session{session}"
        for part in ("sentences/wav", "dialog/EmoEvaluation/Categorical", "dialog/transcriptions"):
            (root / part).mkdir(parents=True)
        for recorded in "FM":
            for scene in IEMOCAP_DIALOGS:
                name = f"Ses0{session}{recorded}_{scene}"
                _write_dialog(root, RENAMED.get(name, name), _dialog(cast, session, name, scene, seed, turns))
        # What macOS leaves behind, and single raters' votes beside the agreed labels: neither is a dialog.
        first = f"Ses0{session}F_impro01"
        (root / f"dialog/EmoEvaluation/._{first}.txt").write_bytes(b"\x00\x05\x16\x07")
        (root / f"sentences/wav/{first}/._{first}_F000.wav").write_bytes(b"\x00\x05\x16\x07")
        (root / f"dialog/EmoEvaluation/Categorical/{first}_e1_cat.txt").write_text(f"{first}_F000 :Neutral state; ()\n")


def _dialog(
    cast: _Cast, session: int, name: str, scene: str, seed: int, turns: int
) -> Iterator[tuple[str, str, _Turn]]:
    """The turns of a dialog: the end of the turn's name (``F000``), the label code and what is said."""
    shares = {code: share for code, (share, _) in IEMOCAP_CODES.items()}
    # Speakers of all sessions act the same scripts: words and intended emotion are the scene's, not the dialog's.
    scripted = scene.startswith("script")
    script = _random("iemocap", seed, scene)
    rng = _random("iemocap", seed, name)
    for turn in range(turns):
        letter = "FM"[turn % 2]
        writer = script if scripted else rng
        code = _draw(writer, shares)
        text = _spontaneous(writer, IEMOCAP_CODES[code][1])
        if rng.random() < 0.15:
            code = _draw(rng, shares)  # not every actor plays, nor every rater hears, what the script says
        acted = cast.act(rng, f"Ses0{session}{letter}", IEMOCAP_CODES[code][1], text)
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
        start, end = time, time + len(said.samples) / 16000
        time = end + 0.5
        samples = said.samples
        if index == 2:
            samples = np.stack(
                [samples, 0.1 * samples[::-1]], axis=1
            )  # a few files have the partner on a second channel
        soundfile.write(audio / f"{utterance}.wav", samples, 16000, subtype="PCM_16")
        heard, valence, activation, dominance = IEMOCAP_RATINGS[said.emotion]
        others = ("Neutral state", "Surprise") if code == "xxx" else (heard, heard)
        labels += [
            f"[{start:.4f} - {end:.4f}]\t{utterance}\t{code}\t[{valence:.4f}, {activation:.4f}, {dominance:.4f}]",
            *(f"C-E{rater}:\t{vote};\t()" for rater, vote in enumerate((heard, *others), start=2)),
            f"C-{turn[0]}1:\t{heard};\t()",
            f"A-E3:\tval {valence:.0f}; act {activation:.0f}; dom  {dominance:.0f};\t()",
            "",
        ]
        laughter = "[LAUGHTER] " if code == "hap" else ""
        transcripts.append(f"{utterance} [{start:08.4f}-{end:08.4f}]: {laughter}{_written(said.text)}")
        if index == 0:
            transcripts += [f"{name}_MXX0 [{end:08.4f}-{time:08.4f}]: Yeah.", "M: (at the café door)"]
    (root / f"dialog/EmoEvaluation/{name}.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    # Most transcripts are UTF-8, a few are not.
    encoding = "latin-1" if name.endswith("F_impro02") else "utf-8"
    (root / f"dialog/transcriptions/{name}.txt").write_text("\n".join(transcripts) + "\n", encoding=encoding)


MSP_IMPROV_SHARES: dict[str, dict[str, float]] = {
    "P": {"A": 0.02, "H": 0.49, "N": 0.42, "O": 0.01, "S": 0.02, "X": 0.04},
    "R": {"A": 0.27, "H": 0.14, "N": 0.39, "O": 0.01, "S": 0.13, "X": 0.06},
    "S": {"A": 0.11, "H": 0.24, "N": 0.41, "O": 0.02, "S": 0.14, "X": 0.08},
    "T": {"A": 0.18, "H": 0.21, "N": 0.43, "O": 0.01, "S": 0.16, "X": 0.01},
}
"""Shares of the label letters in each scenario of the second corpus, those of MSP-IMPROV."""

MSP_IMPROV_CLIPS = {"P": 2, "R": 1, "S": 3, "T": 1}
"""Clips of each scenario, for each speaker, sentence and asked emotion."""

MSP_IMPROV_RATINGS = {
    "A": ("angry", "Angry", 3.9, 1.9, 3.6),
    "H": ("happy", "Happy", 3.4, 4.1, 3.1),
    "N": ("neutral", "Neutral", 2.6, 3.0, 2.9),
    "O": ("angry", "Other", 3.0, 2.6, 3.0),
    "S": ("sad", "Sad", 2.2, 2.1, 2.4),
    "X": ("neutral", "Neutral", 2.8, 2.8, 2.9),
}
"""The emotion that each letter is acted in, what raters call it, its arousal, valence and dominance (1 to 5)."""


def write_msp_improv(folder: str | Path, seed: int, sentences: int = 2) -> None:
    """Make the second corpus, in the layout of MSP-IMPROV: other speakers, other class proportions, 48 kHz.

    In the scenarios ``R`` and ``T`` a target sentence is said in each emotion, so that its words say nothing.

    Args:
        folder: where ``Audio``, ``Human_transcriptions`` and ``Evalution.txt`` are made
        seed: the seed; the same gives the same bytes
        sentences: how many target sentences, 1 to 20; each comes with 336 clips

    Raises:
        FileExistsError: if there is such a corpus in the folder already
    """
    folder = Path(folder)
    transcripts = folder / "Human_transcriptions/All_human_transcriptions"
    transcripts.mkdir(parents=True)
    cast = _Cast("msp_improv", MSP_IMPROV_VOICES, seed, 48000)
    labels = []
    for speaker in MSP_IMPROV_VOICES:
        for number in range(1, sentences + 1):
            target = _sentence(_random("msp_improv", seed, "target", number), "neutral", reserved=True)
            for asked in "AHNS":
                rng = _random("msp_improv", seed, speaker, number, asked)
                for scenario, clips in MSP_IMPROV_CLIPS.items():
                    audio = folder / f"Audio/session{int(speaker[1:])}/S{number:02d}{asked}/{scenario}"
                    audio.mkdir(parents=True, exist_ok=True)
                    for clip in range(1, clips + 1):
                        letter = _draw(rng, MSP_IMPROV_SHARES[scenario])
                        emotion = MSP_IMPROV_RATINGS[letter][0]
                        text = target if scenario in "RT" else _spontaneous(rng, emotion)
                        said = cast.act(rng, speaker, emotion, text)
                        pair = rng.choice(["FM", "MF"])  # who talks to whom in the clip; not who speaks
                        name = f"IMPROV-S{number:02d}{asked}-{speaker}-{scenario}-{pair}{clip:02d}"
                        soundfile.write(audio / f"MSP-{name}.wav", said.samples, 48000, subtype="PCM_16")
                        labels += _rating(rng, name, letter)
                        if rng.random() > 0.02:  # some transcripts are missing
                            (transcripts / f"MSP-{name}.txt").write_text(_written(text) + "\n")
    (folder / "Evalution.txt").write_text("\n".join(labels) + "\n")


def _rating(rng: np.random.Generator, name: str, letter: str) -> list[str]:
    """The lines of one clip in the label file; arousal is stored reversed."""
    _, heard, arousal, valence, dominance = MSP_IMPROV_RATINGS[letter]
    naturalness = "" if rng.random() < 0.05 else f" N:{rng.uniform(2, 5):f};"
    values = f"A:{6 - arousal:f}; V:{valence:f}; D:{dominance:f} ;{naturalness}"
    rater = f"f; {heard}; {heard}; A:{6 - arousal:f}; V:{valence:f}; D:NaN; N:4.000000;"
    other = rater.replace(heard, "Other") if letter == "X" else rater
    return [f"UTD-{name}.avi; {letter}; {values}", rater, rater, "m" + other[1:], ""]


LAYOUTS = {"iemocap": write_iemocap, "msp_improv": write_msp_improv}
"""What makes a corpus in each layout."""


def checksums(folder: str | Path) -> str:
    """The SHA-256 of each file in a folder, sorted by path, in the format of ``sha256sum``."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in files
    )
    return "\n".join(lines) + "\n"
