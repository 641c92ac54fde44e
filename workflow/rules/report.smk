rule figures_methods:
    input:
        speech=f"{STUDY}/{{experiment}}/fusion/speech/predictions.parquet",
        metrics=f"{STUDY}/{{experiment}}/metrics.parquet",
        predictions=expand(
            f"{STUDY}/{{{{experiment}}}}/fusion/{{method}}/predictions.parquet",
            method=compared_methods(),
        ),
        parameters=expand(
            f"{STUDY}/{{{{experiment}}}}/fusion/{{method}}/parameters.json",
            method=compared_methods(),
        ),
    output:
        **{
            figure: expand(
                f"{STUDY}/{{{{experiment}}}}/figures/{{method}}/{figure}.png",
                method=compared_methods(),
            )
            for figure in METHOD_FIGURES
        },
    log:
        f"{LOGS}/figures_methods/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("figures_methods", methods=compared_methods()),
    message:
        "figures_methods: experiment {wildcards.experiment}"
    script:
        "../scripts/figures_methods.py"


rule figures_experiment:
    input:
        speech=f"{STUDY}/{{experiment}}/fusion/speech/predictions.parquet",
        metrics=f"{STUDY}/{{experiment}}/metrics.parquet",
        comparison=f"{STUDY}/{{experiment}}/comparison.parquet",
        front=f"{STUDY}/{{experiment}}/front.parquet",
    output:
        **{figure: f"{STUDY}/{{experiment}}/figures/{figure}.png" for figure in EXPERIMENT_FIGURES},
    log:
        f"{LOGS}/figures_experiment/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "figures_experiment",
            ceilings=ceilings(),
            confidence=config["evaluation"]["confidence"],
        ),
    message:
        "figures_experiment: experiment {wildcards.experiment}"
    script:
        "../scripts/figures_experiment.py"


rule report:
    input:
        tables_of_methods(),
        pictures(),
        captions=sorted(Path(workflow.basedir, "workflow/report/captions").glob("*.rst")),
        template=Path(workflow.basedir, "workflow/report/report.html.j2"),
        metrics=expand(f"{STUDY}/{{experiment}}/metrics.parquet", experiment=config["experiments"]),
        comparison=expand(
            f"{STUDY}/{{experiment}}/comparison.parquet",
            experiment=config["experiments"],
        ),
        wer=word_error_rates(*config["experiments"]),
    output:
        f"{STUDY}/report.html",
    log:
        f"{LOGS}/report/{config['study']}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "report",
            study=config["study"],
            experiments={name: described(name) for name in config["experiments"]},
            config=config,
            ceilings=ceilings(),
            confidence=config["evaluation"]["confidence"],
            notes=notes(),
        ),
    message:
        "report"
    script:
        "../scripts/report.py"
