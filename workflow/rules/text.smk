words, encoder = study.config["transcripts"], study.config["text_expert"]["encoder"]

if words["source"] == "reference":

    rule reference_transcripts:
        input:
            recordings=f"{CORPUS}/recordings.parquet",
            references=f"{CORPUS}/references.parquet",
            checkpoint=checkpoint_files(words["checkpoint"]) if words["fill_in"] else [],
        output:
            f"{study.transcripts}.parquet",
        log:
            study.log("reference_transcripts", study.transcripts),
        resources:
            device=study.config["device"],
            gpu=lambda wildcards: gpus.asked(study.config["device"]),
            batch_size=words["batch_size"],
            root=lambda wildcards: corpus_of(wildcards).root,
        params:
            recipe=lambda wildcards: study.recipe(
                "reference_transcripts",
                fill_in=words["fill_in"],
                **(study.whisper_recipe(wildcards.corpus) if words["fill_in"] else {}),
            ),
        message:
            "reference_transcripts: corpus {wildcards.corpus}"
        script:
            "../scripts/reference_transcripts.py"

else:

    # Recordings are no input, as in rule embeddings.
    rule transcripts:
        input:
            lambda wildcards: corpus_of(wildcards).source,
            checkpoint=checkpoint_files(words["checkpoint"]),
        output:
            f"{study.transcripts}/{SHARD}.parquet",
        log:
            study.log("transcripts", f"{study.transcripts}/{SHARD}"),
        benchmark:
            study.benchmark("transcripts", f"{study.transcripts}/{SHARD}")
        resources:
            device=study.config["device"],
            gpu=lambda wildcards: gpus.asked(study.config["device"]),
            batch_size=words["batch_size"],
            path=lambda wildcards: str(corpus_of(wildcards).path),
            partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
            labels=lambda wildcards: corpus_of(wildcards).kept,
        params:
            recipe=lambda wildcards: study.shard_recipe(
                "transcripts",
                wildcards.corpus,
                wildcards.shard,
                wildcards.shards,
                **study.whisper_recipe(wildcards.corpus),
            ),
        message:
            "transcripts: corpus {wildcards.corpus}, shard {wildcards.shard}"
        script:
            "../scripts/transcripts.py"

    rule merge_transcripts:
        input:
            recordings=f"{CORPUS}/recordings.parquet",
            shards=lambda wildcards: study.shards(study.transcripts, wildcards.corpus, words["shard_size"], "parquet"),
        output:
            f"{study.transcripts}.parquet",
        log:
            study.log("merge_transcripts", study.transcripts),
        params:
            recipe=study.recipe("merge_transcripts"),
        message:
            "merge_transcripts: corpus {wildcards.corpus}"
        script:
            "../scripts/merge_transcripts.py"


rule sentiment:
    input:
        transcripts=f"{study.transcripts}.parquet",
        checkpoint=checkpoint_files(study.config["sentiment"]["checkpoint"]),
    output:
        study.sentiment,
    log:
        study.log("sentiment", study.sentiment),
    benchmark:
        study.benchmark("sentiment", study.sentiment)
    resources:
        device=study.config["device"],
        gpu=lambda wildcards: gpus.asked(study.config["device"]),
        batch_size=study.config["sentiment"]["batch_size"],
    params:
        recipe=study.recipe(
            "sentiment",
            study.normalisations["sentiment"],
            checkpoint=study.config["sentiment"]["checkpoint"],
            normalisation=study.normalisations["sentiment"],
        ),
    message:
        "sentiment: corpus {wildcards.corpus}"
    script:
        "../scripts/sentiment.py"


rule wer:
    input:
        utterances=f"{CORPUS}/utterances.parquet",
        references=f"{CORPUS}/references.parquet",
        transcripts=f"{study.transcripts}.parquet",
    output:
        study.wer,
    log:
        study.log("wer", study.wer),
    params:
        recipe=study.recipe("wer", study.normalisations["wer"], normalisation=study.normalisations["wer"]),
    message:
        "wer: corpus {wildcards.corpus}"
    script:
        "../scripts/wer.py"


if study.uses_encoder:

    rule text_embeddings:
        input:
            transcripts=f"{CORPUS}/transcripts/{{transcripts}}.parquet",
            checkpoint=checkpoint_files(encoder["checkpoint"]),
        output:
            f"{study.text_embeddings}/{SHARD}.safetensors",
        log:
            study.log("text_embeddings", f"{study.text_embeddings}/{SHARD}"),
        benchmark:
            study.benchmark("text_embeddings", f"{study.text_embeddings}/{SHARD}")
        resources:
            device=study.config["device"],
            gpu=lambda wildcards: gpus.asked(study.config["device"]),
            batch_size=encoder["batch_size"],
        params:
            recipe=study.recipe(
                "text_embeddings",
                study.normalisations["text_embeddings"],
                checkpoint=encoder["checkpoint"],
                normalisation=study.normalisations["text_embeddings"],
            ),
        message:
            "text_embeddings: corpus {wildcards.corpus}, transcripts {wildcards.transcripts}, shard {wildcards.shard}"
        script:
            "../scripts/text_embeddings.py"

    rule merge_text_embeddings:
        input:
            transcripts=f"{CORPUS}/transcripts/{{transcripts}}.parquet",
            shards=lambda wildcards: study.shards_of_text(wildcards.corpus, wildcards.transcripts),
        output:
            f"{study.text_embeddings}.safetensors",
        log:
            study.log("merge_text_embeddings", study.text_embeddings),
        params:
            recipe=study.recipe("merge_text_embeddings"),
        message:
            "merge_text_embeddings: corpus {wildcards.corpus}, transcripts {wildcards.transcripts}"
        script:
            "../scripts/merge_text_embeddings.py"


rule text_expert:
    input:
        folds=f"{EXPERIMENT}/folds.parquet",
        utterances=of_corpora(f"{CORPUS}/utterances.parquet"),
        transcripts=transcripts_of,
        embeddings=lambda wildcards: [f"{place}.safetensors" for place in experiment_of(wildcards).text_embeddings],
    output:
        f"{EXPERIMENT}/text_expert.parquet",
    log:
        study.log("text_expert", EXPERIMENT),
    wildcard_constraints:
        experiment=any_of([*study.experiments, *study.wholes]),
    params:
        recipe=lambda wildcards: study.text_expert_recipe(experiment_of(wildcards).folds),
    message:
        "text_expert: experiment {wildcards.experiment}"
    script:
        "../scripts/text_expert.py"
