speech = study.config["speech"]


# The corpus's recordings are no input: Snakemake would hear all shards anew where one of them has another utterance.
rule embeddings:
    input:
        lambda wildcards: corpus_of(wildcards).source,
        checkpoint=checkpoint_files(speech["checkpoint"]),
    output:
        f"{study.embeddings}/{SHARD}.safetensors",
    log:
        study.log("embeddings", f"{study.embeddings}/{SHARD}"),
    benchmark:
        study.benchmark("embeddings", f"{study.embeddings}/{SHARD}")
    resources:
        device=study.config["device"],
        budget=speech["embeddings"]["budget"],
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
    params:
        recipe=lambda wildcards: study.shard_recipe(
            "embeddings",
            wildcards.corpus,
            wildcards.shard,
            wildcards.shards,
            checkpoint=speech["checkpoint"],
            precision=speech["embeddings"]["precision"],
        ),
    message:
        "embeddings: corpus {wildcards.corpus}, shard {wildcards.shard}"
    script:
        "../scripts/embeddings.py"


rule merge_embeddings:
    input:
        recordings=f"{CORPUS}/recordings.parquet",
        shards=lambda wildcards: study.shards(
            study.embeddings, wildcards.corpus, speech["embeddings"]["shard_size"], "safetensors"
        ),
    output:
        f"{study.embeddings}.safetensors",
    log:
        study.log("merge_embeddings", study.embeddings),
    params:
        recipe=study.recipe("merge_embeddings"),
    message:
        "merge_embeddings: corpus {wildcards.corpus}"
    script:
        "../scripts/merge_embeddings.py"


if speech["classifier"] == "embeddings":

    rule speech_classifier:
        input:
            folds=f"{EXPERIMENT}/folds.parquet",
            utterances=of_corpora(f"{CORPUS}/utterances.parquet"),
            embeddings=of_corpora(f"{study.embeddings}.safetensors"),
        output:
            speech=f"{EXPERIMENT}/folds/{{fold}}/speech.parquet",
            parameters=f"{EXPERIMENT}/folds/{{fold}}/speech.json",
        log:
            study.log("speech_classifier", f"{EXPERIMENT}/{{fold}}"),
        benchmark:
            study.benchmark("speech_classifier", f"{EXPERIMENT}/{{fold}}")
        params:
            recipe=study.recipe("speech_classifier", **speech["regression"]),
        message:
            "speech_classifier: experiment {wildcards.experiment}, fold {wildcards.fold}"
        script:
            "../scripts/speech_classifier.py"

else:

    rule finetune:
        input:
            folds=f"{EXPERIMENT}/folds.parquet",
            utterances=of_corpora(f"{CORPUS}/utterances.parquet"),
            recordings=of_corpora(f"{CORPUS}/recordings.parquet"),
            checkpoint=checkpoint_files(speech["checkpoint"]),
        output:
            speech=f"{EXPERIMENT}/folds/{{fold}}/speech.parquet",
            parameters=f"{EXPERIMENT}/folds/{{fold}}/speech.json",
        log:
            study.log("finetune", f"{EXPERIMENT}/{{fold}}"),
        benchmark:
            study.benchmark("finetune", f"{EXPERIMENT}/{{fold}}")
        threads: 4
        resources:
            device=study.config["device"],
            budget=speech["training"]["budget"],
            root=roots,
            # Where training goes on from.
            folder=lambda wildcards: f"{experiment_of(wildcards).folder}/folds/{wildcards.fold}/training",
        params:
            recipe=lambda wildcards: study.recipe(
                "finetune",
                checkpoint=speech["checkpoint"],
                training={key: value for key, value in speech["training"].items() if key != "budget"},
                seed=[study.config["seed"], wildcards.experiment, "finetune", wildcards.fold],
            ),
        message:
            "finetune: experiment {wildcards.experiment}, fold {wildcards.fold}"
        script:
            "../scripts/finetune.py"
