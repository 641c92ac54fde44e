"""MSP-IMPROV (Busso et al. 2017): twelve actors in six sessions of two, and sentences to be led up to.

    Evalution.txt                                             labels, spelled as the release spells it
    Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav      or without Audio/
    Human_transcriptions/All_human_transcriptions/MSP-IMPROV-S01A-F01-S-FM01.txt

The label is what most raters heard. The letter in a clip's name (S01A) is what the actor was asked for.
Ratings of arousal, valence, dominance and naturalness are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pandas as pd

from emofuse.corpora.base import COLUMNS, Case, Count, Listing, Reader, grouped, read_lines, read_text, words
from emofuse.tables import Problem

CONDITION = {
    "P": "natural_interaction",
    "R": "target_read",
    "S": "other_improvised",
    "T": "target_improvised",
}
"""The scenarios."""

CONVERSATION = {"P": "natural", "S": "improvised", "T": "improvised"}
"""The conversation of a session and a sentence that a scenario's clips belong to.

A target sentence was led up to in the improvisation (S and T); one that was read (R) stands alone.
"""

LABELS = ("Evalution.txt", "Evaluation.txt")

TRANSCRIPTS = ("Human_transcriptions/All_human_transcriptions", "All_human_transcriptions", "Text")
"""Where copies of the corpus keep transcripts, one file per clip, sometimes in one folder per session."""

CLIP = re.compile(
    r"(?:UTD|MSP)-IMPROV-(?P<clip>(?P<sentence>S\d\d[AHNS])"
    r"-(?P<speaker>[FM](?P<session>\d\d))-(?P<scenario>[PRST])-[A-Z]{2}\d+)"
)
"""A clip's name, ``UTD-`` in labels and ``MSP-`` in audio; the last letters are not the speaker."""


class MspImprov(Reader):
    """MSP-IMPROV, the folder that holds Evalution.txt and Audio (or session1 … session6)."""

    layout: Problem = f"a folder that holds {' or '.join(LABELS)}"
    # O is another emotion, X is where raters did not agree.
    emotions: ClassVar[Mapping[str, str | None]] = {
        "A": "angry",
        "H": "happy",
        "N": "neutral",
        "S": "sad",
        "O": None,
        "X": None,
    }
    # 8438 clips, of which 7798 are of the four classes.
    published = (
        *(
            Count(emotion, {"emotion": emotion}, number)
            for emotion, number in {"angry": 792, "happy": 2644, "neutral": 3477, "sad": 885}.items()
        ),
        *(
            Count(f"clips of {condition}", {"condition": condition}, number)
            for condition, number in zip(CONDITION.values(), (2785, 620, 4381, 652), strict=True)
        ),
        # These were counted in a public list that lacks 53 of the 8438 clips.
        *(
            Count(f"clips of Session{session}", {"session": f"Session{session}"}, number, exact=False)
            for session, number in enumerate((979, 1422, 1765, 1108, 1499, 1612), start=1)
        ),
    )

    def is_at(self, path: Path) -> bool:
        """Whether a file of labels lies there, in either spelling."""
        return any((path / name).is_file() for name in LABELS)

    def watched(self, path: Path) -> list[Path]:
        """The file of labels, and a transcript per clip."""
        return sorted([*_labels(path), *(file for file, _ in _transcript_files(path))])

    def read(self, path: Path) -> Listing:
        """List the clips that have a label, of whatever emotion."""
        file = _labels(path)[0]
        audio = "Audio/" if (path / "Audio").is_dir() else ""
        transcripts = _transcripts(path)
        rows: list[dict[str, str | None]] = []
        cases: list[Case] = []
        for number, line in enumerate(read_lines(file), start=1):
            # "UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3.000000; …" is a clip. What follows, until a blank line, are
            # single raters, some listed twice: only what they agreed on is read.
            name, _, rest = (part.strip() for part in line.partition(";"))
            if not name.startswith(("UTD-IMPROV", "MSP-IMPROV")):
                continue
            source = f"{file}: line {number}"
            match = CLIP.fullmatch(name.removesuffix(".avi"))
            if not match:
                right: Problem = "should be like UTD-IMPROV-S01A-F01-S-FM01.avi"
                cases.append(Case(right, f"{source}: {name!r}; {right}"))
                continue
            clip = f"MSP-IMPROV-{match['clip']}"
            session = int(match["session"])
            conversation = CONVERSATION.get(match["scenario"])
            rows.append(
                {
                    "utterance": clip,
                    "speaker": match["speaker"],
                    "session": f"Session{session}",
                    "dialog": f"Session{session}-{match['sentence']}-{conversation}" if conversation else None,
                    "condition": CONDITION[match["scenario"]],
                    "path": f"{audio}session{session}/{match['sentence']}/{match['scenario']}/{clip}.wav",
                    "label": rest.partition(";")[0].strip(),
                    "reference": transcripts.get(match["clip"]),
                    "source": source,
                }
            )
        unlabelled = [] if rows or cases else [file]
        return Listing(pd.DataFrame(rows, columns=COLUMNS), grouped(cases, path), unlabelled)


def _labels(root: Path) -> list[Path]:
    """The file of labels, if it is there."""
    return [root / name for name in LABELS if (root / name).is_file()][:1]


def _transcript_files(root: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """The files of transcripts, each with its clip, those of the first place first."""
    for place in TRANSCRIPTS:
        for file in sorted([*(root / place).glob("*.txt"), *(root / place).glob("*/*.txt")]):
            match = CLIP.fullmatch(file.stem)  # macOS' ._ files are not named like that
            if match:
                yield file, match


def _transcripts(root: Path) -> dict[str, str]:
    """The words of each clip, from the first place where its file is not empty."""
    said: dict[str, str] = {}
    for file, match in _transcript_files(root):
        if match["clip"] not in said and (text := words(read_text(file))) is not None:
            said[match["clip"]] = text
    return said
