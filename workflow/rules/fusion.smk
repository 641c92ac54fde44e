rule text_expert:
    input:
        scores=f"{STUDY}/{{experiment}}/scores.parquet",
    output:
        f"{STUDY}/{{experiment}}/text_expert.parquet",
    log:
        f"{LOGS}/text_expert/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("text_expert", parameters=config["text_expert"]),
    message:
        "text_expert: experiment {wildcards.experiment}"
    script:
        "../scripts/text_expert.py"


rule fuse:
    input:
        unpack(fusion_input),
    output:
        predictions=f"{STUDY}/{{experiment}}/fusion/{{method}}/predictions.parquet",
        parameters=f"{STUDY}/{{experiment}}/fusion/{{method}}/parameters.json",
        trials=f"{STUDY}/{{experiment}}/fusion/{{method}}/trials.parquet",
    log:
        f"{LOGS}/fuse/{config['study']}/{{experiment}}/{{method}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings(
            "fuse",
            METHODS[config["methods"][wildcards.method]["estimator"]],
            method=config["methods"][wildcards.method],
            seed=[config["seed"], config["experiments"][wildcards.experiment]["test"]],
        ),
    message:
        "fuse: method {wildcards.method}, experiment {wildcards.experiment}"
    script:
        "../scripts/fuse.py"


rule front:
    input:
        scores=f"{STUDY}/{{experiment}}/scores.parquet",
        parameters=expand(
            f"{STUDY}/{{{{experiment}}}}/fusion/{{method}}/parameters.json",
            method=methods_with_front(),
        ),
    output:
        f"{STUDY}/{{experiment}}/front.parquet",
    log:
        f"{LOGS}/front/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("front"),
    message:
        "front: experiment {wildcards.experiment}"
    script:
        "../scripts/front.py"


rule evaluate:
    input:
        scores=f"{STUDY}/{{experiment}}/scores.parquet",
        predictions=expand(
            f"{STUDY}/{{{{experiment}}}}/fusion/{{method}}/predictions.parquet",
            method=config["methods"],
        ),
    output:
        metrics=f"{STUDY}/{{experiment}}/metrics.parquet",
        comparison=f"{STUDY}/{{experiment}}/comparison.parquet",
        leaderboard=f"{STUDY}/{{experiment}}/leaderboard.md",
    log:
        f"{LOGS}/evaluate/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings(
            "evaluate",
            title=f"{config['study']} / {wildcards.experiment}",
            ceilings=ceilings(),
            seed=[config["seed"], config["experiments"][wildcards.experiment]["test"]],
            **config["evaluation"],
        ),
    message:
        "evaluate: experiment {wildcards.experiment}"
    script:
        "../scripts/evaluate.py"
