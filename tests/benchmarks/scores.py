"""How time and memory of the stages after the speech model grow with a corpus.

    python tests/benchmarks/scores.py [--sizes 5000 50000 500000] [--folds 10] [--methods speech paper …]

Made corpora: speakers of 100 utterances, who talk in pairs, in dialogs of 50 turns. Each session is a fold, which tests
that session and validates on the next. The text expert, every method of the released study, the evaluation of all of
them, the utterances that tell and the pictures are run by the scripts of their rules, a process each. Printed are its
processor time, its peak memory, and the exponent of growth of the time from the size before. Target: at most 1.1.

At the end the smallest corpus with 5 folds: a stage's memory should not depend on their number. Corpora and results lie
in a temporary folder, or in ``--folder``.
"""

from __future__ import annotations

import argparse
import importlib
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers import ROOT, listed, make_scores, peak_memory, softmax

from emofuse import contracts, figures, tables
from emofuse.places import CHOSEN
from emofuse.study import Study
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH

OF_SPEAKER, OF_DIALOG = 100, 50
"""Utterances of a speaker, and of a dialog."""

VOCABULARY = 5_000
"""Different words, as likely as 1 / rank; each transcript has eight."""

IMPORTED = ("scores", "fusion.folds", "text.expert", "evaluation.leaderboard", "evaluation.telling", "figures.method")
"""What is imported before the clock runs."""


def load_study() -> Study:
    return Study.load(yaml.safe_load((ROOT / "config/released.yaml").read_text()), "released.yaml", ROOT / "config")


def stages(methods: list[str]) -> list[str]:
    return ["text_expert", *(f"fuse {method}" for method in methods), "evaluate", "telling", "figures"]


def make_corpus(folder: Path, utterances: int, folds: int) -> None:
    """The tables that the stages begin with."""
    made, number = make_scores(utterances), np.arange(utterances)
    random = np.random.default_rng(1)
    # Two speakers talk to each other in turn; a pair is of one session.
    pair = number // (2 * OF_SPEAKER)
    frequency = 1 / np.arange(1, VOCABULARY + 1)
    words = random.choice(VOCABULARY, (utterances, 8), p=frequency / frequency.sum())
    tells = random.random(utterances) < 0.3
    said = [" ".join(f"w{word}" for word in row) for row in words]
    spoken = made[["emotion", *SENTIMENT]].assign(
        utterance=[f"u{one:07d}" for one in number],
        speaker=[f"s{one:05d}" for one in pair * 2 + number % 2],
        dialog=[f"d{one:05d}" for one in number // OF_DIALOG],
        turn_start=(number % OF_DIALOG).astype(float),
        condition=np.where(number // OF_DIALOG % 2, "improvised", "scripted"),
        transcript=np.where(tells, made["emotion"] + " " + pd.Series(said), said),
    )
    tables.write(spoken, contracts.SPOKEN, folder / "spoken.parquet")
    session = pair % folds
    corpus = spoken.drop(columns=[*SENTIMENT, "transcript"])
    corpus = corpus.assign(corpus="made", session=session, given_fold=None, given_split=None)
    tables.write(corpus, contracts.UTTERANCES, folder / "utterances.parquet")
    texts = spoken[["utterance"]].assign(text=spoken["transcript"], mean_log_probability=0, no_speech_probability=0)
    tables.write(texts, contracts.TRANSCRIPTS, folder / "transcripts.parquet")
    logits = np.log(made[SPEECH].to_numpy())
    with (
        tables.writing_folds(contracts.FOLDS, folder / "folds.parquet") as write_fold,
        tables.writing_folds(contracts.SCORES, folder / "scores.parquet") as write_scores,
    ):
        for fold in range(folds):
            split = np.select([session == fold, session == (fold + 1) % folds], ["test", "validation"], "train")
            rows = spoken[["utterance"]].assign(fold=f"f{fold:02d}", split=split)
            write_fold(rows)
            heard = softmax(logits + 0.3 * np.random.default_rng(fold + 2).normal(size=(utterances, len(EMOTIONS))))
            write_scores(rows.assign(**dict(zip(SPEECH, heard.T, strict=True))))


def job_of(stage: str, methods: list[str], study: Study, folder: Path) -> tuple[str, SimpleNamespace]:
    """The script of a stage, and what Snakemake would hand to it."""
    rule, _, method = stage.partition(" ")
    beginning = {name: str(folder / f"{name}.parquet") for name in ("scores", "spoken", "folds")}
    experiment = study.experiments["iemocap"]

    def of(some: list[str], file: str) -> list[str]:
        return [str(folder / name / file) for name in some]

    def files(*names: str, endings: str = "parquet") -> dict[str, str]:
        return {name: str(folder / method / f"{name}.{endings}") for name in names}

    read = [str(folder / "text_expert.parquet")]
    compared, candidates = ([name for name in methods if name in some] for some in (study.compared, study.candidates))
    recipe: dict[str, Any] = {"methods": methods}
    match rule:
        case "text_expert":
            recipe = study.text_expert_recipe([f"f{fold:02d}" for fold in range(100)])
            given = {name: [str(folder / f"{name}.parquet")] for name in ("utterances", "transcripts")}
            given, made = beginning | given | {"embeddings": []}, {"text_expert": read[0]}
        case "fuse":
            recipe = experiment.fusion_recipe(method)
            given = beginning | {"text_expert": read if method in study.reading_text else []}
            made = files("predictions", "trials", "inner", "front") | files("parameters", endings="json")
        case "evaluate":
            recipe |= {"title": "made", "candidates": candidates, "ceilings": study.ceilings, "seed": [0]}
            recipe |= study.config["evaluation"]
            given = {"predictions": of(methods, "predictions.parquet")}
            given |= {"inner": of(candidates, "inner.parquet")}
            made = {name: str(folder / f"{name}.parquet") for name in ("choices", "metrics", "comparison")}
            made |= {"chosen": str(folder / CHOSEN / "predictions.parquet"), "leaderboard": str(folder / "board.md")}
        case "telling":
            recipe = {"methods": compared, "reading_text": study.reading_text}
            given = beginning | {"text_expert": read, "predictions": of(compared, "predictions.parquet")}
            made = {"telling": str(folder / "telling.parquet")}
        case "figures":
            rule, recipe = "figures_methods", {"methods": compared}
            given = {"metrics": str(folder / "metrics.parquet"), "predictions": of(compared, "predictions.parquet")}
            given |= {"parameters": of(compared, "parameters.json")}
            made = {figure: of(compared, f"{figure}.png") for figure in figures.OF_METHOD}
    return rule, SimpleNamespace(
        input=listed(given),
        output=listed(made),
        params=SimpleNamespace(recipe=recipe),
        wildcards=SimpleNamespace(method=method),
        log=[str(folder / "logs" / f"{stage}.log")],
        threads=1,
    )


def one_stage(stage: str, methods: list[str], folder: Path) -> None:
    """Print processor time in seconds and the peak memory of the process in MiB."""
    for name in IMPORTED:
        importlib.import_module(f"emofuse.{name}")
    rule, job = job_of(stage, methods, load_study(), folder)
    start = time.process_time()
    runpy.run_path(str(ROOT / "workflow/scripts" / f"{rule}.py"), init_globals={"snakemake": job})
    print("measured", time.process_time() - start, peak_memory())


def measure(*arguments: str | Path) -> tuple[float, int]:
    """Run this file in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    seconds, peak = output.rpartition("measured")[2].split()
    return float(seconds), int(peak)


def compare(folder: Path, sizes: list[int], folds: int, methods: list[str]) -> None:
    """Print a line per stage and corpus."""
    corpora = [(size, folds) for size in sizes] + [(sizes[0], 5)]
    print(f"{'stage':32}{'utterances':>12}{'folds':>7}{'seconds':>10}{'exponent':>10}{'MiB':>8}")
    last: dict[str, tuple[int, float]] = {}
    for size, number in corpora:
        place = folder / f"{size}-{number}"
        if not (place / "scores.parquet").exists():
            measure("corpus", place, str(size), str(number))
        for stage in stages(methods):
            seconds, peak = measure("stage", place, stage, ",".join(methods))
            before = last.get(stage)
            exponent = np.log(seconds / before[1]) / np.log(size / before[0]) if before and number == folds else np.nan
            print(f"{stage:32}{size:12,}{number:7}{seconds:10.1f}{exponent:10.2f}{peak:8,}", flush=True)
            last[stage] = size, seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 50_000, 500_000])
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--methods", nargs="+", default=list(load_study().methods))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        compare(options.folder or Path(temporary), options.sizes, options.folds, options.methods)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["corpus", folder, utterances, folds]:
            make_corpus(Path(folder), int(utterances), int(folds))
            print("measured", time.process_time(), peak_memory())
        case ["stage", folder, stage, methods]:
            one_stage(stage, methods.split(","), Path(folder))
        case _:
            main()
