rule released_scores:
    input:
        released_files,
    output:
        f"{STUDY}/{{experiment}}/scores.parquet",
    log:
        f"{LOGS}/released_scores/{config['study']}/{{experiment}}.log",
    wildcard_constraints:
        experiment=any_of(published_experiments()),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings(
            "released_scores",
            root=corpus_root(config["experiments"][wildcards.experiment]["test"]),
        ),
    message:
        "released_scores: experiment {wildcards.experiment}"
    script:
        "../scripts/released_scores.py"


rule utterances:
    input:
        corpus_files,
    output:
        utterances="results/corpora/{corpus}/utterances.parquet",
    log:
        f"{LOGS}/utterances/{{corpus}}.log",
        rejects="results/corpora/{corpus}/rejects.parquet",
    conda:
        "../../envs/environment.yaml"
    threads: 2
    params:
        settings=lambda wildcards: settings(
            "utterances",
            READERS[config["corpora"][wildcards.corpus]["reader"]],
            corpus=wildcards.corpus,
            reader=reader_settings(wildcards.corpus),
        ),
    message:
        "utterances: corpus {wildcards.corpus}"
    script:
        "../scripts/utterances.py"


rule folds:
    input:
        train=lambda wildcards: f"results/corpora/{config['experiments'][wildcards.experiment]['train']}/utterances.parquet",
        test=lambda wildcards: f"results/corpora/{config['experiments'][wildcards.experiment]['test']}/utterances.parquet",
    output:
        folds=f"{STUDY}/{{experiment}}/folds.parquet",
    log:
        f"{LOGS}/folds/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings("folds", protocol=config["experiments"][wildcards.experiment]["protocol"]),
    message:
        "folds: experiment {wildcards.experiment}"
    script:
        "../scripts/folds.py"
