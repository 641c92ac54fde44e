"""An experiment of a study: what trains, validates and tests, and where everything of it lies."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from emofuse import figures, parts, provenance
from emofuse.corpus import Corpus
from emofuse.places import SCRIPTS, below_results, checkpoint_name, place_of
from emofuse.tables import SPLITS, InputError, Problems

if TYPE_CHECKING:
    import pandas as pd

    from emofuse.study import Study


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


class Experiment:
    """An experiment of a study: one or more training corpora, a test corpus and a protocol.

    Attributes:
        sources: the corpora that train
        test: the corpus that tests
        corpora: all of them, that which tests last
        is_cross: whether no corpus trains that tests
        trained_on: the names of the sources
        splits: that its folds have
    """

    splits: tuple[str, ...] = SPLITS

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
        return self._run(self.config["folds"] or self.plan["names"])

    def _run(self, names: list[str]) -> list[str]:
        """Of folds, those that are run."""
        return names

    @property
    def balance(self) -> int | None:
        """The seed by which its training corpora are cut to one size; ``None`` where all utterances train."""
        return provenance.seed(self.study.config["seed"], "balance") if self.config["balance"] == "corpora" else None

    @property
    def splitting(self) -> dict[str, Any]:
        """How utterances are used in its folds, whatever the protocol."""
        return {"balance": self.balance} | {key: self.config[key] for key in ("conditions", "speakers_may_repeat")}

    @property
    def splitting_of_source(self) -> dict[str, Any]:
        """How utterances are used in folds of its sources alone; who is in two splits its own folds tell."""
        conditions = {"test": None, "train": (self.config["conditions"] or {}).get("train")}
        return {"balance": self.balance, "conditions": conditions, "speakers_may_repeat": True}

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
        other = parameters | self.digests_of_files | {"conditions": conditions, "balance": self.balance}
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

    @property
    def sides(self) -> list[pd.DataFrame]:
        """What its protocol takes: the labels of its corpora, that which tests last."""
        return [corpus.labels for corpus in self.corpora]

    def _plan(self) -> dict[str, Any]:
        from emofuse import splits

        protocol, parameters = parts.load(self.facts["path"]), self.parameters | self.files_of_folds
        try:
            asked = self._asked(protocol, parameters)
            options = self.splitting | parameters
            plan = splits.plan(protocol, *self.sides, only=asked, splits=self.splits, **options)
        except InputError as error:
            return {"names": [], "problems": error.problems, "notes": []}
        problems: Problems = []
        for file in self.files_of_folds.values():
            labelled = {name for corpus in self.corpora for name in corpus.listed.labelled["utterance"]}
            problems += splits.unknown(file, labelled)
        if self.study.uses_text_expert:
            problems += [
                f"fold {fold} trains on one speaker; should be two or more for a text expert"
                for fold, speakers in plan.speakers.items()
                if speakers < 2
            ]
        return {"names": plan.names, "problems": problems, "notes": plan.notes}

    def _asked(self, protocol: Any, parameters: Mapping[str, Any]) -> list[str] | None:
        """The folds that are checked before any work; ``None`` for all."""
        return self.config["folds"]

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
        # Fine-tuned models have a folder of their own: Snakemake overlooks that a file was made by another rule.
        if not self.is_cross:
            table, models = f"{self.folder}/folds.parquet", "folds" if self.study.listens else "finetuned"
            return Source(self.source, f"{self.folder}/{models}", table, self.corpora, SPLITS, scaling)
        folder = f"{self.study.folder}/sources/{self.source}"
        models = f"{folder}/{scaling if self.study.listens else 'finetuned'}"
        return Source(self.source, models, f"{folder}/folds.parquet", self.sources, SPLITS[:2], scaling)

    def speech(self, scaling: str | None = None) -> list[str]:
        """The tables of what the voice says, which together hold every row of its folds.

        Args:
            scaling: how embeddings are standardised, one of :data:`emofuse.speech.SCALINGS`; ``None`` for what the
                config says; another is for experiments across corpora alone
        """
        scaling = scaling or self.study.scaling
        tables = self.files_of_models(scaling, "speech.parquet")
        if self.is_cross and self.study.listens:
            return [*tables, f"{self.folder}/speech/{scaling}.parquet"]
        if self.is_cross:
            return [*tables, *(f"{self.folder}/finetuned/{fold}/speech.parquet" for fold in self.folds)]
        return tables

    @property
    def source_folds_recipe(self) -> dict[str, Any]:
        """The recipe of its source's folds, in which nothing is of the target."""
        path = self.facts["path"]
        values = {"parameters": self.parameters, "files": self.digests_of_files}
        return self.study.recipe("source_folds", path, protocol=path, splitting=self.splitting_of_source, **values)

    def files_of_models(self, scaling: str, file: str) -> list[str]:
        """A file of the model of each of its folds.

        Args:
            scaling: how embeddings are standardised
            file: its name
        """
        return [f"{self.models_of(scaling).folder}/{fold}/{file}" for fold in self.folds]

    @property
    def transcripts(self) -> str:
        """A corpus's transcripts, but for the ending."""
        return place_of("transcripts", "published") if self.is_published else self.study.transcripts

    @property
    def text_embeddings(self) -> list[str]:
        """The text embeddings of its corpora, but for the ending, where the text expert reads them."""
        if not self.study.uses_encoder:
            return []
        transcripts = Path(self.transcripts).name
        return [
            self.study.text_embeddings.format(corpus=corpus.folder, transcripts=transcripts) for corpus in self.corpora
        ]

    def text_expert(self, *methods: str) -> list[str]:
        """The text expert's table, where one of the methods reads it."""
        is_read = any(method in self.study.reading_text for method in methods)
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
        training = self.study.config["speech"]["regression" if self.study.listens else "training"]
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
                for name in self.study.adaptations
                for facts in [self.study.facts["adaptations"][name]]
                for problem in parts.load(facts["path"]).problems(speakers, **facts["parameters"])
            ]

        key = [self.test.contents["utterances"], *map(self.adaptation_recipe, self.adaptations)]
        return self.study.memory.recall(f"adaptations-{self.study.name}-{self.name}", key, compute)

    @cached_property
    def results(self) -> dict[str, Any]:
        """The paths of its tables."""
        shift = f"{self.folder}/shift.parquet" if self.is_cross else None
        names = ("scores", "spoken", "choices", "metrics", "comparison", "telling")
        return {name: f"{self.folder}/{name}.parquet" for name in names} | {
            "wer": self.study.wer_of(self.test),
            "shift": shift,
        }

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
            for name in self.study.adaptations
            for facts, folder in [(self.study.facts["adaptations"][name], f"{self.folder}/adaptation/{name}")]
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
        models = below_results(self.models_of(self.study.scaling).folder)
        folders = [corpus.folder for corpus in self.corpora]
        read = [below_results(stage.format(corpus=folder)) for folder in folders for stage in stages]
        if self.text_expert(method):
            read += map(below_results, self.text_embeddings)
        return [
            f"*/{place}",
            f"source_folds/{self.study.name}/sources/{self.source}",
            f"{self.study.trains}/{models}/*",
            f"{'target_speech' if listens else 'finetuned_target_speech'}/{place}/*",
            f"fuse/{place}/{method}",
            *(f"{rule}/{place}/{name}" for rule in ("adapt", "adapted_scores") for name in self.adaptations),
            *(f"*/{folder}" for folder in folders),
            *(f"*/{glob.escape(begin)}*" for begin in read),
        ]

    @property
    def models(self) -> dict[str, Any]:
        """The models that it uses, but for those behind published scores."""
        of_text = {}
        if self.study.uses_encoder:
            text_expert = self.study.config["text_expert"]
            encoder = {key: text_expert["encoder"][key] for key in ("checkpoint", "normalisation", "layers")}
            encoder["checkpoint"] = checkpoint_name(encoder["checkpoint"])
            of_text = {"text_expert": {"experts": text_expert["experts"], "encoder": encoder}}
        if self.is_published:
            return of_text
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
        } | of_text


class Whole(Experiment):
    """The sources of an experiment without its test: what a model of as many speakers as can be has learned from.

    All speakers train but those of one session, who validate. Of the folds of the sources in which no target occurs,
    this is the first by name. Its tables lie beside the models that experiments across corpora share.
    """

    splits = SPLITS[:2]
    splitting = Experiment.splitting_of_source

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment.name, experiment.study)
        if not self.is_cross:
            path = parts.locate(parts.PROTOCOL, "cross_corpus")
            self.config = self.config | {"protocol": "cross_corpus", "folds": None}
            self.facts = {"path": path, "parameters": {}, "given": {}, "files": []}
        self.is_cross, self.corpora = True, self.sources
        self.name = f"sources/{self.source}"
        self.folder = f"{self.study.folder}/{self.name}"

    def _run(self, names: list[str]) -> list[str]:
        return sorted(names)[:1]

    def _asked(self, protocol: Any, parameters: Mapping[str, Any]) -> list[str] | None:
        """The one that is run, whose name only the protocol knows."""
        from emofuse import splits

        conditions = self.splitting["conditions"]
        return self._run(splits.fold_names(protocol, *self.sides, conditions=conditions, **parameters))

    @property
    def sides(self) -> list[pd.DataFrame]:
        """The labels of its corpora, and a target that has none."""
        labels = super().sides
        return [*labels, labels[0].iloc[:0]]

    def speech(self, scaling: str | None = None) -> list[str]:
        """The table of what the voice says; arguments as in :meth:`Experiment.speech`."""
        return self.files_of_models(scaling or self.study.scaling, "speech.parquet")
