"""The command ``emofuse``: what a model of a study says of new recordings.

Whatever is slow to import is imported where it is first used, so that ``--help`` and wrong use are answered at once.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from emofuse.tables import Problem

WELL, PROBLEMS, REFUSED = 0, 1, 2
"""Exit status: all recordings have an answer; some have a problem instead; wrong use, or a model that is refused."""

ALONE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TQDM_DISABLE": "1"}
"""Environment in which nothing is fetched, and no progress is shown but this command's own."""

WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda table, path: table.to_csv(path, index=False),
    ".jsonl": lambda table, path: table.to_json(
        path, orient="records", lines=True, force_ascii=False, double_precision=15
    ),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
}
"""What writes predictions to a file, by its ending."""

DESCRIPTION = """\
Say the emotion of recordings. The voice is always listened to; the words are
written down and read only where the voice is unsure, as the model's method
decides.

A file of up to 15 seconds is one utterance; in a longer one, voice activity says
where the utterances are. A folder is searched for audio files, with all folders
in it. A manifest is a CSV file with a column path, relative to the manifest, and,
if you like, start and end (of a part, in seconds), speaker, dialog, turn_start.
"""

EPILOG = """\
Without --output, a table is printed. In a file, each utterance has its four
probabilities, entropy and varentropy besides. Confidence is how often the model
was right in its study where it was as certain.

exit status: 0 if all went well, 1 if some recordings have problems (said on
stderr, and in the file), 2 for wrong use or a model that is refused
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command; ``None`` for those of the process

    Returns:
        the exit status, see :data:`WELL`

    Raises:
        SystemExit: with status 2 for arguments that are wrong, with 0 after ``--help``
    """
    options = _parser().parse_args(arguments)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("emofuse", description="Speech emotion recognition that knows when it is unsure.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "predict",
        help="say the emotion of recordings",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=predict)
    command.add_argument("model", metavar="MODEL", help="the folder of a model, as in results/<study>/model")
    command.add_argument("places", metavar="RECORDING", nargs="+", help="an audio file, a folder, or a manifest (.csv)")
    command.add_argument(
        "--output",
        type=_output,
        metavar="FILE",
        help=f"write the predictions to a file instead, by its ending: {', '.join(WRITERS)}",
    )
    words = command.add_mutually_exclusive_group()
    words.add_argument(
        "--never-transcribe",
        dest="words",
        action="store_const",
        const="never",
        default="selected",
        help="let the voice alone answer; refused by methods that cannot do without words",
    )
    words.add_argument(
        "--always-transcribe",
        dest="words",
        action="store_const",
        const="always",
        help="write all words down and show them; the method still decides where they count",
    )
    command.add_argument(
        "--budget",
        type=_share,
        metavar="SHARE",
        help="consult the words of no more than this share of utterances, 0 to 1; for methods with a front",
    )
    command.add_argument("--device", choices=("auto", "cpu"), default="auto", help="auto: a GPU where there is one")
    command.add_argument(
        "--fetch", action="store_true", help="fetch checkpoints that are not on this machine; else no network is used"
    )
    return parser


def predict(options: argparse.Namespace) -> int:
    """The command ``emofuse predict``.

    Returns:
        the exit status
    """
    if not options.fetch:
        os.environ.update(ALONE)  # before anything is imported that reads it
    from tqdm import tqdm

    from emofuse.model.model import Model
    from emofuse.model.recordings import collect
    from emofuse.tables import InputError, replacing

    bar = partial(tqdm, file=sys.stderr, disable=None)  # None: where stderr is no terminal
    try:
        model = Model.load(options.model, device=options.device, fetch=options.fetch)
        utterances = collect(options.places, progress=partial(bar, desc="listening", unit="recording"))
        table = model.predict(
            utterances,
            words=options.words,
            budget=options.budget,
            progress=partial(bar, desc="predicting", unit="batch"),
        )
        if options.output:
            with replacing(options.output) as temporary:
                WRITERS[options.output.suffix](table, temporary)
    except (InputError, OSError) as error:
        print(f"emofuse: {error}", file=sys.stderr)
        return REFUSED
    if not options.output:
        sys.stdout.writelines(f"{line}\n" for line in lines(table, _width()))
    troubled = table[table["problem"].notna()]
    for recording, problem in zip(troubled["recording"], troubled["problem"], strict=True):
        print(f"emofuse: {_printable(recording)}: {_printable(problem)}", file=sys.stderr)
    return PROBLEMS if len(troubled) else WELL


def lines(table: pd.DataFrame, width: int | None) -> list[str]:
    """Predictions as text, in columns: a heading, and a line per utterance that has an answer.

    Args:
        table: what a model predicts, the `predicted` table
        width: of the terminal; longer lines, which end in the words, are shortened; ``None`` for any width
    """
    heading = ("recording", "from", "to", "emotion", "confidence", "words", "text")
    rows = [
        (
            _end(_printable(row.recording), width and max(width // 3, 12)),
            _time(row.start),
            _time(row.end),
            row.emotion,
            "" if math.isnan(row.confidence) else f"{row.confidence:.0%}",
            "yes" if row.selected else "no",
            _printable(row.text).strip() if isinstance(row.text, str) else "",
        )
        for row in table[table["problem"].isna()].itertuples()
    ]
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    right = [name in ("from", "to", "confidence") for name in heading]
    text = [
        "  ".join(
            cell.rjust(size) if is_right else cell.ljust(size)
            for cell, size, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (heading, *rows)
    ]
    return [line if width is None or len(line) <= width else line[: width - 1] + "…" for line in text]


def _end(name: str, most: int | None) -> str:
    """The end of a name, which tells more than its beginning.

    >>> _end("interviews/anna/001.wav", 12)
    '…nna/001.wav'
    """
    return name if most is None or len(name) <= most else "…" + name[1 - most :]


def _time(seconds: float) -> str:
    """Minutes and seconds.

    >>> _time(75.25)
    '1:15.2'
    """
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest / 10:04.1f}"


def _printable(text: str) -> str:
    """A text without what would move a terminal's cursor or end the line: names and words may hold anything."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in WRITERS:
        problem: Problem = f"{text!r} ends in {path.suffix!r}; should end in one of {', '.join(WRITERS)}"
        raise argparse.ArgumentTypeError(problem)
    if path.is_dir() or not os.access(path.parent, os.W_OK):  # said before the work, not after it
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; should be a file in a folder that can be")
    return path


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}; should be a share between 0 and 1, such as 0.1")
    return share


if __name__ == "__main__":
    sys.exit(main())
