"""A study: what its config asks for, and where everything of it lies.

Rules, report and tracking ask here for experiments, folds, files and models, for what a job's result depends on,
and for what a reader of the results should know. Neither Snakemake nor a model is known here.

Paths are relative to the folder that a study runs in, so that a project that is moved reruns nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from emofuse import code, figures, parts, provenance
from emofuse.corpus import Corpus
from emofuse.memory import Memory
from emofuse.places import LIBRARY, RESULTS, SCRIPTS, checkpoint_key, checkpoint_name
from emofuse.tables import InputError, Problem, Problems

SHARD = "{shard}-of-{shards}"
"""A shard's file, but for the ending; shards are numbered from 0."""

HEARS = ("recordings", "embeddings", "transcripts")
"""The rules that open a corpus's audio as its labels list it."""


class Experiment:
    """An experiment of a study: a training corpus, a test corpus and a protocol."""

    def __init__(self, name: str, study: Study) -> None:
        self.name, self.study = name, study
        self.config, self.facts = study.config["experiments"][name], study.facts["experiments"][name]
        self.train, self.test = (study.corpora[self.config[role]] for role in ("train", "test"))
        self.corpora = list(dict.fromkeys([self.train, self.test]))
        self.folder = f"{study.folder}/{name}"
        self.is_published = self.test.is_published

    @cached_property
    def folds(self) -> list[str]:
        """The folds that it runs: those of the config, else all that the corpora have."""
        return self.config["folds"] or self.plan["names"]

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The names of all folds, and problems of those that it runs; both empty where a corpus does not exist yet."""
        if not all(corpus.contents for corpus in self.corpora):
            return {"names": [], "problems": []}
        if self.is_published:
            return {"names": self.test.reader.folds(self.test.path), "problems": []}
        key = [self.config, [corpus.contents["utterances"] for corpus in self.corpora], self.study.uses_text_expert]
        key.append(provenance.code_digest(SCRIPTS / "folds.py", self.facts["path"]))
        return self.study.memory.recall(f"folds-{self.study.name}-{self.name}", key, self._plan)

    def _plan(self) -> dict[str, Any]:
        import pandas as pd

        from emofuse import splits

        labels = [corpus.labels for corpus in self.corpora]
        protocol, problems = parts.load(self.facts["path"]), []
        try:
            names = splits.fold_names(protocol, *labels, **self.facts["parameters"])
            asked = [fold for fold in self.config["folds"] or names if fold in names]
            folds = splits.folds(protocol, *labels, only=asked, **self.facts["parameters"])
            splits.check(folds, pd.concat(labels))
        except InputError as error:
            return {"names": [], "problems": error.problems}
        if self.study.uses_text_expert:
            train = folds[folds["split"] == "train"]
            speakers = train["utterance"].map(labels[0].set_index("utterance")["speaker"])
            for fold, count in speakers.groupby(train["fold"]).nunique().items():
                if count < 2:
                    problems.append(f"fold {fold} trains on one speaker; should be two or more for a text expert")
        return {"names": names, "problems": problems}

    @property
    def folds_recipe(self) -> dict[str, Any]:
        """The recipe of its folds."""
        protocol = self.facts["path"]
        return self.study.recipe("folds", protocol, protocol=protocol, parameters=self.facts["parameters"])

    @property
    def transcripts(self) -> str:
        """A corpus's transcripts, but for the ending."""
        return _place("transcripts", "published") if self.is_published else self.study.transcripts

    def text_expert(self, method: str) -> list[str]:
        """The text expert's table, where a method reads it."""
        is_read = self.study.facts["methods"][method]["reads_text_expert"]
        return [f"{self.folder}/text_expert.parquet"] if is_read else []

    def fusion_recipe(self, method: str) -> dict[str, Any]:
        """The recipe of a fusion method."""
        path, seed = self.study.facts["methods"][method]["path"], [self.study.config["seed"], self.test.name]
        return self.study.recipe("fuse", path, path=path, method=self.study.methods[method], seed=seed)

    @cached_property
    def results(self) -> dict[str, Any]:
        """The paths of its tables."""
        wer = None if self.is_published else self.study.wer_of(self.test)
        return {name: f"{self.folder}/{name}.parquet" for name in ("scores", "metrics", "comparison")} | {"wer": wer}

    @cached_property
    def figures(self) -> dict[str, str]:
        """The paths of its pictures, by name."""
        return {name: f"{self.folder}/figures/{name}.png" for name in figures.OF_EXPERIMENT}

    @cached_property
    def methods(self) -> dict[str, dict[str, Any]]:
        """The paths of each method's tables and pictures."""
        endings = {"predictions": "parquet", "parameters": "json", "trials": "parquet"}
        return {
            method: {name: f"{self.folder}/fusion/{method}/{name}.{ending}" for name, ending in endings.items()}
            | {"figures": {name: f"{self.folder}/figures/{method}/{name}.png" for name in drawn}}
            for method in self.study.methods
            for drawn in ([] if method == "speech" else figures.OF_METHOD,)
        }

    @property
    def files(self) -> list[str]:
        """All its tables and pictures."""
        whole = [*self.results.values(), f"{self.folder}/leaderboard.md", *self.figures.values()]
        for paths in self.methods.values():
            whole += [*(path for name, path in paths.items() if name != "figures"), *paths["figures"].values()]
        return [path for path in whole if path]

    @property
    def chapter(self) -> dict[str, Any]:
        """What the report's chapter on it says, and of which files."""
        described = {
            "trained on": self.train.name,
            "tested on": self.test.name,
            "protocol": self.config["protocol"].replace("_", " "),
        }
        keys = {"facts": described, "ceilings": self.study.ceilings, "figures": self.figures, "methods": self.methods}
        return keys | self.results

    @property
    def runs(self) -> dict[str, Any]:
        """What its runs in MLflow are about, and of which files."""
        keys = {
            "corpus": " -> ".join(dict.fromkeys([self.train.name, self.test.name])),
            "protocol": self.config["protocol"],
            "models": self.models,
        }
        return keys | {"figures": self.figures, "methods": self.methods} | self.results

    @property
    def models(self) -> dict[str, Any]:
        """The models that it uses, where it begins with audio."""
        if self.is_published:
            return {}
        speech, transcripts, sentiment = (self.study.config[key] for key in ("speech", "transcripts", "sentiment"))
        whisper = {"checkpoint": checkpoint_name(transcripts["checkpoint"])}
        return {
            "speech": {"checkpoint": checkpoint_name(speech["checkpoint"])}
            | {key: speech[key] for key in ("classifier", "calibration")},
            "transcripts": whisper if transcripts["source"] == "whisper" else {"source": "reference"},
            "sentiment": {
                "checkpoint": checkpoint_name(sentiment["checkpoint"]),
                "normalisation": sentiment["normalisation"],
            },
        }


class Study:
    """A study.

    Args:
        config: completed
        facts: what the parts that it names say of themselves, see :class:`emofuse.completion.Completed`
        what: the config without what changes no result
        memory: what earlier starts computed
    """

    def __init__(self, config: dict[str, Any], facts: dict[str, Any], what: dict[str, Any], memory: Memory) -> None:
        self.config, self.facts, self.what, self.memory = config, facts, what, memory
        self.name = config["study"]
        self.folder = f"{RESULTS}/{self.name}"
        self.methods = config["methods"]
        self.corpora = {
            name: Corpus(name, entry, facts["corpora"][name], Path(config["data_dir"], entry["path"]), memory, folds)
            for name, entry in config["corpora"].items()
            for folds in [_asked(config["experiments"], name)]
        }
        self.experiments = {name: Experiment(name, self) for name in config["experiments"]}
        self.corpus_of_folder = {corpus.folder: corpus for corpus in self.corpora.values()}

    @classmethod
    def load(cls, config: dict[str, Any], source: str = "config", folder: str | Path = ".") -> Study:
        """A study from its config as written.

        Args:
            config: as written in the study's file
            source: what errors name, the file
            folder: that of the file

        Raises:
            InputError: with everything that is wrong with the config
        """

        def complete() -> tuple[Any, ...]:
            from emofuse import completion

            return tuple(completion.complete(config, source, folder))

        memory = Memory(RESULTS / "cache")
        elsewhere = code.state(code.sources_named(json.dumps(config, default=str, ensure_ascii=False), folder))
        # As text, since the order of methods and experiments counts, and a config may hold what JSON does not know.
        key = [json.dumps(config, default=str), source, str(folder), code.state(LIBRARY), elsewhere]
        return cls(*memory.recall(f"config-{provenance.digest(source)[:8]}", key, complete), memory)

    # --- What a result depends on ------------------------------------------------------------------------------------

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of the code of each rule; of a rule that names parts by their path, with each of these."""
        readers = [facts["path"] for facts in self.facts["corpora"].values()]
        rules = {script.stem: [()] for script in SCRIPTS.glob("*.py")} | {
            **{rule: [(path,) for path in readers] for rule in (*HEARS, "utterances", "references", "published")},
            "folds": [(facts["path"],) for facts in self.facts["experiments"].values()],
            "fuse": [(facts["path"],) for facts in self.facts["methods"].values()],
            "front": [tuple(self.fronts.values())],
            **{rule: [(path,)] for rule, path in self.normalisations.items()},
        }
        outside = {root for several in rules.values() for roots in several for root in roots}
        files = [file for root in sorted(outside) if not root.startswith("emofuse.") for file in code.sources(root)]
        state = [code.state(LIBRARY), code.state(SCRIPTS), code.state(files)]

        def compute() -> dict[str, str]:
            return {
                " ".join((rule, *roots)): provenance.code_digest(SCRIPTS / f"{rule}.py", *roots)
                for rule, several in rules.items()
                for roots in several
            }

        return self.memory.recall(f"code-{self.name}", [state, rules], compute)

    def recipe(self, rule: str, *roots: str, **values: Any) -> dict[str, Any]:
        """All that the result of a job depends on besides its inputs, plain and with its keys in order.

        Args:
            rule: the rule, whose script has its name
            roots: paths of parts that the script reaches by name only
            values: what else
        """
        return json.loads(provenance.canonical(values | {"code": self.digests[" ".join((rule, *roots))]}))

    def corpus_recipe(self, rule: str, folder: str, **values: Any) -> dict[str, Any]:
        """The recipe of a table that is read from a corpus's labels; arguments as in :meth:`recipe`."""
        corpus = self.corpus_of_folder[folder]
        path = corpus.facts["path"]
        keys = ("emotions", *(("rejects", "min_duration") if rule in HEARS else ()))
        of_corpus = {
            "corpus": corpus.name,
            "reader": path,
            "parameters": corpus.facts["parameters"],
            "contents": corpus.contents.get(rule),
            "folds": corpus.folds,
            **{key: corpus.config[key] for key in keys},
        }
        return self.recipe(rule, path, **of_corpus | values)

    def shard_recipe(self, rule: str, folder: str, shard: str, shards: str, **values: Any) -> dict[str, Any]:
        """The recipe of a job that hears a shard of a corpus: of the labels, what they say of its own recordings.

        Args:
            rule: the rule
            folder: the corpus's
            shard: its number
            shards: how many shards there are
            values: what else
        """
        contents = self.corpus_of_folder[folder].contents_of_shards(int(shards))[shard]
        return self.corpus_recipe(rule, folder, contents=contents, **values)

    def whisper_recipe(self, folder: str) -> dict[str, Any]:
        """What transcripts depend on."""
        keys = {key: self.config["transcripts"][key] for key in ("checkpoint", "language")}
        return keys | {"seed": [self.config["seed"], self.corpus_of_folder[folder].name, "transcripts"]}

    @cached_property
    def normalisations(self) -> dict[str, str]:
        """The paths of the normalisations, by the rule that normalises."""
        names = {"sentiment": self.config["sentiment"]["normalisation"]}
        names["wer"] = self.config["transcripts"]["wer_normalisation"]
        return {rule: parts.locate(parts.NORMALISATION, name) for rule, name in names.items()}

    # --- Where things are --------------------------------------------------------------------------------------------

    @cached_property
    def embeddings(self) -> str:
        """A corpus's embeddings, but for the ending."""
        speech = self.config["speech"]
        return _place("embeddings", checkpoint_key(speech["checkpoint"], precision=speech["embeddings"]["precision"]))

    @cached_property
    def transcripts(self) -> str:
        """A corpus's transcripts, but for the ending."""
        return _place("transcripts", self._transcripts_key)

    @property
    def _transcripts_key(self) -> str:
        entry = self.config["transcripts"]
        whisper = checkpoint_key(entry["checkpoint"], language=entry["language"], seed=self.config["seed"])
        if entry["source"] == "whisper":
            return whisper
        return f"reference-or-{whisper}" if entry["fill_in"] else "reference"

    @cached_property
    def sentiment(self) -> str:
        """A corpus's sentiment."""
        entry = self.config["sentiment"]
        key = checkpoint_key(entry["checkpoint"], normalisation=entry["normalisation"])
        return f"{_place('sentiment', self._transcripts_key)}/{key}.parquet"

    @cached_property
    def wer(self) -> str:
        """A corpus's word errors."""
        return f"{_place('wer', self._transcripts_key)}-{self.config['transcripts']['wer_normalisation']}.parquet"

    def shards(self, pattern: str, corpus: str, size: int, ending: str) -> list[str]:
        """The files of a stage's shards; one that no utterance falls into is left out.

        Args:
            pattern: the stage's table, but for the ending
            corpus: the corpus's folder
            size: utterances per shard, on average; where shards were begun, there are as many as there were
            ending: of the files
        """
        folder, of_folder = Path(pattern.format(corpus=corpus)), self.corpus_of_folder[corpus]
        begun = [int(path.stem.split("-")[-1]) for path in folder.glob(f"[0-9]*-of-*.{ending}")]
        shards = min(begun, default=-(-of_folder.utterances // size))
        names = [SHARD.format(shard=shard, shards=shards) for shard in of_folder.contents_of_shards(shards)]
        return [f"{folder}/{name}.{ending}" for name in names]

    def wer_of(self, corpus: Corpus) -> str | None:
        """A corpus's word errors, where Whisper writes words down that can be compared with references."""
        return self.wer.format(corpus=corpus.folder) if self.config["transcripts"]["source"] == "whisper" else None

    @staticmethod
    def log(rule: str, place: str = "") -> str:
        """The log of a job.

        Args:
            rule: the job's rule
            place: of its result, whose wildcards the log's path takes over
        """
        return str(RESULTS / "logs" / rule / f"{_below_results(place) or rule}.log")

    @staticmethod
    def benchmark(rule: str, place: str) -> str:
        """The benchmark of a job, see :meth:`log`."""
        return str(RESULTS / "benchmarks" / rule / f"{_below_results(place)}.tsv")

    @property
    def files(self) -> list[str]:
        """All tables and pictures of all experiments."""
        return [file for experiment in self.experiments.values() for file in experiment.files]

    @property
    def targets(self) -> list[str]:
        """What a study makes."""
        return [f"{self.folder}/report.html", f"{self.folder}/tracking.json"]

    def experiments_of(self, *, published: bool) -> list[str]:
        """The experiments that begin with published scores, or those that begin with audio."""
        return [name for name, experiment in self.experiments.items() if experiment.is_published == published]

    def corpora_of(self, *, published: bool) -> list[str]:
        """The folders of the corpora of published scores, or of those of audio."""
        return [corpus.folder for corpus in self.corpora.values() if corpus.is_published == published]

    # --- What methods say of themselves ------------------------------------------------------------------------------

    @property
    def compared(self) -> list[str]:
        """The methods that are compared with speech."""
        return [name for name in self.methods if name != "speech"]

    @property
    def ceilings(self) -> list[str]:
        """The methods that see the test labels."""
        return [name for name, facts in self.facts["methods"].items() if facts["sees_test_labels"]]

    @property
    def fronts(self) -> dict[str, str]:
        """The methods whose search has a Pareto front, and the path of each."""
        return {name: facts["path"] for name, facts in self.facts["methods"].items() if facts["has_front"]}

    @property
    def uses_text_expert(self) -> bool:
        """Whether a method reads the text expert's columns."""
        return any(facts["reads_text_expert"] for facts in self.facts["methods"].values())

    @property
    def notes(self) -> list[str]:
        """What a reader of the results should know about where they come from."""
        corpora = [self.facts["corpora"][experiment.test.name]["note"] for experiment in self.experiments.values()]
        methods = [f"{name}: {facts['note']}" for name, facts in self.facts["methods"].items() if facts["note"]]
        return [note for note in dict.fromkeys([*corpora, *methods]) if note]

    def records(self) -> Iterator[tuple[str, Path]]:
        """What the jobs of this study, as its config is now, were made with: each one's rule and file."""
        listens = self.config["speech"]["classifier"] == "embeddings"
        unused = {"finetune"} if listens else {"embeddings", "merge_embeddings", "speech_classifier"}
        is_whisper = self.config["transcripts"]["source"] == "whisper"
        unused |= {"reference_transcripts"} if is_whisper else {"transcripts", "merge_transcripts"}
        stages = [self.embeddings, self.transcripts, self.sentiment, self.wer]
        keyed = tuple(
            _below_results(stage.format(corpus=folder)) for stage in stages for folder in self.corpus_of_folder
        )
        for file in sorted((RESULTS / "logs").rglob("*.json")):
            rule, *place = file.relative_to(RESULTS / "logs").with_suffix("").parts
            of_study = place[0] == self.name and (rule != "fuse" or place[-1] in self.methods)
            of_corpus = place[0] in self.corpus_of_folder and (len(place) == 1 or "/".join(place).startswith(keyed))
            if rule not in unused and (of_study or of_corpus):
                yield rule, file

    # --- What is wrong -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Say all that is wrong with the corpora and with the folds they give, before anything runs.

        Snakemake reports a corpus that is missing and was never read; the workflow makes the demo's.

        Raises:
            InputError: with everything that is wrong
        """
        problems: Problems = []
        for corpus in {corpus.name: corpus for e in self.experiments.values() for corpus in e.corpora}.values():
            problems += self._problems_of_corpus(corpus)
        if not problems:
            for name, experiment in self.experiments.items():
                problems += [f"experiments.{name}: {problem}" for problem in self._problems_of_folds(experiment)]
        if problems:
            raise InputError(problems)

    def _problems_of_corpus(self, corpus: Corpus) -> Iterator[Problem]:
        was_read = (RESULTS / "corpora" / corpus.folder).exists()
        if not corpus.is_made and was_read and not corpus.path.exists():
            yield f"corpora.{corpus.name}.path: {corpus.path}: no such file or folder; should be where data_dir says"
        try:
            missing = corpus.contents.get("without_reference", [])
        except InputError as error:
            yield from error.problems
            return
        transcripts = self.config["transcripts"]
        if missing and transcripts["source"] == "reference" and not transcripts["fill_in"]:
            yield (
                f"corpora.{corpus.name}: {len(missing)} utterances have no reference transcript "
                f"({', '.join(missing[:3])}, …); transcripts.fill_in: true lets Whisper write these down"
            )

    def _problems_of_folds(self, experiment: Experiment) -> Iterator[Problem]:
        yield from experiment.plan["problems"]
        known = experiment.plan["names"]
        if experiment.config["folds"] is None and any(corpus.is_made for corpus in experiment.corpora):
            yield "folds is missing; should name the folds, since the workflow makes the corpora only later"
        for fold in experiment.config["folds"] or [] if known else []:
            if fold not in known:
                yield f"folds: {fold!r} is no fold; {parts.should_be_one_of(fold, known)}"


def _asked(experiments: Mapping[str, Any], corpus: str) -> list[str] | None:
    """The folds that experiments ask of a corpus; ``None`` for all."""
    asked = [experiment["folds"] for experiment in experiments.values() if experiment["test"] == corpus]
    return None if None in asked else sorted({fold for folds in asked for fold in folds})


def _below_results(place: str) -> str:
    return place.removeprefix(f"{RESULTS}/").removeprefix("corpora/").removesuffix(".parquet")


def _place(stage: str, key: str) -> str:
    return f"{RESULTS}/corpora/{{corpus}}/{stage}/{key}"
