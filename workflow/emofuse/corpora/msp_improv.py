"""MSP-IMPROV (Busso et al. 2017): twelve actors in six sessions of two, and sentences to be led up to.

    Evalution.txt                                             labels, spelled as the release spells it
    Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav      or without Audio/
    Human_transcriptions/All_human_transcriptions/MSP-IMPROV-S01A-F01-S-FM01.txt

The label is what most raters heard. The letter in a clip's name (S01A) is what the actor was asked for.
Ratings of arousal, valence, dominance and naturalness are not kept.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from emofuse.corpora.base import COLUMNS, Count, Listing, read_lines, read_text, words

EMOTION_OF_LETTER = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad", "O": None, "X": None}
"""The release's labels; ``O`` is another emotion, ``X`` is where raters did not agree."""

CONDITION = {
    "P": "natural_interaction",
    "R": "target_read",
    "S": "other_improvised",
    "T": "target_improvised",
}
"""The scenarios."""

LABELS = ("Evalution.txt", "Evaluation.txt")

TRANSCRIPTS = ("Human_transcriptions/All_human_transcriptions", "All_human_transcriptions", "Text")
"""Where copies of the corpus keep transcripts, a file a clip, sometimes in a folder a session."""

CLIP = re.compile(
    r"(?:UTD|MSP)-IMPROV-(?P<clip>(?P<sentence>S\d\d[AHNS])"
    r"-(?P<speaker>[FM](?P<session>\d\d))-(?P<scenario>[PRST])-[A-Z]{2}\d+)"
)
"""A clip's name, ``UTD-`` in labels and ``MSP-`` in audio; the last letters are not the speaker."""

PUBLISHED = [
    *(
        Count(emotion, {"emotion": emotion}, number)
        for emotion, number in {"angry": 792, "happy": 2644, "neutral": 3477, "sad": 885}.items()
    ),
    *(
        Count(f"clips of {CONDITION[letter]}", {"condition": CONDITION[letter]}, number)
        for letter, number in {"P": 2785, "R": 620, "S": 4381, "T": 652}.items()
    ),
    # These were counted in a public list that lacks 53 of the 8438 clips.
    *(
        Count(f"clips of Session{session}", {"session": f"Session{session}"}, number, exact=False)
        for session, number in enumerate((979, 1422, 1765, 1108, 1499, 1612), start=1)
    ),
]
"""8438 clips, of which 7798 are of the four classes."""


def read(path: str) -> Listing:
    """List MSP-IMPROV.

    Args:
        path: the folder that holds ``Evalution.txt`` and ``Audio`` (or ``session1`` … ``session6``)
    """
    root = Path(path)
    labels = next((root / name for name in LABELS if (root / name).is_file()), None)
    if labels is None:
        return Listing(pd.DataFrame(columns=COLUMNS), [f"{path}: should be a folder that holds {' or '.join(LABELS)}"])
    audio = root / "Audio" if (root / "Audio").is_dir() else root
    transcripts = _transcripts(root)

    rows: list[dict[str, str | None]] = []
    problems: list[str] = []
    for number, line in enumerate(read_lines(labels), start=1):
        # "UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3.000000; …" is a clip. What follows, until a blank line, are single
        # raters, some listed twice: only what they agreed on is read.
        name, _, rest = (part.strip() for part in line.partition(";"))
        if not name.startswith(("UTD-IMPROV", "MSP-IMPROV")):
            continue
        source = f"{labels}: line {number}"
        match = CLIP.fullmatch(name.removesuffix(".avi"))
        letter = rest.partition(";")[0].strip()
        if not match:
            problems.append(f"{source}: {name!r}; should be like UTD-IMPROV-S01A-F01-S-FM01.avi")
        elif letter not in EMOTION_OF_LETTER:
            problems.append(f"{source} ({name}): {letter!r}; should be one of {', '.join(EMOTION_OF_LETTER)}")
        else:
            clip = f"MSP-IMPROV-{match['clip']}"
            session = int(match["session"])
            rows.append(
                {
                    "utterance": clip,
                    "speaker": match["speaker"],
                    "session": f"Session{session}",
                    "condition": CONDITION[match["scenario"]],
                    "path": str(audio / f"session{session}" / match["sentence"] / match["scenario"] / f"{clip}.wav"),
                    "emotion": EMOTION_OF_LETTER[letter],
                    "reference": transcripts.get(match["clip"]),
                    "source": source,
                }
            )
    return Listing(pd.DataFrame(rows, columns=COLUMNS), problems, PUBLISHED)


def _transcripts(root: Path) -> dict[str, str]:
    """The words of each clip, from the first place where its file is not empty."""
    found: dict[str, str] = {}
    for place in TRANSCRIPTS:
        for file in sorted([*(root / place).glob("*.txt"), *(root / place).glob("*/*.txt")]):
            match = CLIP.fullmatch(file.stem)  # macOS' ._ files are not named like that
            if match and (text := words(read_text(file))) is not None:
                found.setdefault(match["clip"], text)
    return found
