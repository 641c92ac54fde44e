import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from emofuse import figures, provenance
from emofuse.logs import made_with_others
from emofuse.places import RESULTS, checkpoint_files
from emofuse.study import Study
from emofuse.tables import InputError

try:
    written_in = [str(path) for path in workflow.configfiles] or ["config"]
    study = Study.load(config, " + ".join(written_in), Path(written_in[-1]).parent)
    if workflow.is_main_process:
        study.check()
        for line in made_with_others(study.records()):
            print(line, file=sys.stderr)
except InputError as error:
    raise WorkflowError(str(error))

CORPUS = f"{RESULTS}/corpora/{{corpus}}"
EXPERIMENT = f"{study.folder}/{{experiment}}"


def any_of(names):
    """A pattern that matches these names, and nothing if the list is empty."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    experiment=any_of(study.experiments),
    method=any_of(study.methods),
    adaptation=any_of(study.config["adaptations"]),
    corpus=any_of(study.corpus_of_folder),
    fold="[^/]+",
    size="[0-9]+",
    shard="[0-9]+",


def corpus_of(wildcards):
    return study.corpus_of_folder[wildcards.corpus]


def experiment_of(wildcards):
    return study.experiments[wildcards.experiment]


def of_corpora(pattern):
    """A file of each corpus of an experiment, as an input function."""
    return lambda wildcards: [pattern.format(corpus=corpus.folder) for corpus in experiment_of(wildcards).corpora]


def transcripts_of(wildcards):
    """The transcripts of each corpus of an experiment."""
    return of_corpora(f"{experiment_of(wildcards).transcripts}.parquet")(wildcards)


def roots(wildcards):
    """The folders that the paths of an experiment's recordings are relative to."""
    return os.pathsep.join(corpus.root for corpus in experiment_of(wildcards).corpora)


def of_methods(pattern, methods):
    """A file of each of some methods, in their order."""
    return expand(f"{EXPERIMENT}/{pattern}", method=methods, allow_missing=True)


def seeded(rule, *names, **values):
    """The recipe of a job that draws random numbers, which are seeded by names."""
    return study.recipe(rule, seed=provenance.seed(study.config["seed"], *names), **values)
