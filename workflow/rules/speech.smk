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
        gpu=lambda wildcards: gpus.asked(study.config["device"]),
        budget=speech["embeddings"]["budget"],
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
        labels=lambda wildcards: corpus_of(wildcards).kept,
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


if study.listens:

    # Makes a model of the rows of a fold, and classifies these.
    rule speech_classifier:
        input:
            folds=lambda wildcards: source_of(wildcards).folds,
            utterances=of_corpora(f"{CORPUS}/utterances.parquet", source_of),
            embeddings=of_corpora(f"{study.embeddings}.safetensors", source_of),
        output:
            speech=f"{MODELS}/{{fold}}/speech.parquet",
            model=f"{MODELS}/{{fold}}/speech.safetensors",
            chosen=f"{MODELS}/{{fold}}/speech.json",
        log:
            study.log("speech_classifier", f"{MODELS}/{{fold}}"),
        benchmark:
            study.benchmark("speech_classifier", f"{MODELS}/{{fold}}")
        params:
            recipe=lambda wildcards: study.recipe(
                "speech_classifier",
                splits=source_of(wildcards).splits,
                **speech["regression"] | {"scaling": source_of(wildcards).scaling},
            ),
        message:
            "speech_classifier: models {wildcards.models}, fold {wildcards.fold}"
        script:
            "../scripts/speech_classifier.py"

    # Classifies the target with the models of its source.
    rule target_speech:
        input:
            folds=f"{EXPERIMENT}/folds.parquet",
            source=lambda wildcards: experiment_of(wildcards).models_of(wildcards.scaling).folds,
            utterances=of_target(f"{CORPUS}/utterances.parquet"),
            embeddings=of_target(f"{study.embeddings}.safetensors"),
            models=lambda wildcards: experiment_of(wildcards).files_of_models(wildcards.scaling, "speech.safetensors"),
            chosen=lambda wildcards: experiment_of(wildcards).files_of_models(wildcards.scaling, "speech.json"),
        output:
            f"{EXPERIMENT}/speech/{{scaling}}.parquet",
        log:
            study.log("target_speech", f"{EXPERIMENT}/{{scaling}}"),
        wildcard_constraints:
            experiment=any_of(study.cross_experiments),
        params:
            recipe=lambda wildcards: study.recipe("target_speech", folds=experiment_of(wildcards).folds),
        message:
            "target_speech: experiment {wildcards.experiment}, scaling {wildcards.scaling}"
        script:
            "../scripts/target_speech.py"

else:

    rule finetune:
        input:
            folds=lambda wildcards: source_of(wildcards).folds,
            utterances=of_corpora(f"{CORPUS}/utterances.parquet", source_of),
            recordings=of_corpora(f"{CORPUS}/recordings.parquet", source_of),
            checkpoint=checkpoint_files(speech["checkpoint"]),
        output:
            speech=f"{MODELS}/{{fold}}/speech.parquet",
            model=f"{MODELS}/{{fold}}/speech/model.safetensors",
            chosen=f"{MODELS}/{{fold}}/speech.json",
        log:
            study.log("finetune", f"{MODELS}/{{fold}}"),
        benchmark:
            study.benchmark("finetune", f"{MODELS}/{{fold}}")
        threads: 4
        resources:
            device=study.config["device"],
            gpu=lambda wildcards: gpus.asked(study.config["device"]),
            budget=speech["training"]["budget"],
            root=lambda wildcards: os.pathsep.join(corpus.root for corpus in source_of(wildcards).corpora),
            # Where training goes on from.
            folder=lambda wildcards: f"{source_of(wildcards).folder}/{wildcards.fold}/training",
        params:
            recipe=lambda wildcards: study.recipe(
                "finetune",
                checkpoint=speech["checkpoint"],
                training={key: value for key, value in speech["training"].items() if key != "budget"},
                seed=[study.config["seed"], source_of(wildcards).name, "finetune", wildcards.fold],
                splits=source_of(wildcards).splits,
            ),
        message:
            "finetune: models {wildcards.models}, fold {wildcards.fold}"
        script:
            "../scripts/finetune.py"

    rule finetuned_target_speech:
        input:
            folds=f"{EXPERIMENT}/folds.parquet",
            source=lambda wildcards: experiment_of(wildcards).models_of(study.scaling).folds,
            recordings=of_target(f"{CORPUS}/recordings.parquet"),
            model=lambda wildcards: (
                f"{experiment_of(wildcards).models_of(study.scaling).folder}/{wildcards.fold}/speech/model.safetensors"
            ),
        output:
            f"{EXPERIMENT}/finetuned/{{fold}}/speech.parquet",
        log:
            study.log("finetuned_target_speech", f"{EXPERIMENT}/{{fold}}"),
        benchmark:
            study.benchmark("finetuned_target_speech", f"{EXPERIMENT}/{{fold}}")
        wildcard_constraints:
            experiment=any_of(study.cross_experiments),
        threads: 4
        resources:
            device=study.config["device"],
            gpu=lambda wildcards: gpus.asked(study.config["device"]),
            budget=speech["training"]["budget"],
            root=lambda wildcards: experiment_of(wildcards).test.root,
        params:
            recipe=study.recipe("finetuned_target_speech"),
        message:
            "finetuned_target_speech: experiment {wildcards.experiment}, fold {wildcards.fold}"
        script:
            "../scripts/finetuned_target_speech.py"
