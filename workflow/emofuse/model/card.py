"""The model card: what a model was trained on, what the study says to expect of it, and what it is not for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from emofuse import accuracy
from emofuse.evaluation import statistics
from emofuse.evaluation.leaderboard import board, conditions, is_crossed
from emofuse.evaluation.wording import condition_name, drawn, in_markdown, interval_name, over_folds, signed, spread
from emofuse.places import checkpoint_name
from emofuse.provenance import seed
from emofuse.tables import EMOTIONS, SPLITS

LICENCES = {
    "cardiffnlp/twitter-xlm-roberta-base-sentiment": "none given on its page",
    "facebook/wav2vec2-base": "Apache 2.0",
}
"""Of the checkpoints of the project's own configs: ``license`` in their ``README.md`` on the hub."""

WHISPER_LICENCE = "MIT"
"""Of Whisper's own models: the ``README.md`` of github.com/openai/whisper, which says so of code and weights."""

TESTED = {
    "folds": "Each member was tested on speakers that it was not trained on; together they were not tested. Together "
    "they consult the words wherever one of them does.",
    "one of these": "The model is that of one of these folds, and was tested as each of them.",
    "all": "These figures are the study's, of the folds' models, each of which kept speakers for its test. This model "
    "was not tested: all speakers of the corpus have trained or validated it.",
}
"""What was tested, and what was not, by how the model was trained."""


def card(
    recipe: Mapping[str, Any],
    described: Mapping[str, Any],
    predictions: pd.DataFrame,
    comparison: pd.DataFrame,
    metrics: pd.DataFrame,
    trained: pd.DataFrame,
) -> str:
    """The card as Markdown.

    Args:
        recipe: :attr:`emofuse.study.Study.model_recipe`
        described: ``model.json``
        predictions: the method's `predictions` table
        comparison: the `comparison` table of the experiment
        metrics: the `metrics` table of the experiment
        trained: the rows of the `folds` table that trained and validated, with what is known of their utterances
    """
    method = recipe["method"]
    sections = {
        f"{recipe['study']} / {recipe['experiment']} / {method}": _summary(recipe, described),
        "Trained on": _trained_on(recipe, trained),
        "What to expect": _expected(recipe, predictions, comparison, metrics),
        "Limits": _limits(recipe),
        "Checkpoints": _checkpoints(described),
        "Files": _files(),
    }
    lines: list[str] = []
    for number, (title, said) in enumerate(sections.items()):
        lines += [f"{'##' if number else '#'} {in_markdown(title)}", "", *said, ""]
    return "\n".join(lines)


def _summary(recipe: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[str]:
    members = described["members"]
    yield f"Says of recorded speech whether it is {', '.join(EMOTIONS[:-1])} or {EMOTIONS[-1]}."
    yield f"The method is {in_markdown(recipe['method'])}: {in_markdown(recipe['summary'])}"
    if recipe["note"]:
        yield in_markdown(recipe["note"])
    if len(members) > 1:
        yield (
            f"Its {len(members)} members, one per fold ({in_markdown(', '.join(members))}), answer together, by the "
            "geometric mean of their probabilities."
        )
    yield from ("", "    emofuse predict THIS_FOLDER RECORDING…")


def _trained_on(recipe: Mapping[str, Any], trained: pd.DataFrame) -> Iterator[str]:
    for name, said in recipe["described"]:
        yield f"- {name}: {in_markdown(said)}"
    yield from ("", "| member | split | corpus | speakers | utterances |", "|---|---|---|---:|---:|")
    groups = trained.assign(split=pd.Categorical(trained["split"], SPLITS)).groupby(
        ["fold", "split", "corpus"], observed=True
    )
    for (fold, split, corpus), rows in groups:
        counts = f"{rows['speaker'].nunique()} | {len(rows)}"
        yield f"| {in_markdown(fold)} | {split} | {in_markdown(corpus)} | {counts} |"
    yield from ("", "`trained_on.parquet` names them. Validation rows chose among models and fitted the method.")
    if recipe["training"] == "all":
        yield (
            f"The member is {in_markdown(recipe['folds'][0])}, the first by name of the folds in which one session (or "
            "speaker) validates and all other speakers train. The protocol above is that of the study's test."
        )


def _expected(
    recipe: Mapping[str, Any], predictions: pd.DataFrame, comparison: pd.DataFrame, metrics: pd.DataFrame
) -> Iterator[str]:
    crossed, method = is_crossed(comparison), recipe["method"]
    yield over_folds(sorted(predictions["fold"].unique()), crossed)
    yield TESTED["folds" if recipe["training"] == "folds" else "one of these" if recipe["is_cross"] else "all"]
    yield f"Intervals are over {drawn(crossed)}. UA is the mean recall of the four emotions."
    name = interval_name(recipe["confidence"])
    yield from ("", f"| condition | UA | {name} | over folds | UA − voice alone | {name} | words consulted |")
    yield "|---|---:|---:|---:|---:|---:|---:|"
    parts = dict(accuracy.by_condition(predictions))
    for condition in conditions(comparison):
        rows = board(comparison, metrics, condition, [])
        row = rows[rows["method"] == method].iloc[0]
        low, high = statistics.interval(
            accuracy.confusions(parts[condition], "predicted", statistics.AXES),
            None,
            "UA",
            crossed=crossed,
            confidence=recipe["confidence"],
            resamples=recipe["resamples"],
            seed=seed(*recipe["seed"], "interval"),
        )
        alone = pd.isna(row["difference"])
        cells = (
            condition_name(condition),
            f"{row['UA']:.3f}",
            "" if pd.isna(low) else spread(low, high),
            spread(row["least"], row["most"]),
            "" if alone else signed(row["difference"]),
            "" if alone or pd.isna(row["low"]) else f"{signed(row['low'])} … {signed(row['high'])}",
            f"{row['selected']:.1%}",
        )
        yield f"| {' | '.join(cells)} |"
    yield from (
        "",
        "`confidence` in a prediction is how often the study's test predictions that were as certain were right.",
    )


def _limits(recipe: Mapping[str, Any]) -> Iterator[str]:
    language = (recipe["transcripts"] or {}).get("language")
    spoken = f"Whisper writes down {language!r}" if language else "Whisper guesses the language"
    yield f"- It has heard the corpora above and no others. In these, emotions are largely acted. {spoken}."
    yield "- It knows four emotions. Any other, and what is none, is given one of these all the same."
    yield "- Noise, other microphones, children's voices, other accents and languages were not tested."
    yield "- It is for research. It is not for decisions about people: who is hired, watched, treated or judged."
    yield from (f"- {in_markdown(note)}" for note in recipe["notes"] if note)


def _checkpoints(described: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| for | checkpoint | licence |", "|---|---|---|")
    stages = {name: described[name] or {} for name in ("speech", "transcripts", "sentiment")}
    stages |= {"text expert": dict(described["text_experts"]).get("encoder", {})}
    for name, entry in stages.items():
        checkpoint = entry.get("checkpoint")
        if checkpoint:
            known = WHISPER_LICENCE if name == "transcripts" and "name" in checkpoint else "unknown"
            licence = LICENCES.get(checkpoint.get("name", ""), known)
            yield f"| {name} | `{checkpoint_name(checkpoint)}` | {licence} |"
    if "checkpoint" not in described["speech"]:
        yield "| speech | fine-tuned, in `members/` | that of the encoder that it was made of |"


def _files() -> Iterator[str]:
    yield "`digests.json` holds the SHA-256 of every other file; a folder in which one differs is not loaded."
    yield "It is a model of MLflow: `mlflow models serve -m THIS_FOLDER --env-manager local` answers requests."
    yield "Nothing here is a pickle: weights are safetensors, what scikit-learn has learned is kept by skops."
