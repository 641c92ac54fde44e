import dataclasses
import functools
import json
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import RerunTrigger

from emofuse import configuration, provenance, splits
from emofuse.corpora import READERS, load_reader, released
from emofuse.fusion import METHODS
from emofuse.tables import InputError

try:
    config.update(configuration.complete(config, " + ".join(map(str, workflow.configfiles)) or "config"))
except InputError as error:
    raise WorkflowError(str(error))

STUDY = f"results/{config['study']}"
LOGS = "results/logs"
BENCHMARKS = "results/benchmarks"
SYNTHETIC = Path("results/synthetic/corpora")
SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"


def judge_by_content(workflow):
    """Let contents, not modification times, decide what runs again.

    A script's code enters its job's parameters as a digest (see settings), which a comment leaves alone, so its
    modification time need not count; and a file that was touched but not changed is known by its checksum, up to a
    size that holds every table here. A workflow profile could say both, but Snakemake finds one by itself only in
    a folder beside the Snakefile. It sets its settings when it has read the Snakefile, hence the property.
    """

    class JudgedByContent(type(workflow)):
        @property
        def dag_settings(self):
            return vars(self).get("dag_settings")

        @dag_settings.setter
        def dag_settings(self, given):
            vars(self)["dag_settings"] = dataclasses.replace(
                given,
                rerun_triggers=frozenset(given.rerun_triggers) - {RerunTrigger.CODE},
                max_checksum_file_size=max(given.max_checksum_file_size, 100_000_000),
                force_incomplete=True,  # what a hard kill left half done is done again
            )

    workflow.__class__ = JudgedByContent


judge_by_content(workflow)

METHOD_FIGURES = ("plane", "confusion", "changes", "ua_by_fold")
EXPERIMENT_FIGURES = ("uncertainty", "leaderboard", "pareto")

LABELS = {"iemocap": "Session[0-9]/dialog/*/*.txt", "msp_improv": "Eval*tion.txt"}
"""The files that a known corpus's labels and transcripts are in; audio files are too many to be watched."""

NOTES = {
    "released": (
        "The authors published the sentiment's label and score only: "
        "the rest of the probability is spread evenly over the other two sentiments."
    ),
}


wildcard_constraints:
    experiment="|".join(config["experiments"]),
    method="|".join(config["methods"]),
    corpus="|".join(config["corpora"]),
    fold="[^/]+",
    shard="[0-9]+",


def settings(script, *roots, **values):
    """All that a job depends on besides its inputs, as one dict whose order of keys is fixed.

    Roots are definitions of the library that the script reaches by name only.
    """
    code = provenance.code_digest(SCRIPTS / f"{script}.py", *roots)
    return json.loads(provenance.canonical(values | {"code": code}))


def corpus_root(corpus):
    return str(Path(config["data_dir"]) / config["corpora"][corpus]["path"])


def is_made(corpus):
    """Whether the workflow makes the corpus itself, as the demo does."""
    return SYNTHETIC in Path(corpus_root(corpus)).parents


def reader_settings(corpus):
    """What the corpus's reader takes."""
    entry = config["corpora"][corpus]
    taken = {key: entry[key] for key in ("reader", "partial", "rejects", "min_duration")}
    if entry["reader"] == "manifest":
        taken["emotions"] = entry["emotions"]
    return taken | {"path": corpus_root(corpus)}


@functools.cache
def listing(corpus):
    """The utterances of a corpus that is there, read from its labels alone."""
    reader, options = config["corpora"][corpus]["reader"], {}
    if reader == "manifest":
        options["emotions"] = config["corpora"][corpus]["emotions"]
    found = load_reader(reader)(corpus_root(corpus), **options)
    if found.problems:
        raise InputError(found.problems)
    return found.utterances.dropna(subset="emotion")


def is_published(experiment):
    """Whether an experiment begins with published scores rather than with audio."""
    return config["corpora"][config["experiments"][experiment]["test"]]["reader"] == "released"


def published_experiments():
    return [name for name in config["experiments"] if is_published(name)]


def audio_experiments():
    return [name for name in config["experiments"] if not is_published(name)]


def any_of(names):
    """A pattern that matches these names, and nothing where there are none."""
    return "|".join(names) or "(?!)"


def fold_names(experiment):
    """The folds that an experiment runs: those of the config, else all that the corpus has."""
    entry = config["experiments"][experiment]
    if entry["folds"]:
        return entry["folds"]
    if entry["protocol"] == "cross_corpus":
        return [entry["test"]]
    column = "speaker" if entry["protocol"] == "leave_one_speaker_out" else "session"
    return sorted(listing(entry["test"])[column].unique())


def shards(corpus, size):
    """The numbers of a corpus's shards."""
    utterances = config["corpora"][corpus]["utterances"] if is_made(corpus) else len(listing(corpus))
    return range(-(-utterances // size))


def of_corpora(wildcards, pattern):
    """A file of each corpus of an experiment."""
    entry = config["experiments"][wildcards.experiment]
    return expand(pattern, corpus=dict.fromkeys([entry["train"], entry["test"]]))


def checkpoint_files(checkpoint):
    """The files of a checkpoint that is given by path, so that it may be made by a rule, or edited.

    They are WEIGHTS and BESIDE_WEIGHTS of emofuse.checkpoints, which imports torch: too slow for each start.
    """
    if "path" not in checkpoint:
        return []
    path = Path(checkpoint["path"])
    if path.suffix == ".pt" or path.is_file():
        return [str(path)]

    def those(*kinds):
        return [str(file) for kind in kinds for file in sorted(path.glob(kind))]

    weights = those("model*.safetensors", "pytorch_model*.bin") or [str(path / "model.safetensors")]
    if SYNTHETIC.parent in path.parents:
        return weights  # the rule that makes the others promises these alone
    return weights + those("*.json", "*.txt", "*.model")


def key(entry, **others):
    """A name for what a checkpoint and its settings make: legible, and different for different ones."""
    name = Path(entry.get("path") or entry["name"]).name.removesuffix(".pt")
    return f"{name}-{provenance.digest([entry, others])[:8]}"


def speech_key():
    return key(
        config["speech"]["checkpoint"],
        precision=config["speech"]["embeddings"]["precision"],
    )


def transcripts_key():
    entry = config["transcripts"]
    if entry["source"] == "reference":
        return "reference"
    return key(entry["checkpoint"], language=entry["language"], seed=config["seed"])


def sentiment_key():
    return key(
        config["sentiment"]["checkpoint"],
        normalisation=config["sentiment"]["normalisation"],
    )


def word_error_rates(*experiments):
    """The word error rates of those test corpora of experiments that Whisper has transcribed."""
    if config["transcripts"]["source"] == "reference":
        return []
    corpora = [config["experiments"][name]["test"] for name in experiments if not is_published(name)]
    return expand(
        f"results/corpora/{{corpus}}/wer/{transcripts_key()}.parquet",
        corpus=dict.fromkeys(corpora),
    )


def models(experiment):
    """The models of an experiment that begins with audio, as MLflow's params say them."""
    if is_published(experiment):
        return {}

    def called(checkpoint):
        return checkpoint.get("path") or "@".join(filter(None, (checkpoint["name"], checkpoint.get("revision"))))

    return {
        "speech": {
            "checkpoint": called(config["speech"]["checkpoint"]),
            "classifier": config["speech"]["classifier"],
            "calibration": config["speech"]["calibration"],
        },
        "transcripts": (
            {"source": "reference"}
            if config["transcripts"]["source"] == "reference"
            else {"checkpoint": called(config["transcripts"]["checkpoint"])}
        ),
        "sentiment": {
            "checkpoint": called(config["sentiment"]["checkpoint"]),
            "normalisation": config["sentiment"]["normalisation"],
        },
    }


def methods_with_front():
    """The methods whose search has a Pareto front."""
    return [name for name, method in config["methods"].items() if method["parameters"].get("budget") is not None]


def released_files(wildcards):
    """What of the published scores is there; the script says what is not."""
    root = corpus_root(config["experiments"][wildcards.experiment]["test"])
    return [path for path in released.files(root) if path.exists()]


def corpus_files(wildcards):
    """What a corpus's labels are read from; for a corpus that the demo makes, the file that says it is made."""
    root = Path(corpus_root(wildcards.corpus))
    if is_made(wildcards.corpus):
        return f"{root}.sha256"
    pattern = LABELS.get(config["corpora"][wildcards.corpus]["reader"])
    return sorted(root.glob(pattern)) if pattern else root


def fusion_input(wildcards):
    """The scores, and the text expert's where the method reads them."""
    files = {"scores": f"{STUDY}/{wildcards.experiment}/scores.parquet"}
    if configuration.uses_text_expert(config["methods"][wildcards.method]):
        files["text_expert"] = f"{STUDY}/{wildcards.experiment}/text_expert.parquet"
    return files


def ceilings():
    """The methods that see the test labels."""
    return [name for name, method in config["methods"].items() if method["estimator"] == "oracle"]


def compared_methods():
    """The methods that are compared with speech."""
    return [name for name in config["methods"] if name != "speech"]


def tables_of_methods():
    """What every fusion method of every experiment writes."""
    return expand(
        f"{STUDY}/{{experiment}}/fusion/{{method}}/{{table}}",
        experiment=config["experiments"],
        method=config["methods"],
        table=["predictions.parquet", "parameters.json", "trials.parquet"],
    )


def pictures():
    """Every picture of every experiment."""
    return expand(
        f"{STUDY}/{{experiment}}/figures/{{figure}}.png",
        experiment=config["experiments"],
        figure=[
            *EXPERIMENT_FIGURES,
            *(f"{method}/{figure}" for method in compared_methods() for figure in METHOD_FIGURES),
        ],
    )


def described(experiment):
    """What there is to say about an experiment."""
    entry = config["experiments"][experiment]
    return {
        "trained on": entry["train"],
        "tested on": entry["test"],
        "protocol": entry["protocol"].replace("_", " "),
    }


def notes():
    """What a reader of the results should know about where they come from."""
    readers = {config["corpora"][entry["test"]]["reader"] for entry in config["experiments"].values()}
    return [NOTES[reader] for reader in sorted(readers) if reader in NOTES]


def get_final_output():
    """What a study makes."""
    return [f"{STUDY}/report.html", f"{STUDY}/tracking.json"]


def check_corpora():
    """Say all that is wrong with the corpora and with the folds they give, before anything runs.

    An error in an input function would not do: Snakemake takes what that job made before for a file of the user's.
    A corpus that is not there and never was is Snakemake's to say; the demo's are made by the workflow.
    """
    problems, listings = [], {}
    for corpus in dict.fromkeys(
        config["experiments"][name][role] for name in audio_experiments() for role in ("train", "test")
    ):
        was_there = Path(f"results/corpora/{corpus}").exists()
        if is_made(corpus) or not (was_there or Path(corpus_root(corpus)).exists()):
            continue
        try:
            listings[corpus] = listing(corpus).assign(corpus=corpus)
        except InputError as error:
            problems += error.problems
    for name in audio_experiments():
        entry = config["experiments"][name]
        if entry["train"] not in listings or entry["test"] not in listings:
            continue
        try:
            found = splits.folds(entry["protocol"], listings[entry["train"]], listings[entry["test"]])
        except InputError as error:
            problems += [f"experiments.{name}: {problem}" for problem in error.problems]
            continue
        known = found["fold"].unique()
        problems += [
            f"experiments.{name}.folds: {fold!r} is no fold; should be one of {', '.join(known)}"
            for fold in entry["folds"] or []
            if fold not in known
        ]
        learned = any(map(configuration.uses_text_expert, config["methods"].values()))
        speakers = listings[entry["train"]].set_index("utterance")["speaker"]
        for fold, rows in found[found["split"] == "train"].groupby("fold"):
            if learned and speakers.loc[rows["utterance"]].nunique() < 2:
                problems.append(
                    f"experiments.{name}: fold {fold} trains on one speaker; should be two or more for a text expert"
                )
    if problems:
        raise WorkflowError(str(InputError(problems)))


if workflow.is_main_process:
    check_corpora()
