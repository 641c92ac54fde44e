PAGE = os.path.relpath(f"{workflow.basedir}/workflow/report")


rule figures_methods:
    input:
        metrics=f"{EXPERIMENT}/metrics.parquet",
        predictions=of_methods("fusion/{method}/predictions.parquet", study.compared),
        parameters=of_methods("fusion/{method}/parameters.json", study.compared),
    output:
        **{figure: of_methods(f"figures/{{method}}/{figure}.png", study.compared) for figure in figures.OF_METHOD},
    log:
        study.log("figures_methods", EXPERIMENT),
    params:
        recipe=study.recipe("figures_methods", methods=study.compared),
    message:
        "figures_methods: experiment {wildcards.experiment}"
    script:
        "../scripts/figures_methods.py"


rule figures_experiment:
    input:
        speech=f"{EXPERIMENT}/fusion/speech/predictions.parquet",
        metrics=f"{EXPERIMENT}/metrics.parquet",
        comparison=f"{EXPERIMENT}/comparison.parquet",
        front=f"{EXPERIMENT}/front.parquet",
    output:
        **{figure: f"{EXPERIMENT}/figures/{figure}.png" for figure in figures.OF_EXPERIMENT},
    log:
        study.log("figures_experiment", EXPERIMENT),
    params:
        recipe=study.recipe(
            "figures_experiment",
            ceilings=study.ceilings,
            confidence=study.config["evaluation"]["confidence"],
        ),
    message:
        "figures_experiment: experiment {wildcards.experiment}"
    script:
        "../scripts/figures_experiment.py"


rule figures_shift:
    input:
        f"{EXPERIMENT}/shift.parquet",
    output:
        **{figure: f"{EXPERIMENT}/figures/{figure}.png" for figure in figures.OF_CROSS},
    log:
        study.log("figures_shift", EXPERIMENT),
    params:
        recipe=study.recipe("figures_shift"),
    message:
        "figures_shift: experiment {wildcards.experiment}"
    script:
        "../scripts/figures_shift.py"


rule figures_study:
    input:
        f"{study.folder}/across.parquet",
    output:
        **{figure: f"{study.folder}/figures/{figure}.png" for figure in figures.OF_STUDY},
    log:
        study.log("figures_study", f"{study.folder}/figures"),
    localrule: True
    params:
        recipe=study.recipe(
            "figures_study",
            ceilings=study.ceilings,
            confidence=study.config["evaluation"]["confidence"],
        ),
    message:
        "figures_study"
    script:
        "../scripts/figures_study.py"


rule report:
    input:
        study.files,
        template=f"{PAGE}/report.html.j2",
        parts=f"{PAGE}/corpora.html.j2",
        captions=sorted(map(str, Path(PAGE, "captions").glob("*.rst"))),
    output:
        f"{study.folder}/report.html",
    log:
        study.log("report", f"{study.folder}/report"),
    localrule: True
    params:
        recipe=study.recipe(
            "report",
            study=study.name,
            # Lists, for a recipe's keys are sorted, and a page keeps the order of the config.
            experiments=[experiment.chapter for experiment in study.experiments.values()],
            corpora=study.corpus_chapters,
            config=study.what,
            across=study.across,
            confidence=study.config["evaluation"]["confidence"],
            notes=study.notes,
        ),
    message:
        "report"
    script:
        "../scripts/report.py"


# MLflow is a view of the files: its database is nobody's output, and no rule reads from it.
rule track:
    input:
        study.files,
        study.sealed,
        report=f"{study.folder}/report.html",  # last, so that a server that is down costs nothing else
    output:
        f"{study.folder}/tracking.json",
    log:
        study.log("track", f"{study.folder}/track"),
    localrule: True
    params:
        recipe=study.recipe(
            "track",
            uri=credentials.hidden(study.tracking_uri),
            results=str(RESULTS),
            study=study.name,
            experiments={name: experiment.runs for name, experiment in study.experiments.items()},
            config=study.what,
            config_digest=provenance.digest(study.what),
            across=study.across,
            model=study.logged,
        ),
    message:
        "track"
    script:
        "../scripts/track.py"
