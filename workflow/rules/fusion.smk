rule published_scores:
    input:
        published=of_corpora(f"{CORPUS}/published.parquet"),
        utterances=of_corpora(f"{CORPUS}/utterances.parquet"),
        transcripts=transcripts_of,
    output:
        scores=f"{EXPERIMENT}/scores.parquet",
        folds=f"{EXPERIMENT}/folds.parquet",
    log:
        study.log("published_scores", EXPERIMENT),
    wildcard_constraints:
        experiment=any_of(study.experiments_of(published=True)),
    params:
        recipe=lambda wildcards: study.recipe("published_scores", folds=experiment_of(wildcards).folds),
    message:
        "published_scores: experiment {wildcards.experiment}"
    script:
        "../scripts/published_scores.py"


rule scores:
    input:
        speech=lambda wildcards: experiment_of(wildcards).speech(),
        utterances=of_corpora(f"{CORPUS}/utterances.parquet"),
        transcripts=transcripts_of,
        sentiment=of_corpora(study.sentiment),
    output:
        scores=f"{EXPERIMENT}/scores.parquet",
        calibration=f"{EXPERIMENT}/calibration.json",
    log:
        study.log("scores", EXPERIMENT),
    wildcard_constraints:
        experiment=any_of([*study.experiments_of(published=False), *study.wholes]),
    params:
        recipe=study.recipe("scores", calibration=study.config["speech"]["calibration"]),
    message:
        "scores: experiment {wildcards.experiment}"
    script:
        "../scripts/scores.py"


rule fuse:
    input:
        scores=f"{EXPERIMENT}/scores.parquet",
        text_expert=lambda wildcards: experiment_of(wildcards).text_expert(wildcards.method),
    output:
        predictions=f"{EXPERIMENT}/fusion/{{method}}/predictions.parquet",
        parameters=f"{EXPERIMENT}/fusion/{{method}}/parameters.json",
        trials=f"{EXPERIMENT}/fusion/{{method}}/trials.parquet",
        inner=f"{EXPERIMENT}/fusion/{{method}}/inner.parquet",
        front=f"{EXPERIMENT}/fusion/{{method}}/front.parquet",
    log:
        study.log("fuse", f"{EXPERIMENT}/{{method}}"),
    params:
        recipe=lambda wildcards: experiment_of(wildcards).fusion_recipe(wildcards.method),
    message:
        "fuse: method {wildcards.method}, experiment {wildcards.experiment}"
    script:
        "../scripts/fuse.py"


rule front:
    input:
        of_methods("fusion/{method}/front.parquet", study.fronts),
    output:
        f"{EXPERIMENT}/front.parquet",
    log:
        study.log("front", EXPERIMENT),
    params:
        recipe=study.recipe("front", methods=study.fronts),
    message:
        "front: experiment {wildcards.experiment}"
    script:
        "../scripts/front.py"


rule evaluate:
    input:
        predictions=of_methods("fusion/{method}/predictions.parquet", study.methods),
        inner=of_methods("fusion/{method}/inner.parquet", study.candidates),
    output:
        choices=f"{EXPERIMENT}/choices.parquet",
        chosen=f"{EXPERIMENT}/fusion/{CHOSEN}/predictions.parquet",
        metrics=f"{EXPERIMENT}/metrics.parquet",
        comparison=f"{EXPERIMENT}/comparison.parquet",
        leaderboard=f"{EXPERIMENT}/leaderboard.md",
    log:
        study.log("evaluate", EXPERIMENT),
    params:
        recipe=lambda wildcards: study.recipe(
            "evaluate",
            title=f"{study.name} / {wildcards.experiment}",
            methods=list(study.methods),
            candidates=study.candidates,
            ceilings=study.ceilings,
            seed=[study.config["seed"], experiment_of(wildcards).test.name],
            **study.config["evaluation"],
        ),
    message:
        "evaluate: experiment {wildcards.experiment}"
    script:
        "../scripts/evaluate.py"


rule telling:
    input:
        scores=f"{EXPERIMENT}/scores.parquet",
        text_expert=lambda wildcards: experiment_of(wildcards).text_expert(*study.compared),
        predictions=of_methods("fusion/{method}/predictions.parquet", study.compared),
    output:
        f"{EXPERIMENT}/telling.parquet",
    log:
        study.log("telling", EXPERIMENT),
    params:
        recipe=study.recipe("telling", methods=study.compared, reading_text=study.reading_text),
    message:
        "telling: experiment {wildcards.experiment}"
    script:
        "../scripts/telling.py"


# How a cross-corpus experiment's target differs from its source.
rule shift:
    input:
        scores=f"{EXPERIMENT}/scores.parquet",
        calibration=f"{EXPERIMENT}/calibration.json",
        parameters=of_methods("fusion/{method}/parameters.json", study.selecting),
    output:
        f"{EXPERIMENT}/shift.parquet",
    log:
        study.log("shift", EXPERIMENT),
    params:
        recipe=study.recipe("shift", *study.selecting.values(), paths=study.selecting),
    message:
        "shift: experiment {wildcards.experiment}"
    script:
        "../scripts/shift.py"


rule across:
    input:
        predictions=[
            experiment.methods[method]["predictions"]
            for experiments in study.tested.values()
            for experiment in experiments
            for method in study.methods
        ],
    output:
        table=f"{study.folder}/across.parquet",
        leaderboard=f"{study.folder}/leaderboard.md",
    log:
        study.log("across", f"{study.folder}/across"),
    params:
        recipe=study.recipe(
            "across",
            title=study.name,
            methods=list(study.methods),
            targets=[
                [target, [[experiment.name, experiment.trained_on] for experiment in experiments]]
                for target, experiments in study.tested.items()
            ],
            ceilings=study.ceilings,
            seed=study.config["seed"],
            **study.config["evaluation"],
        ),
    message:
        "across"
    script:
        "../scripts/across.py"
