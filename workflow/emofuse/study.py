"""A study: what its config asks for, and where everything of it lies.

Rules, report and tracking ask here for experiments, folds, files and models, for what a job's result depends on,
and for what a reader of the results should know. Neither Snakemake nor a model is known here.

Paths are relative to the folder that a study runs in, so that a project that is moved reruns nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from emofuse import code, figures, logs, parts, provenance
from emofuse.corpus import Corpus
from emofuse.experiment import Experiment, Source, Whole
from emofuse.memory import Memory
from emofuse.places import (
    DATABASE,
    LIBRARY,
    MODEL,
    RESULTS,
    SCRIPTS,
    SEAL,
    below_results,
    checkpoint_files,
    checkpoint_key,
    place_of,
)
from emofuse.speech import SCALINGS
from emofuse.tables import InputError, Problem, Problems

SHARD = "{shard}-of-{shards}"
"""A shard's file, but for the ending; shards are numbered from 0."""

HEARS = ("recordings", "embeddings", "transcripts")
"""The rules that open a corpus's audio as its labels list it."""

LISTS = (*HEARS, "utterances", "references", "counts", "published")
"""The rules that read a corpus's labels."""


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
        self.wholes = {whole.name: whole for whole in self._wholes()}
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
        elsewhere = code.state(code.sources_named(_texts(config), folder))
        # As Python writes it, since the order of methods and experiments counts, and 1 is not "1", as a key neither.
        key = [repr(config), source, str(folder), code.state(LIBRARY), elsewhere]
        return cls(*memory.recall(f"config-{provenance.digest(source)[:8]}", key, complete), memory)

    # --- What a result depends on ------------------------------------------------------------------------------------

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of the code of each rule; of a rule that names parts by their path, with each of these."""
        readers = [facts["path"] for facts in self.facts["corpora"].values()]
        protocols = [experiment.facts["path"] for experiment in [*self.experiments.values(), *self.wholes.values()]]
        rules = {script.stem: [()] for script in SCRIPTS.glob("*.py")} | {
            **{rule: [(path,) for path in readers] for rule in LISTS},
            **{rule: [(path,) for path in protocols] for rule in ("folds", "source_folds")},
            "fuse": [(facts["path"],) for facts in self.facts["methods"].values()],
            "shift": [tuple(self.selecting.values())],
            "adapt": [tuple(self.roots_of_adaptation(name)) for name in self.adaptations],
            **{rule: [(path,)] for rule, path in self.normalisations.items()},
            **({"model": [(self.facts["methods"][self.config["model"]["method"]]["path"],)]} if self.packaged else {}),
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

    def seeded_recipe(self, rule: str, *names: str, **values: Any) -> dict[str, Any]:
        """The recipe of a job that draws random numbers, which are seeded by names."""
        return self.recipe(rule, seed=provenance.seed(self.config["seed"], *names), **values)

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

    def text_expert_recipe(self, folds: list[str]) -> dict[str, Any]:
        """The recipe of the text expert in some folds: of the experts, those that it is made of."""
        entry = self.config["text_expert"]
        settings = {"tfidf": entry["tfidf"], "encoder": {key: entry["encoder"][key] for key in ("layers", "c")}}
        experts = {name: settings[name] for name in entry["experts"]}
        return self.recipe("text_expert", folds=folds, parts=entry["parts"], experts=experts)

    @property
    def model_recipe(self) -> dict[str, Any]:
        """The recipe of the model to take away."""
        entry, experiment, learned = self.config["model"], self.packaged, self.learned
        facts = self.facts["methods"][entry["method"]]
        speech, words, of_text = (self.config[key] for key in ("speech", "transcripts", "text_expert"))
        experts = self.text_expert_recipe(learned.folds)
        reads = {
            "tfidf": {},
            "encoder": {key: of_text["encoder"][key] for key in ("checkpoint", "layers")}
            | {"normalisation": self.normalisations["text_embeddings"]},
        }
        writes = {key: words[key] for key in ("checkpoint", "language")}
        sentiment = {"checkpoint": self.config["sentiment"]["checkpoint"]}
        return self.recipe(
            "model",
            facts["path"],
            study=self.name,
            experiment=experiment.name,
            method=entry["method"],
            path=facts["path"],
            entry=self.methods[entry["method"]],
            seed=[self.config["seed"], experiment.test.name],
            training=entry["training"],
            is_cross=experiment.is_cross,
            folds=learned.folds,
            speech={"classifier": speech["classifier"], "checkpoint": speech["checkpoint"]}
            | {"precision": speech["embeddings"]["precision"]},
            transcripts=writes | {"seed": self.whisper_recipe(experiment.test.folder)["seed"]}
            if words["source"] == "whisper"
            else None,
            sentiment=sentiment | {"normalisation": self.normalisations["sentiment"]} if facts["reads_words"] else None,
            text_experts={key: experts[key] for key in ("experts", "parts")}
            | {"reads": {name: reads[name] for name in experts["experts"]}}
            if facts["reads_text_expert"]
            else None,
            min_duration=experiment.test.config["min_duration"],
            checkpoints=entry["checkpoints"],
            described=list(experiment.described.items()),
            summary=facts["summary"],
            note=facts["note"],
            notes=[self.facts["corpora"][experiment.test.name]["note"]],
            **{key: self.config["evaluation"][key] for key in ("confidence", "resamples")},
        )

    @cached_property
    def normalisations(self) -> dict[str, str]:
        """The paths of the normalisations, by the rule that normalises."""
        names = {"sentiment": self.config["sentiment"]["normalisation"]}
        names["wer"] = self.config["transcripts"]["wer_normalisation"]
        names["text_embeddings"] = self.config["text_expert"]["encoder"]["normalisation"]
        return {rule: parts.locate(parts.NORMALISATION, name) for rule, name in names.items()}

    # --- What speech models are made of ------------------------------------------------------------------------------

    @property
    def trains(self) -> str:
        """The rule that trains speech models."""
        return "speech_classifier" if self.listens else "finetune"

    @property
    def listens(self) -> bool:
        """Whether the voice is classified by a regression on embeddings, and not by a fine-tuned encoder."""
        return self.config["speech"]["classifier"] == "embeddings"

    @property
    def model_file(self) -> str:
        """The file of a speech model's weights, in its folder."""
        return "speech.safetensors" if self.listens else "speech/model.safetensors"

    @property
    def scaling(self) -> str:
        """How embeddings are standardised."""
        return self.config["speech"]["regression"]["scaling"]

    @cached_property
    def sources(self) -> dict[str, Source]:
        """What speech models are made of, by the folder of the models below the study's."""
        return {
            source.folder.removeprefix(f"{self.folder}/"): source
            for experiment in [*self.wholes.values(), *self.experiments.values()]
            if not experiment.is_published
            for scaling in (SCALINGS if experiment.is_cross else [self.scaling])
            for source in [experiment.models_of(scaling)]
        }

    @cached_property
    def shared(self) -> dict[str, Experiment]:
        """What trains on each source that several experiments may share, by the source's name."""
        of_sources = [*self.wholes.values(), *self.experiments.values()]
        return {experiment.source: experiment for experiment in of_sources if experiment.is_cross}

    # --- Where things are --------------------------------------------------------------------------------------------

    @cached_property
    def embeddings(self) -> str:
        """A corpus's embeddings, but for the ending."""
        speech = self.config["speech"]
        return place_of("embeddings", checkpoint_key(speech["checkpoint"], precision=speech["embeddings"]["precision"]))

    @cached_property
    def transcripts(self) -> str:
        """A corpus's transcripts, but for the ending."""
        return place_of("transcripts", self._transcripts_key)

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
        return f"{place_of('sentiment', self._transcripts_key)}/{key}.parquet"

    @cached_property
    def text_embeddings(self) -> str:
        """A corpus's text embeddings by its transcripts, but for the ending."""
        entry = self.config["text_expert"]["encoder"]
        key = checkpoint_key(entry["checkpoint"], normalisation=entry["normalisation"])
        return f"{place_of('text_embeddings', '{transcripts}')}/{key}"

    @cached_property
    def wer(self) -> str:
        """A corpus's word errors."""
        return f"{place_of('wer', self._transcripts_key)}-{self.config['transcripts']['wer_normalisation']}.parquet"

    def shards(self, pattern: str, corpus: str, size: int, ending: str) -> list[str]:
        """The files of a stage's shards; one that no utterance falls into is left out.

        Args:
            pattern: the stage's table, but for the ending
            corpus: the corpus's folder
            size: utterances per shard, on average; where shards were begun, there are as many as there were
            ending: of the files
        """
        folder = pattern.format(corpus=corpus)
        shards = self._number_of_shards(folder, corpus, size, ending)
        heard = self.corpus_of_folder[corpus].contents_of_shards(shards)
        return [f"{folder}/{SHARD.format(shard=shard, shards=shards)}.{ending}" for shard in heard]

    def shards_of_text(self, corpus: str, transcripts: str) -> list[str]:
        """The files of the shards of a corpus's text embeddings.

        Published transcripts may be of utterances that the labels leave out, so that none is known to be empty.

        Args:
            corpus: the corpus's folder
            transcripts: the name of its transcripts
        """
        folder = self.text_embeddings.format(corpus=corpus, transcripts=transcripts)
        size = self.config["text_expert"]["encoder"]["shard_size"]
        shards = self._number_of_shards(folder, corpus, size, "safetensors")
        return [f"{folder}/{SHARD.format(shard=shard, shards=shards)}.safetensors" for shard in range(shards)]

    def _number_of_shards(self, folder: str, corpus: str, size: int, ending: str) -> int:
        begun = [int(path.stem.split("-")[-1]) for path in Path(folder).glob(f"[0-9]*-of-*.{ending}")]
        return min(begun, default=-(-self.corpus_of_folder[corpus].utterances // size))

    def wer_of(self, corpus: Corpus) -> str | None:
        """A corpus's word errors, where Whisper writes words down that can be compared with references."""
        is_whisper = self.config["transcripts"]["source"] == "whisper" and not corpus.is_published
        return self.wer.format(corpus=corpus.folder) if is_whisper else None

    @staticmethod
    def log(rule: str, place: str = "") -> str:
        """The log of a job.

        Args:
            rule: the job's rule
            place: of its result, whose wildcards the log's path takes over
        """
        return str(RESULTS / "logs" / rule / f"{below_results(place) or rule}.log")

    @staticmethod
    def benchmark(rule: str, place: str) -> str:
        """The benchmark of a job, see :meth:`log`."""
        return str(RESULTS / "benchmarks" / rule / f"{below_results(place)}.tsv")

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
                "files": corpus.results | {"wer": self.wer_of(corpus)},
            }
            for corpus in used
        ]

    @property
    def packaged(self) -> Experiment | None:
        """The experiment of the model to take away, if one is made."""
        return self.experiments[self.config["model"]["experiment"]] if self.config["model"] else None

    def _wholes(self) -> Iterator[Whole]:
        """What the model to take away has learned from, where that is no experiment's folds."""
        if self.packaged and self.config["model"]["training"] == "all":
            yield Whole(self.packaged)

    @property
    def learned(self) -> Experiment | None:
        """Whose folds' models the model to take away is made of."""
        return next(iter(self.wholes.values()), self.packaged)

    @property
    def packaged_files(self) -> list[str]:
        """The files of the checkpoints on this machine that the model to take away needs."""
        recipe = self.model_recipe
        entries = [recipe["speech"], recipe["transcripts"], recipe["sentiment"]]
        entries += (recipe["text_experts"] or {"reads": {}})["reads"].values()
        checkpoints = [entry["checkpoint"] for entry in entries if entry and "checkpoint" in entry]
        return list(dict.fromkeys(file for checkpoint in checkpoints for file in checkpoint_files(checkpoint)))

    @property
    def model(self) -> str:
        """The folder of the model to take away."""
        return f"{self.folder}/{MODEL}"

    @property
    def sealed(self) -> list[str]:
        """The last file of the model to take away, if one is made."""
        return [f"{self.model}/{SEAL}"] if self.packaged else []

    @property
    def examples(self) -> list[str]:
        """What the model to take away says of a few recordings, if one is made."""
        return [f"{self.folder}/examples.txt"] if self.packaged else []

    @property
    def logged(self) -> dict[str, Any]:
        """What MLflow holds of the model to take away; nothing where none is made."""
        entry = self.config["model"]
        if not entry:
            return {}
        return {key: entry[key] for key in ("experiment", "method", "registered_as")} | {"seal": self.sealed[0]}

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
    def wildcards(self) -> dict[str, Iterable[str]]:
        """What the wildcards of its rules may be."""
        return {
            "experiment": self.experiments,
            "source": self.shared,
            "models": self.sources,
            "scaling": SCALINGS,
            "method": self.methods,
            "adaptation": self.adaptations,
            "corpus": self.corpus_of_folder,
            "transcripts": {Path(experiment.transcripts).name for experiment in self.experiments.values()},
        }

    @property
    def targets(self) -> list[str]:
        """The tables, pictures and texts that a study is run for."""
        experiments = [experiment for experiment in self.experiments.values() if not experiment.is_published]
        models = [
            path for experiment in experiments for path in experiment.files_of_models(self.scaling, self.model_file)
        ]
        whole = [f"{self.folder}/report.html", f"{self.folder}/tracking.json", *self.files]
        return list(dict.fromkeys([*whole, *models, *self.sealed, *self.examples]))

    @property
    def cross_experiments(self) -> list[str]:
        """The experiments that test on a corpus that they do not train on."""
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

    @cached_property
    def adaptations(self) -> dict[str, dict[str, Any]]:
        """The adaptations that run; a fine-tuned encoder has no embeddings that one could standardise."""
        of = self.facts["adaptations"]
        return {
            name: entry for name, entry in self.config["adaptations"].items() if self.listens or not of[name]["scaling"]
        }

    @property
    def adapted(self) -> list[str]:
        """The methods that are adapted across corpora."""
        asked = {method for entry in self.adaptations.values() for method in entry["methods"]}
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
    def fronts(self) -> list[str]:
        """The methods whose search has a Pareto front."""
        return [name for name, facts in self.facts["methods"].items() if facts["has_front"]]

    def roots_of_adaptation(self, name: str) -> list[str]:
        """The paths of an adaptation and of the methods that it adapts."""
        methods = [self.facts["methods"][method]["path"] for method in self.adaptations[name]["methods"]]
        return list(dict.fromkeys([self.facts["adaptations"][name]["path"], *methods]))

    @property
    def reading_text(self) -> list[str]:
        """The methods that read the text expert's columns."""
        return [name for name, facts in self.facts["methods"].items() if facts["reads_text_expert"]]

    @property
    def uses_text_expert(self) -> bool:
        """Whether a method reads the text expert's columns."""
        return bool(self.reading_text)

    @property
    def uses_encoder(self) -> bool:
        """Whether an encoder is among the text experts."""
        return self.uses_text_expert and "encoder" in self.config["text_expert"]["experts"]

    @property
    def notes(self) -> list[str]:
        """What a reader of the results should know about where they come from."""
        corpora = [self.facts["corpora"][experiment.test.name]["note"] for experiment in self.experiments.values()]
        folds = [f"{e.name}: {note}" for e in self.experiments.values() for note in e.plan["notes"]]
        methods = [f"{name}: {facts['note']}" for name, facts in self.facts["methods"].items() if facts["note"]]
        adaptations = [
            f"{name}: left out, since a fine-tuned encoder has no embeddings to standardise"
            for name in self.config["adaptations"].keys() - self.adaptations.keys()
        ]
        return [note for note in dict.fromkeys([*corpora, *folds, *methods, *sorted(adaptations)]) if note]

    def records(self) -> Iterator[tuple[str, Path]]:
        """What the jobs of this study, as its config is now, were made with: each one's rule and file."""
        experiments = [*self.experiments.values(), *self.wholes.values()]
        patterns = [job for experiment in experiments for name in self.methods for job in experiment.jobs(name)]
        patterns += [f"{rule}/{self.name}/{rule}" for rule in ("report", "track", "model", "examples", "across")]
        patterns += [f"figures_study/{self.name}/figures"]
        patterns += [f"{self.trains}/{self.name}/{name}/*" for name in self.sources]
        patterns += ["demo_*"] * any(corpus.is_made for corpus in self.corpora.values())
        return logs.records(RESULTS / "logs", dict.fromkeys(patterns))

    @property
    def tracking_uri(self) -> str:
        """MLflow's, of the config or else of the environment; empty for the database in the results."""
        return self.config["tracking"]["uri"] or os.environ.get("MLFLOW_TRACKING_URI", "")

    def not_in_database(self) -> Iterator[tuple[Problem, list[str]]]:
        """What names runs in MLflow's default database, if that is gone or broken; :func:`emofuse.intact.damaged`."""
        record, database = Path(f"{self.folder}/tracking.json"), RESULTS / DATABASE
        if not self.tracking_uri and record.exists() and not _has_pages(database):
            yield f"{database}: {'broken' if database.exists() else 'gone'}; its runs are made anew", [str(record)]

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
                problems += [f"experiments.{name}: {problem}" for problem in self._problems_of_dialogs(experiment)]
                problems += [f"experiments.{name}: {problem}" for problem in self._problems_of_folds(experiment)]
            for whole in self.wholes.values():
                problems += [f"model.training is 'all': {problem}" for problem in self._problems_of_whole(whole)]
        if problems:
            raise InputError(problems)

    def _problems_of_corpus(self, corpus: Corpus) -> Iterator[Problem]:
        was_read = (RESULTS / "corpora" / corpus.folder).exists()
        if not corpus.is_made and was_read and not corpus.path.exists():
            yield f"corpora.{corpus.name}.path: {corpus.path}: no such file or folder; should be where data_dir says"
        try:
            missing, first = corpus.contents.get("without_reference", (0, []))
        except InputError as error:
            yield from error.problems
            return
        transcripts = self.config["transcripts"]
        if missing and transcripts["source"] == "reference" and not transcripts["fill_in"]:
            yield (
                f"corpora.{corpus.name}: {missing} utterances have no reference transcript "
                f"({', '.join(first)}, …); transcripts.fill_in: true lets Whisper write these down"
            )

    def _problems_of_dialogs(self, experiment: Experiment) -> Iterator[Problem]:
        methods = [name for name, facts in self.facts["methods"].items() if facts["reads_dialogs"]]
        for corpus in experiment.corpora if methods else []:
            if corpus.contents and not corpus.contents["turns"]:
                yield (
                    f"{corpus.name} tells of no utterance in which dialog it is and when it begins there; "
                    f"{', '.join(methods)} should be left out, since they read the neighbours in a dialog"
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

    @staticmethod
    def _problems_of_whole(whole: Whole) -> Iterator[Problem]:
        yield from whole.plan["problems"]
        if whole.config["folds"] is None and any(corpus.is_made for corpus in whole.corpora):
            yield "should be folds, since the workflow makes the corpus only later, and its sessions are not known"


def _has_pages(database: Path) -> bool:
    """Whether a file is a database of sqlite that has content and is not cut short, as far as its first page says."""
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
            return connection.execute("PRAGMA page_count").fetchone()[0] > 0
    except sqlite3.OperationalError:  # absent, or at work
        return database.exists()
    except sqlite3.DatabaseError:
        return False


def _texts(value: Any) -> Iterator[str]:
    """The texts of a config that are no keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _asked(experiments: Mapping[str, Any], corpus: str) -> list[str] | None:
    """The folds that experiments ask of a corpus; ``None`` for all."""
    asked = [experiment["folds"] for experiment in experiments.values() if experiment["test"] == corpus]
    return None if None in asked else sorted({fold for folds in asked for fold in folds})
