"""IEMOCAP (Busso et al. 2008): ten actors in five sessions of two, scripted and improvised dialogs.

    Session1/dialog/EmoEvaluation/Ses01F_impro01.txt     labels
    Session1/dialog/transcriptions/Ses01F_impro01.txt    transcripts
    Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav

The usual four classes are kept: ``exc`` counts as happy, and raters agreed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from emofuse.corpora.base import COLUMNS, Count, Listing, read_lines, words

EMOTION_OF_CODE: dict[str, str | None] = {
    "ang": "angry",
    "hap": "happy",
    "exc": "happy",
    "neu": "neutral",
    "sad": "sad",
} | dict.fromkeys(["dis", "fea", "fru", "oth", "sur", "xxx"])
"""The release's labels; ``xxx`` is where raters did not agree."""

CONDITION = {"impro": "improvised", "script": "scripted"}

UTTERANCE = r"(?P<utterance>Ses(?P<session>\d\d)[FM]_(?P<condition>impro|script)\d\d\w*_(?P<turn>[FM])\d{3})"
"""An utterance's name: its dialog, then the letter of who speaks and the turn's number.

The letter after the session is that of the actor who wore the markers in this dialog, not of the speaker.
"""

LABEL = re.compile(rf"\[[^\]]+\]\t{UTTERANCE}\t(?P<code>\w+)\t\[[^\]]+\]\s*")
TRANSCRIPT = re.compile(rf"{UTTERANCE} *\[[^\]]+\] *:(?P<text>.*)")

PUBLISHED = [
    Count(f"Session{session} {emotion}", {"session": f"Session{session}", "emotion": emotion}, number)
    for emotion, numbers in {
        "angry": (229, 137, 240, 327, 170),
        "happy": (278, 327, 286, 303, 442),
        "neutral": (384, 362, 320, 258, 384),
        "sad": (194, 197, 305, 143, 245),
    }.items()
    for session, number in enumerate(numbers, start=1)
]
"""The four classes by session: 5531 utterances."""


def read(path: str) -> Listing:
    """List IEMOCAP.

    Args:
        path: the folder that holds ``Session1`` … ``Session5``
    """
    rows: list[dict[str, str | None]] = []
    problems: list[str] = []
    sessions = sorted(Path(path).glob("Session[0-9]"))
    if not sessions:
        problems.append(f"{path}: should be a folder that holds Session1 … Session5")
    for session in sessions:
        transcripts = _transcripts(session)
        # Not recursive: the folders in EmoEvaluation hold single raters' labels.
        # The pattern leaves out the ._Ses* files that macOS makes.
        for file in sorted((session / "dialog/EmoEvaluation").glob("Ses*.txt")):
            for number, line in enumerate(read_lines(file), start=1):
                if not line.startswith("["):
                    continue
                source = f"{file}: line {number}"
                match = LABEL.fullmatch(line)
                if not match:
                    problems.append(f"{source}: {line!r}; should be '[start - end]', turn, emotion, '[V, A, D]'")
                elif match["code"] not in EMOTION_OF_CODE:
                    known = ", ".join(EMOTION_OF_CODE)
                    problems.append(f"{source} ({match['utterance']}): {match['code']!r}; should be one of {known}")
                else:
                    rows.append(_row(session, match, transcripts) | {"source": source})
    return Listing(pd.DataFrame(rows, columns=COLUMNS), problems, PUBLISHED)


def _row(session: Path, label: re.Match[str], transcripts: dict[str, str | None]) -> dict[str, str | None]:
    name = label["utterance"]
    dialog = name[:-5]
    return {
        "utterance": name,
        "speaker": f"Ses{label['session']}{label['turn']}",
        "session": f"Session{int(label['session'])}",
        "condition": CONDITION[label["condition"]],
        "path": str(session / "sentences/wav" / dialog / f"{name}.wav"),
        "emotion": EMOTION_OF_CODE[label["code"]],
        "reference": transcripts.get(name),
    }


def _transcripts(session: Path) -> dict[str, str | None]:
    """The words of each utterance; lines such as those of ``_MXX0`` turns are of none."""
    lines = (
        TRANSCRIPT.fullmatch(line)
        for file in sorted((session / "dialog/transcriptions").glob("Ses*.txt"))
        for line in read_lines(file)
    )
    return {match["utterance"]: words(match["text"]) for match in lines if match}
