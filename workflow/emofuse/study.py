"""A study: what its config asks for, and where everything of it lies.

Rules, report and tracking ask here for experiments, folds, files and models, for what a job's result depends on,
and for what a reader of the results should know. Neither Snakemake nor a model is known here.

Paths are relative to the folder that a study runs in, so that a project that is moved reruns nothing.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from emofuse import code, figures, logs, parts, provenance
from emofuse.corpus import Corpus
from emofuse.memory import Memory
from emofuse.places import LIBRARY, RESULTS, SCRIPTS, checkpoint_key, checkpoint_name
from emofuse.speech import SCALINGS
from emofuse.tables import SPLITS, InputError, Problem, Problems


class Source(NamedTuple):
    """What speech models are made of: one per fold, shared by all experiments of a study that train on the same.

    Args:
        name: which the models are seeded by
        folder: of the models, a folder each
        folds: the table of its folds
        corpora: whose utterances these are
        splits: that its folds have
        scaling: how embeddings are standardised
    """

    name: str
    folder: str
    folds: str
    corpora: list[Corpus]
    splits: tuple[str, ...]
    scaling: str


SHARD = "{shard}-of-{shards}"
"""A shard's file, but for the ending; shards are numbered from 0."""

HEARS = ("recordings", "embeddings", "transcripts")
"""The rules that open a corpus's audio as its labels list it."""

LISTS = (*HEARS, "utterances", "references", "counts", "published")
"""The rules that read a corpus's labels."""


class Experiment:
    """An experiment of a study: one or more training corpora, a test corpus and a protocol.

    Attributes:
        sources: the corpora that train
        test: the corpus that tests
        corpora: all of them, that which tests last
        is_cross: whether no corpus trains that tests
        trained_on: the names of the sources
    """

    def __init__(self, name: str, study: Study) -> None:
        self.name, self.study = name, study
        self.config, self.facts = study.config["experiments"][name], study.facts["experiments"][name]
        self.sources = [study.corpora[corpus] for corpus in self.config["train"]]
        self.test = study.corpora[self.config["test"]]
        self.corpora = list(dict.fromkeys([*self.sources, self.test]))
        self.is_cross = self.test not in self.sources
        self.trained_on = "+".join(self.config["train"])
        self.folder = f"{study.folder}/{name}"
        self.is_published = self.test.is_published

    @cached_property
    def folds(self) -> list[str]:
        """The folds that it runs: those of the config, else all that the corpora have."""
        return self.config["folds"] or self.plan["names"]

    @property
    def splitting(self) -> dict[str, Any]:
        """How utterances are used in its folds, whatever the protocol."""
        seed = provenance.seed(self.study.config["seed"], "balance")
        balance = seed if self.config["balance"] == "corpora" else None
        return {"balance": balance} | {key: self.config[key] for key in ("conditions", "speakers_may_repeat")}

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of its protocol, but for its files."""
        return {key: value for key, value in self.facts["parameters"].items() if key not in self.facts["files"]}

    @cached_property
    def files_of_folds(self) -> dict[str, str]:
        """The lists of folds that its protocol reads, by parameter."""
        given = {name: self.facts["parameters"][name] for name in sorted(self.facts["files"])}
        return {name: str(Path(self.study.config["data_dir"], file)) for name, file in given.items() if file}

    @cached_property
    def digests_of_files(self) -> dict[str, str]:
        """A digest of the content of each of these, since a list may be moved."""
        return {name: provenance.file_digest([file]) for name, file in self.files_of_folds.items()}

    @cached_property
    def source(self) -> str:
        """The name under which its speech models are kept: experiments of one name train and validate on the same.

        Across corpora this is made of the sources, and of what else decides which of their utterances are used.
        """
        if not self.is_cross:
            return self.name
        conditions = (self.config["conditions"] or {}).get("train")
        parameters = {key: value for key, value in self.parameters.items() if key in self.facts["given"]}
        other = parameters | self.digests_of_files | {"conditions": conditions, "balance": self.splitting["balance"]}
        other = {key: value for key, value in other.items() if value is not None}
        other |= {} if self.config["protocol"] == "cross_corpus" else {"protocol": self.facts["path"]}
        return f"{self.trained_on}-{provenance.digest(other)[:8]}" if other else self.trained_on

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The names of all folds, and problems and notes of those that it runs; all empty where a corpus is missing."""
        if not all(corpus.contents for corpus in self.corpora):
            return {"names": [], "problems": [], "notes": []}
        if self.is_published:
            return {"names": self.test.reader.folds(self.test.path), "problems": [], "notes": []}
        contents = [[corpus.contents[key] for key in ("utterances", "labelled")] for corpus in self.corpora]
        key = [self.config, self.study.config["seed"], self.files_of_folds, self.digests_of_files, contents]
        key += [self.study.uses_text_expert, provenance.code_digest(SCRIPTS / "folds.py", self.facts["path"])]
        return self.study.memory.recall(f"folds-{self.study.name}-{self.name}", key, self._plan)

    def _plan(self) -> dict[str, Any]:
        import pandas as pd

        from emofuse import splits

        labels = [corpus.labels for corpus in self.corpora]
        utterances = pd.concat(labels, ignore_index=True)
        protocol, parameters = parts.load(self.facts["path"]), self.parameters | self.files_of_folds
        problems: Problems = []
        try:
            names = splits.fold_names(protocol, *labels, conditions=self.config["conditions"], **parameters)
            asked = [fold for fold in self.config["folds"] or names if fold in names]
            folds = splits.folds(protocol, *labels, only=asked, **self.splitting, **parameters)
            notes = splits.check(folds, utterances)
        except InputError as error:
            return {"names": [], "problems": error.problems, "notes": []}
        labelled = {name for corpus in self.corpora for name in corpus.listed.labelled["utterance"]}
        for file in self.files_of_folds.values():
            problems += splits.unknown(file, labelled)
        if self.study.uses_text_expert:
            train = folds[folds["split"] == "train"].merge(utterances, on="utterance")
            people = train.drop_duplicates(["fold", "corpus", "speaker"]).groupby("fold").size()
            for fold, count in people.items():
                if count < 2:
                    problems.append(f"fold {fold} trains on one speaker; should be two or more for a text expert")
        return {"names": names, "problems": problems, "notes": notes}

    @property
    def folds_recipe(self) -> dict[str, Any]:
        """The recipe of its folds."""
        path = self.facts["path"]
        values = {"parameters": self.parameters, "splitting": self.splitting, "files": self.digests_of_files}
        return self.study.recipe("folds", path, protocol=path, **values)

    def models_of(self, scaling: str) -> Source:
        """What its speech models are made of.

        Args:
            scaling: how embeddings are standardised
        """
        if not self.is_cross:
            table = f"{self.folder}/folds.parquet"
            return Source(self.source, f"{self.folder}/folds", table, self.corpora, SPLITS, scaling)
        folder = f"{self.study.folder}/sources/{self.source}"
        models = f"{folder}/{scaling}" if self.study.listens else folder
        return Source(self.source, models, f"{folder}/folds.parquet", self.sources, SPLITS[:2], scaling)

    def speech(self, scaling: str | None = None) -> list[str]:
        """The tables of what the voice says, which together hold every row of its folds.

        Args:
            scaling: how embeddings are standardised, one of :data:`emofuse.speech.SCALINGS`; ``None`` for what the
                config says; another is for experiments across corpora alone
        """
        scaling = scaling or self.study.scaling
        tables = [f"{self.models_of(scaling).folder}/{fold}/speech.parquet" for fold in self.folds]
        if self.is_cross and self.study.listens:
            return [*tables, f"{self.folder}/speech/{scaling}.parquet"]
        if self.is_cross:
            return [*tables, *(f"{self.folder}/folds/{fold}/speech.parquet" for fold in self.folds)]
        return tables

    @property
    def source_folds_recipe(self) -> dict[str, Any]:
        """The recipe of its source's folds, in which nothing is of the target.

        Who is in two splits is checked with the experiment's own folds.
        """
        path, conditions = self.facts["path"], self.config["conditions"]
        of_source = {
            "conditions": {"test": None, "train": (conditions or {}).get("train")},
            "speakers_may_repeat": True,
        }
        values = {"parameters": self.parameters, "files": self.digests_of_files}
        return self.study.recipe("source_folds", path, protocol=path, splitting=self.splitting | of_source, **values)

    @property
    def transcripts(self) -> str:
        """A corpus's transcripts, but for the ending."""
        return _place("transcripts", "published") if self.is_published else self.study.transcripts

    def text_expert(self, *methods: str) -> list[str]:
        """The text expert's table, where one of the methods reads it."""
        is_read = any(self.study.facts["methods"][method]["reads_text_expert"] for method in methods)
        return [f"{self.folder}/text_expert.parquet"] if is_read else []

    def fusion_recipe(self, method: str) -> dict[str, Any]:
        """The recipe of a fusion method."""
        path, seed = self.study.facts["methods"][method]["path"], [self.study.config["seed"], self.test.name]
        number_of_parts = self.study.config["evaluation"]["parts"]
        return self.study.recipe(
            "fuse", path, path=path, method=self.study.methods[method], seed=seed, parts=number_of_parts
        )

    def adaptation_recipe(self, name: str) -> dict[str, Any]:
        """The recipe of an adaptation of its methods."""
        entry, facts = (whole["adaptations"][name] for whole in (self.study.config, self.study.facts))
        speech = self.study.config["speech"]
        training = speech["regression" if speech["classifier"] == "embeddings" else "training"]
        return self.study.recipe(
            "adapt",
            *self.study.roots_of_adaptation(name),
            adaptation=entry["adaptation"],
            parameters=entry["parameters"],
            path=facts["path"],
            methods=[
                {
                    "name": method,
                    "entry": self.study.methods[method],
                    "path": self.study.facts["methods"][method]["path"],
                }
                for method in entry["methods"]
            ],
            seed=[self.study.config["seed"], self.test.name],
            class_weights=training["class_weights"],
        )

    @property
    def adaptation_problems(self) -> Problems:
        """What adaptations ask of its target in vain, where that exists."""
        if not (self.adaptations and self.test.contents):
            return []

        def compute() -> Problems:
            speakers = self.test.labels["speaker"].nunique()
            return [
                f"adaptations.{name}: {problem}"
                for name, facts in self.study.facts["adaptations"].items()
                for problem in parts.load(facts["path"]).problems(speakers, **facts["parameters"])
            ]

        key = [self.test.contents["utterances"], *map(self.adaptation_recipe, self.adaptations)]
        return self.study.memory.recall(f"adaptations-{self.study.name}-{self.name}", key, compute)

    @cached_property
    def results(self) -> dict[str, Any]:
        """The paths of its tables."""
        wer = None if self.is_published else self.study.wer_of(self.test)
        shift = f"{self.folder}/shift.parquet" if self.is_cross else None
        names = ("scores", "choices", "metrics", "comparison")
        return {name: f"{self.folder}/{name}.parquet" for name in names} | {"wer": wer, "shift": shift}

    @cached_property
    def figures(self) -> dict[str, str]:
        """The paths of its pictures, by name."""
        names = [*figures.OF_EXPERIMENT, *(figures.OF_CROSS if self.is_cross else [])]
        return {name: f"{self.folder}/figures/{name}.png" for name in names}

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

    @cached_property
    def adaptations(self) -> dict[str, dict[str, str]]:
        """The paths of the scores that each adaptation starts from and of its tables; none within a corpus."""
        if not self.is_cross:
            return {}
        return {
            name: {
                "scores": f"{folder if facts['scaling'] else self.folder}/scores.parquet",
                "predictions": f"{folder}/predictions.parquet",
                "parameters": f"{folder}/parameters.json",
            }
            for name, facts in self.study.facts["adaptations"].items()
            for folder in [f"{self.folder}/adaptation/{name}"]
        }

    @property
    def gains(self) -> dict[str, str]:
        """The paths of what its adaptations gain: the table and the picture."""
        if not self.adaptations:
            return {}
        return {"table": f"{self.folder}/adaptation.parquet", "figure": f"{self.folder}/figures/adaptation.png"}

    @property
    def files(self) -> list[str]:
        """All its tables and pictures."""
        whole = [*self.results.values(), f"{self.folder}/leaderboard.md", *self.figures.values()]
        for paths in self.methods.values():
            whole += [*(path for name, path in paths.items() if name != "figures"), *paths["figures"].values()]
        for paths in [*self.adaptations.values(), self.gains]:
            whole += paths.values()
        return list(dict.fromkeys(filter(None, whole)))

    @property
    def chapter(self) -> dict[str, Any]:
        """What the report's chapter on it says, and of which files."""
        keys = {"name": self.name, "facts": list(self.described.items()), "ceilings": self.study.ceilings}
        parameters = {name: paths["parameters"] for name, paths in self.adaptations.items()}
        keys["adaptation"] = self.gains | {"parameters": parameters} if self.gains else None
        return keys | {"figures": self.figures, "methods": self.methods} | self.results

    @property
    def described(self) -> dict[str, str]:
        """What is trained, validated and tested on what, in words."""
        sources = " and ".join(self.config["train"])
        conditions = self.config["conditions"] or {"train": None, "test": None}
        of = {side: f", {' and '.join(names)}" if names else "" for side, names in conditions.items()}
        balance = ", as many utterances of each" if self.config["balance"] == "corpora" else ""
        whole = "all of " if self.config["protocol"] == "cross_corpus" else ""
        return {
            "trained on": f"{sources}{of['train']}{balance}",
            "validated and fitted on": f"{sources}{of['train']}",
            "tested on": f"{whole}{self.test.name}{of['test']}",
            "protocol": f"{self.config['protocol'].replace('_', ' ')}: {self.facts['summary']}",
        }

    @property
    def runs(self) -> dict[str, Any]:
        """What its runs in MLflow are about, and of which files."""
        keys = {
            "train": self.trained_on,
            "test": self.test.name,
            "protocol": self.config["protocol"],
            "models": self.models,
            "leaderboard": f"{self.folder}/leaderboard.md",
            "figures": self.figures,
        }
        methods = {
            name: paths | {"path": self.study.facts["methods"][name]["path"], "jobs": self.jobs(name)}
            for name, paths in self.methods.items()
        }
        return keys | {"methods": methods} | self.results

    def jobs(self, method: str) -> list[str]:
        """The jobs whose results a method's runs hold, as patterns for :func:`emofuse.logs.records`."""
        listens, place = self.study.listens, f"{self.study.name}/{self.name}"
        stages = [self.study.embeddings] if listens else []
        stages += [self.study.transcripts, self.study.sentiment, self.study.wer]
        models = _below_results(self.models_of(self.study.scaling).folder)
        folders = [corpus.folder for corpus in self.corpora]
        read = [_below_results(stage.format(corpus=folder)) for folder in folders for stage in stages]
        return [
            f"*/{place}",
            f"source_folds/{self.study.name}/sources/{self.source}",
            f"{'speech_classifier' if listens else 'finetune'}/{models}/*",
            f"{'target_speech' if listens else 'finetuned_target_speech'}/{place}/*",
            f"fuse/{place}/{method}",
            *(f"{rule}/{place}/{name}" for rule in ("adapt", "adapted_scores") for name in self.adaptations),
            *(f"*/{folder}" for folder in folders),
            *(f"*/{glob.escape(begin)}*" for begin in read),
        ]

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
        readers, protocols = (
            [facts["path"] for facts in self.facts[kind].values()] for kind in ("corpora", "experiments")
        )
        rules = {script.stem: [()] for script in SCRIPTS.glob("*.py")} | {
            **{rule: [(path,) for path in readers] for rule in LISTS},
            **{rule: [(path,) for path in protocols] for rule in ("folds", "source_folds")},
            "fuse": [(facts["path"],) for facts in self.facts["methods"].values()],
            "front": [tuple(self.fronts.values())],
            "shift": [tuple(self.selecting.values())],
            "adapt": [tuple(self.roots_of_adaptation(name)) for name in self.config["adaptations"]],
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

    # --- What speech models are made of ------------------------------------------------------------------------------

    @property
    def listens(self) -> bool:
        """Whether the voice is classified by a regression on embeddings, and not by a fine-tuned encoder."""
        return self.config["speech"]["classifier"] == "embeddings"

    @property
    def scaling(self) -> str:
        """How embeddings are standardised."""
        return self.config["speech"]["regression"]["scaling"]

    @cached_property
    def sources(self) -> dict[str, Source]:
        """What speech models are made of, by the folder of the models below the study's."""
        return {
            source.folder.removeprefix(f"{self.folder}/"): source
            for experiment in self.experiments.values()
            if not experiment.is_published
            for scaling in (SCALINGS if experiment.is_cross else [self.scaling])
            for source in [experiment.models_of(scaling)]
        }

    @cached_property
    def shared(self) -> dict[str, Experiment]:
        """An experiment of each source that several experiments may share, by the source's name."""
        return {experiment.source: experiment for experiment in self.experiments.values() if experiment.is_cross}

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
        """All tables and pictures of all experiments, of their corpora, and of what compares them."""
        whole = [path for chapter in self.corpus_chapters for path in chapter["files"].values() if path]
        whole += [file for experiment in self.experiments.values() for file in experiment.files]
        if self.across:
            whole += [self.across["table"], self.across["leaderboard"], *self.across["figures"].values()]
        return list(dict.fromkeys(whole))  # word errors belong to a corpus and to an experiment

    @property
    def corpus_chapters(self) -> list[dict[str, Any]]:
        """What the report's chapters on corpora say, and of which files; those that experiments use, in their order."""
        used = dict.fromkeys(corpus for experiment in self.experiments.values() for corpus in experiment.corpora)
        return [
            {
                "name": corpus.name,
                "reader": corpus.config["reader"],
                "partial": corpus.config["partial"],
                "files": corpus.results | {"wer": None if corpus.is_published else self.wer_of(corpus)},
            }
            for corpus in used
        ]

    @cached_property
    def tested(self) -> dict[str, list[Experiment]]:
        """The experiments that are compared, by the corpus that they test: several, or one that crosses corpora."""
        by_target: dict[str, list[Experiment]] = {}
        for experiment in self.experiments.values():
            by_target.setdefault(experiment.test.name, []).append(experiment)
        return {
            target: experiments
            for target, experiments in by_target.items()
            if len(experiments) > 1 or experiments[0].is_cross
        }

    @cached_property
    def across(self) -> dict[str, Any]:
        """The paths of what compares experiments; nothing where none is compared."""
        if not self.tested:
            return {}
        drawn = {name: f"{self.folder}/figures/{name}.png" for name in figures.OF_STUDY}
        places = {"table": f"{self.folder}/across.parquet", "leaderboard": f"{self.folder}/leaderboard.md"}
        return places | {"figures": drawn}

    @property
    def targets(self) -> list[str]:
        """What a study makes."""
        return [f"{self.folder}/report.html", f"{self.folder}/tracking.json"]

    @property
    def cross_experiments(self) -> list[str]:
        """The experiments that train on one corpus and test on another."""
        return [name for name, experiment in self.experiments.items() if experiment.is_cross]

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
    def adapted(self) -> list[str]:
        """The methods that are adapted across corpora."""
        asked = {method for entry in self.config["adaptations"].values() for method in entry["methods"]}
        return [name for name in self.methods if name in asked]

    @property
    def ceilings(self) -> list[str]:
        """The methods that see the test labels."""
        return [name for name, facts in self.facts["methods"].items() if facts["sees_test_labels"]]

    @property
    def selecting(self) -> dict[str, str]:
        """The methods that have thresholds, and the path of each."""
        return {name: facts["path"] for name, facts in self.facts["methods"].items() if facts["has_thresholds"]}

    @property
    def candidates(self) -> list[str]:
        """The methods of which the validation rows choose one per fold."""
        return [name for name in self.methods if name not in self.ceilings]

    @property
    def fronts(self) -> dict[str, str]:
        """The methods whose search has a Pareto front, and the path of each."""
        return {name: facts["path"] for name, facts in self.facts["methods"].items() if facts["has_front"]}

    def roots_of_adaptation(self, name: str) -> list[str]:
        """The paths of an adaptation and of the methods that it adapts."""
        methods = [self.facts["methods"][method]["path"] for method in self.config["adaptations"][name]["methods"]]
        return list(dict.fromkeys([self.facts["adaptations"][name]["path"], *methods]))

    @property
    def uses_text_expert(self) -> bool:
        """Whether a method reads the text expert's columns."""
        return any(facts["reads_text_expert"] for facts in self.facts["methods"].values())

    @property
    def notes(self) -> list[str]:
        """What a reader of the results should know about where they come from."""
        corpora = [self.facts["corpora"][experiment.test.name]["note"] for experiment in self.experiments.values()]
        folds = [f"{e.name}: {note}" for e in self.experiments.values() for note in e.plan["notes"]]
        methods = [f"{name}: {facts['note']}" for name, facts in self.facts["methods"].items() if facts["note"]]
        return [note for note in dict.fromkeys([*corpora, *folds, *methods]) if note]

    def records(self) -> Iterator[tuple[str, Path]]:
        """What the jobs of this study, as its config is now, were made with: each one's rule and file."""
        patterns = [
            job for experiment in self.experiments.values() for name in self.methods for job in experiment.jobs(name)
        ]
        patterns += [f"{rule}/{self.name}/{rule}" for rule in ("report", "track")]
        return logs.records(RESULTS / "logs", dict.fromkeys(patterns))

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
        yield from experiment.adaptation_problems
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
