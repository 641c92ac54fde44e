import dataclasses
import json
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import RerunTrigger

from emofuse import configuration, provenance
from emofuse.fusion import METHODS
from emofuse.tables import InputError

try:
    config.update(
        configuration.complete(
            config, " + ".join(map(str, workflow.configfiles)) or "config"
        )
    )
except InputError as error:
    raise WorkflowError(str(error))

STUDY = f"results/{config['study']}"
LOGS = "results/logs"
BENCHMARKS = "results/benchmarks"
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
            )

    workflow.__class__ = JudgedByContent


judge_by_content(workflow)

METHOD_FIGURES = ("plane", "confusion", "changes", "ua_by_fold")
EXPERIMENT_FIGURES = ("uncertainty", "leaderboard", "pareto")

NOTES = {
    "released": (
        "The authors published the sentiment's label and score only: "
        "the rest of the probability is spread evenly over the other two sentiments."
    ),
}


wildcard_constraints:
    experiment="|".join(config["experiments"]),
    method="|".join(config["methods"]),


def settings(script, *roots, **values):
    """All that a job depends on besides its inputs, as one dict whose order of keys is fixed.

    Roots are definitions of the library that the script reaches by name only.
    """
    code = provenance.code_digest(SCRIPTS / f"{script}.py", *roots)
    return json.loads(provenance.canonical(values | {"code": code}))


def corpus_root(corpus):
    return str(Path(config["data_dir"]) / config["corpora"][corpus]["path"])


def experiments_with_reader(*readers):
    """The experiments whose test corpus has one of these readers."""
    corpora = config["corpora"]
    return [
        name
        for name, entry in config["experiments"].items()
        if corpora[entry["test"]]["reader"] in readers
    ]


def methods_with_front():
    """The methods whose search has a Pareto front."""
    return [
        name
        for name, method in config["methods"].items()
        if method["parameters"].get("budget") is not None
    ]


def ceilings():
    """The methods that see the test labels."""
    return [
        name
        for name, method in config["methods"].items()
        if method["estimator"] == "oracle"
    ]


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
            *(
                f"{method}/{figure}"
                for method in compared_methods()
                for figure in METHOD_FIGURES
            ),
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
    readers = {
        config["corpora"][entry["test"]]["reader"]
        for entry in config["experiments"].values()
    }
    return [NOTES[reader] for reader in sorted(readers) if reader in NOTES]


def get_final_output():
    """What a study makes."""
    return [f"{STUDY}/report.html", f"{STUDY}/tracking.json"]
