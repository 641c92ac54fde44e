"""What the report of a study tells of each corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from emofuse import contracts, tables
from emofuse.accuracy import ALL
from emofuse.evaluation.wording import condition_name, counted, duration_name
from emofuse.figures.corpus import SPEAKERS, counts
from emofuse.tables import EMOTIONS

QUARTILES = {"fewest": 0.0, "lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75, "most": 1.0}


@dataclass(frozen=True)
class CorpusChapter:
    """What the report tells of a corpus, and the files that it is read from.

    Args:
        name: the corpus's
        reader: the name of what read it
        partial: whether only a part of it is here
        summary: its ``summary`` table
        reasons: its ``reasons`` table
        counts: its ``counts`` table
        picture: its picture
        wer: its ``wer`` table, where there is one
    """

    name: str
    reader: str
    partial: bool
    summary: Path
    reasons: Path
    counts: Path
    picture: Path
    wer: Path | None = None

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> Self:
        """The chapter of a corpus, from what its rule says of it.

        Args:
            recipe: ``name``, ``reader``, ``partial`` and ``files``, the paths ``summary``, ``reasons``, ``counts``,
                ``corpus`` (the picture) and ``wer`` (or None)
        """
        paths = {name: Path(path) for name, path in recipe["files"].items() if path}
        return cls(
            *(recipe[key] for key in ("name", "reader", "partial")),
            *(paths[key] for key in ("summary", "reasons", "counts", "corpus")),
            paths.get("wer"),
        )


def section(chapter: CorpusChapter) -> dict[str, Any]:
    """A corpus as the template shows it.

    Returns:
        ``name``; ``facts``, a phrase each; ``heard``, whether it has audio; ``groups``, the rows of a table each of
        emotions, conditions and sessions; ``speakers``, their ``number``, and as ``rows`` the utterances per speaker
        and emotion, or, where many speakers only ``spread``, the :data:`QUARTILES` of these;
        ``reasons`` and ``counts``, the rows of these tables; ``shown``, what the picture's caption speaks of

    Raises:
        InputError: if a table is missing or bad
    """
    summary = tables.read(contracts.SUMMARY, chapter.summary)
    reasons = tables.read(contracts.REASONS, chapter.reasons)
    published = tables.read(contracts.COUNTS, chapter.counts)
    whole = summary[(summary["by"] == "corpus") & (summary["emotion"] == ALL)].iloc[0]
    is_heard = bool(pd.notna(whole["seconds"]))
    facts = {"reader": chapter.reader.replace("_", " "), "utterances": _size(summary, whole, chapter.partial)}
    if is_heard:
        facts["audio"] = (
            f"{duration_name(whole['seconds'])}; median {duration_name(whole['p50'])}, "
            f"90% from {duration_name(whole['p5'])} to {duration_name(whole['p95'])}"
        )
        facts["left out"] = f"{counted(reasons['utterances'].sum(), 'utterance')} whose audio cannot be used"
    else:
        facts["audio"] = "none: the study begins with published scores"
    rates = None if chapter.wer is None else tables.read(contracts.WER, chapter.wer)
    if rates is not None:
        facts["word error rate"] = word_errors(rates)
    if len(published):
        facts["published counts"] = _agreement(published)
    speakers = counts(summary, "speaker")
    return {
        "name": chapter.name,
        "facts": facts,
        "heard": is_heard,
        "groups": _groups(summary, rates),
        "speakers": {
            "number": len(speakers),
            "spread": len(speakers) > SPEAKERS,
            "rows": (speakers if len(speakers) <= SPEAKERS else _quartiles(speakers)).to_dict("index"),
        },
        "reasons": reasons.to_dict("records"),
        "counts": published.to_dict("records"),
        "shown": {
            "corpus": chapter.name,
            "heard": is_heard,
            "conditions": (summary.loc[summary["by"] == "condition", "emotion"] == ALL).sum(),
            "speakers": len(speakers),
            "most": SPEAKERS,
        },
    }


def _size(summary: pd.DataFrame, whole: pd.Series, partial: bool) -> str:
    sessions = (summary.loc[summary["by"] == "session", "emotion"] == ALL).sum()
    size = (
        f"{whole['utterances']} of the four emotions, by {counted(whole['speakers'], 'speaker')} "
        f"in {counted(sessions, 'session')}"
    )
    return f"{size}; the config says that this is a part of the corpus" if partial else size


def _agreement(published: pd.DataFrame) -> str:
    """How a copy of a corpus stands to the published counts."""
    different = published["differs"].sum()
    if not different:
        return f"as published ({counted(len(published), 'count')})"
    return f"{different} of {len(published)} differ from what was read"


def _groups(summary: pd.DataFrame, rates: pd.DataFrame | None) -> dict[str, list[dict[str, Any]]]:
    """A table each by emotion, by condition and by session: per row utterances, their durations and word errors."""
    whole = summary[summary["by"] == "corpus"].set_index("emotion").loc[[*EMOTIONS, ALL]]
    groups = {"emotion": whole}
    for by in ("condition", "session"):
        rows = summary[(summary["by"] == by) & (summary["emotion"] == ALL)].set_index("group")
        if len(rows) > 1:
            groups[by] = rows.join(counts(summary, by)[list(EMOTIONS)])
    if rates is not None and rates["WER"].notna().any():
        for by, other in (("emotion", "condition"), ("condition", "emotion")):
            if by in groups:
                groups[by] = groups[by].assign(WER=rates[rates[other] == ALL].set_index(by)["WER"])
    return {by: [{"name": name, **row} for name, row in rows.to_dict("index").items()] for by, rows in groups.items()}


def _quartiles(speakers: pd.DataFrame) -> pd.DataFrame:
    """How the utterances of speakers are distributed, over all and of each emotion."""
    return speakers.quantile(list(QUARTILES.values())).set_axis(list(QUARTILES))


def word_errors(rates: pd.DataFrame) -> str:
    """How well the words of a corpus were understood, over all emotions: as a whole, and in each condition.

    Args:
        rates: the ``wer`` table of the corpus
    """
    overall = rates[rates["emotion"] == ALL].dropna(subset="WER").set_index("condition")
    if overall.empty:
        return "unknown, for the corpus has no reference transcripts"
    whole = f"{overall.at[ALL, 'WER']:.1%} of {overall.at[ALL, 'words']} words"
    conditions = overall["WER"].drop(index=ALL)
    if len(conditions) < 2:
        return whole
    return f"{whole} ({', '.join(f'{condition_name(name)} {rate:.1%}' for name, rate in conditions.items())})"
