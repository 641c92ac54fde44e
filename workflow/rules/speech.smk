EMBEDDINGS = f"results/corpora/{{corpus}}/embeddings/{speech_key()}"


rule embeddings:
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        checkpoint=checkpoint_files(config["speech"]["checkpoint"]),
    output:
        f"{EMBEDDINGS}/{{shard}}.safetensors",
    log:
        f"{LOGS}/embeddings/{{corpus}}/{speech_key()}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/embeddings/{{corpus}}/{speech_key()}/{{shard}}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "embeddings",
            checkpoint=config["speech"]["checkpoint"],
            device=config["device"],
            **config["speech"]["embeddings"],
        ),
    message:
        "embeddings: corpus {wildcards.corpus}, shard {wildcards.shard}"
    script:
        "../scripts/embeddings.py"


rule merge_embeddings:
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        shards=lambda wildcards: expand(
            f"{EMBEDDINGS}/{{shard}}.safetensors",
            corpus=wildcards.corpus,
            shard=shards(wildcards.corpus, config["speech"]["embeddings"]["shard_size"]),
        ),
    output:
        f"{EMBEDDINGS}.safetensors",
    log:
        f"{LOGS}/merge_embeddings/{{corpus}}/{speech_key()}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("merge_embeddings"),
    message:
        "merge_embeddings: corpus {wildcards.corpus}"
    script:
        "../scripts/merge_embeddings.py"


if config["speech"]["classifier"] == "embeddings":

    rule speech_classifier:
        input:
            folds=f"{STUDY}/{{experiment}}/folds.parquet",
            utterances=lambda wildcards: of_corpora(wildcards, "results/corpora/{corpus}/utterances.parquet"),
            embeddings=lambda wildcards: of_corpora(wildcards, f"{EMBEDDINGS}.safetensors"),
        output:
            speech=f"{STUDY}/{{experiment}}/folds/{{fold}}/speech.parquet",
            parameters=f"{STUDY}/{{experiment}}/folds/{{fold}}/speech.json",
        log:
            f"{LOGS}/speech_classifier/{config['study']}/{{experiment}}/{{fold}}.log",
        benchmark:
            f"{BENCHMARKS}/speech_classifier/{config['study']}/{{experiment}}/{{fold}}.tsv"
        conda:
            "../../envs/environment.yaml"
        params:
            settings=settings("speech_classifier", **config["speech"]["regression"]),
        message:
            "speech_classifier: experiment {wildcards.experiment}, fold {wildcards.fold}"
        script:
            "../scripts/speech_classifier.py"

else:

    rule finetune:
        input:
            folds=f"{STUDY}/{{experiment}}/folds.parquet",
            utterances=lambda wildcards: of_corpora(wildcards, "results/corpora/{corpus}/utterances.parquet"),
            checkpoint=checkpoint_files(config["speech"]["checkpoint"]),
        output:
            speech=f"{STUDY}/{{experiment}}/folds/{{fold}}/speech.parquet",
            parameters=f"{STUDY}/{{experiment}}/folds/{{fold}}/speech.json",
        log:
            f"{LOGS}/finetune/{config['study']}/{{experiment}}/{{fold}}.log",
        benchmark:
            f"{BENCHMARKS}/finetune/{config['study']}/{{experiment}}/{{fold}}.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 4
        params:
            settings=lambda wildcards: settings(
                "finetune",
                checkpoint=config["speech"]["checkpoint"],
                device=config["device"],
                training=config["speech"]["training"],
                seed=[
                    config["seed"],
                    wildcards.experiment,
                    "finetune",
                    wildcards.fold,
                ],
            ),
            # Not among the settings: where training goes on from is no reason to train again.
            folder=f"{STUDY}/{{experiment}}/folds/{{fold}}/training",
        message:
            "finetune: experiment {wildcards.experiment}, fold {wildcards.fold}"
        script:
            "../scripts/finetune.py"
