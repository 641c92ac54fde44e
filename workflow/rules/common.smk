import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.persistence.file import FilePersistence

from emofuse.logs import interrupted_quietly, made_with_others

interrupted_quietly()

from emofuse import credentials, figures, gpus, intact, provenance, written
from emofuse.places import CHOSEN, RESULTS, checkpoint_files
from emofuse.study import SHARD, Study
from emofuse.tables import InputError

try:
    written_in = [str(path) for path in workflow.configfiles] or ["config"]
    if workflow.is_main_process:
        for file in workflow.configfiles:
            written.read(file)
    study = Study.load(config, " + ".join(written_in), Path(written_in[-1]).parent)
    if workflow.is_main_process:
        study.check()
        records = [*study.records()]
        for line in made_with_others(records):
            print(line, file=sys.stderr)
        marks = FilePersistence()
        damages = []
        if not os.listdir(marks._lockdir):  # another run is at work, or was killed and comes first
            damages += intact.damaged((record for _, record in records), study.targets)
            damages += study.not_in_database()
        for problem in dict.fromkeys(problem for problem, _ in damages):
            print(problem, file=sys.stderr)
        for file in {file for _, files in damages for file in files}:
            # As what a killed job leaves: it stays until its job runs again, and a dry run says that it would.
            marks._mark_incomplete(file, external_jobid=None)
except InputError as error:
    raise WorkflowError(str(error))

CORPUS = f"{RESULTS}/corpora/{{corpus}}"
EXPERIMENT = f"{study.folder}/{{experiment}}"
SOURCE = f"{study.folder}/sources/{{source}}"
MODELS = f"{study.folder}/{{models}}"


def any_of(names):
    """A pattern that matches these names, and nothing if the list is empty."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    **{name: any_of(names) for name, names in study.wildcards.items()},
    fold="[^/]+",
    shard="[0-9]+",
    shards="[0-9]+",


def corpus_of(wildcards):
    return study.corpus_of_folder[wildcards.corpus]


def experiment_of(wildcards):
    return (study.experiments | study.wholes)[wildcards.experiment]


def source_of(wildcards):
    """What speech models are made of."""
    return study.sources[wildcards.models]


def shared_of(wildcards):
    """What the models are made of that several experiments may share."""
    return study.shared[wildcards.source].models_of(study.scaling)


def of_corpora(pattern, of=experiment_of):
    """A file of each corpus of an experiment, or of what models are made of, as an input function."""
    return lambda wildcards: [pattern.format(corpus=corpus.folder) for corpus in of(wildcards).corpora]


def of_target(pattern):
    """A file of the corpus that an experiment tests on, as an input function."""
    return lambda wildcards: pattern.format(corpus=experiment_of(wildcards).test.folder)


def transcripts_of(wildcards):
    """The transcripts of each corpus of an experiment."""
    return of_corpora(f"{experiment_of(wildcards).transcripts}.parquet")(wildcards)


def of_methods(pattern, methods):
    """A file of each of some methods, in their order."""
    return expand(f"{EXPERIMENT}/{pattern}", method=methods, allow_missing=True)
