"""IEMOCAP (Busso et al. 2008): ten actors in five sessions of two, scripted and improvised dialogs.

    Session1/dialog/EmoEvaluation/Ses01F_impro01.txt     labels
    Session1/dialog/transcriptions/Ses01F_impro01.txt    transcripts
    Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav

The usual four classes are kept: ``exc`` counts as happy, and raters agreed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pandas as pd

from emofuse.corpora.base import COLUMNS, Case, Count, Listing, Reader, grouped, read_lines, words
from emofuse.tables import Problem

CONDITION = {"impro": "improvised", "script": "scripted"}

UTTERANCE = r"(?P<utterance>Ses(?P<session>\d\d)[FM]_(?P<condition>impro|script)\d\d\w*_(?P<turn>[FM])\d{3})"
"""An utterance's name: its dialog, then the letter of who speaks and the turn's number.

The letter after the session is that of the actor who wore the markers in this dialog, not of the speaker.
"""

LABEL = re.compile(rf"\[[^\]]+\]\t{UTTERANCE}\t(?P<code>\w+)\t\[[^\]]+\]\s*")
TRANSCRIPT = re.compile(rf"{UTTERANCE} *\[[^\]]+\] *:(?P<text>.*)")

LABELS = "dialog/EmoEvaluation"
TRANSCRIPTS = "dialog/transcriptions"


class Iemocap(Reader):
    """IEMOCAP, the folder that holds Session1 … Session5."""

    layout: Problem = f"a folder that holds Session1 … Session5, each with {LABELS}"
    # xxx is where raters did not agree.
    emotions: ClassVar[Mapping[str, str | None]] = {
        "ang": "angry",
        "hap": "happy",
        "exc": "happy",
        "neu": "neutral",
        "sad": "sad",
    } | dict.fromkeys(["dis", "fea", "fru", "oth", "sur", "xxx"])
    # The four classes by session: 5531 utterances.
    published = tuple(
        Count(f"Session{session} {emotion}", {"session": f"Session{session}", "emotion": emotion}, number)
        for emotion, numbers in {
            "angry": (229, 137, 240, 327, 170),
            "happy": (278, 327, 286, 303, 442),
            "neutral": (384, 362, 320, 258, 384),
            "sad": (194, 197, 305, 143, 245),
        }.items()
        for session, number in enumerate(numbers, start=1)
    )

    def is_at(self, path: Path) -> bool:
        """Whether a session with labels lies there."""
        return any(path.glob(f"Session[0-9]/{LABELS}"))

    def watched(self, path: Path) -> list[Path]:
        """The files of labels and transcripts of each dialog."""
        return sorted(file for kind in (LABELS, TRANSCRIPTS) for file in path.glob(f"Session[0-9]/{kind}/Ses*.txt"))

    def read(self, path: Path) -> Listing:
        """List the turns that have a label, of whatever emotion."""
        rows: list[dict[str, str | None]] = []
        cases: list[Case] = []
        unlabelled: list[Path] = []
        for session in sorted(path.glob("Session[0-9]")):
            transcripts = _transcripts(session)
            # Not recursive: the folders in EmoEvaluation hold single raters' labels.
            # The pattern leaves out the ._Ses* files that macOS makes.
            files = sorted((session / LABELS).glob("Ses*.txt"))
            unlabelled += [] if files else [session / LABELS]
            for file in files:
                lines = [line for line in enumerate(read_lines(file), start=1) if line[1].startswith("[")]
                unlabelled += [] if lines else [file]
                for number, line in lines:
                    source = f"{file}: line {number}"
                    match = LABEL.fullmatch(line)
                    if match:
                        rows.append(_row(path, session, match, transcripts) | {"source": source})
                    else:
                        right: Problem = "should be '[start - end]', turn, emotion, '[V, A, D]'"
                        cases.append(Case(right, f"{source}: {line!r}; {right}"))
        return Listing(pd.DataFrame(rows, columns=COLUMNS), grouped(cases, path), unlabelled)


def _row(root: Path, session: Path, label: re.Match[str], transcripts: dict[str, str | None]) -> dict[str, str | None]:
    name = label["utterance"]
    dialog = name[:-5]
    return {
        "utterance": name,
        "speaker": f"Ses{label['session']}{label['turn']}",
        "session": f"Session{int(label['session'])}",
        "dialog": dialog,
        "condition": CONDITION[label["condition"]],
        "path": (session.relative_to(root) / "sentences/wav" / dialog / f"{name}.wav").as_posix(),
        "label": label["code"],
        "reference": transcripts.get(name),
    }


def _transcripts(session: Path) -> dict[str, str | None]:
    """The words of each utterance; lines such as those of ``_MXX0`` turns are of none."""
    lines = (
        TRANSCRIPT.fullmatch(line)
        for file in sorted((session / TRANSCRIPTS).glob("Ses*.txt"))
        for line in read_lines(file)
    )
    return {match["utterance"]: words(match["text"]) for match in lines if match}
