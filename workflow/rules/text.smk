TRANSCRIPTS = f"results/corpora/{{corpus}}/transcripts/{transcripts_key()}"
SENTIMENT = f"results/corpora/{{corpus}}/sentiment/{transcripts_key()}/{sentiment_key()}.parquet"
WER = f"results/corpora/{{corpus}}/wer/{transcripts_key()}.parquet"

if config["transcripts"]["source"] == "reference":

    rule reference_transcripts:
        input:
            utterances="results/corpora/{corpus}/utterances.parquet",
        output:
            f"{TRANSCRIPTS}.parquet",
        log:
            f"{LOGS}/reference_transcripts/{{corpus}}.log",
        conda:
            "../../envs/environment.yaml"
        params:
            settings=settings("reference_transcripts"),
        message:
            "reference_transcripts: corpus {wildcards.corpus}"
        script:
            "../scripts/reference_transcripts.py"

else:

    rule transcripts:
        input:
            utterances="results/corpora/{corpus}/utterances.parquet",
            checkpoint=checkpoint_files(config["transcripts"]["checkpoint"]),
        output:
            f"{TRANSCRIPTS}/{{shard}}.parquet",
        log:
            f"{LOGS}/transcripts/{{corpus}}/{transcripts_key()}/{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/transcripts/{{corpus}}/{transcripts_key()}/{{shard}}.tsv"
        conda:
            "../../envs/environment.yaml"
        params:
            settings=lambda wildcards: settings(
                "transcripts",
                checkpoint=config["transcripts"]["checkpoint"],
                device=config["device"],
                seed=[config["seed"], wildcards.corpus, "transcripts"],
                **{key: config["transcripts"][key] for key in ("language", "batch_size", "shard_size")},
            ),
        message:
            "transcripts: corpus {wildcards.corpus}, shard {wildcards.shard}"
        script:
            "../scripts/transcripts.py"

    rule merge_transcripts:
        input:
            utterances="results/corpora/{corpus}/utterances.parquet",
            shards=lambda wildcards: expand(
                f"{TRANSCRIPTS}/{{shard}}.parquet",
                corpus=wildcards.corpus,
                shard=shards(wildcards.corpus, config["transcripts"]["shard_size"]),
            ),
        output:
            f"{TRANSCRIPTS}.parquet",
        log:
            f"{LOGS}/merge_transcripts/{{corpus}}/{transcripts_key()}.log",
        conda:
            "../../envs/environment.yaml"
        params:
            settings=settings("merge_transcripts"),
        message:
            "merge_transcripts: corpus {wildcards.corpus}"
        script:
            "../scripts/merge_transcripts.py"


rule sentiment:
    input:
        transcripts=f"{TRANSCRIPTS}.parquet",
        checkpoint=checkpoint_files(config["sentiment"]["checkpoint"]),
    output:
        SENTIMENT,
    log:
        f"{LOGS}/sentiment/{{corpus}}/{transcripts_key()}/{sentiment_key()}.log",
    benchmark:
        f"{BENCHMARKS}/sentiment/{{corpus}}/{transcripts_key()}/{sentiment_key()}.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("sentiment", device=config["device"], **config["sentiment"]),
    message:
        "sentiment: corpus {wildcards.corpus}"
    script:
        "../scripts/sentiment.py"


rule wer:
    input:
        utterances="results/corpora/{corpus}/utterances.parquet",
        transcripts=f"{TRANSCRIPTS}.parquet",
    output:
        WER,
    log:
        f"{LOGS}/wer/{{corpus}}/{transcripts_key()}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("wer", normalisation=config["transcripts"]["wer_normalisation"]),
    message:
        "wer: corpus {wildcards.corpus}"
    script:
        "../scripts/wer.py"


rule scores:
    input:
        speech=lambda wildcards: expand(
            f"{STUDY}/{{experiment}}/folds/{{fold}}/speech.parquet",
            experiment=wildcards.experiment,
            fold=fold_names(wildcards.experiment),
        ),
        utterances=lambda wildcards: of_corpora(wildcards, "results/corpora/{corpus}/utterances.parquet"),
        transcripts=lambda wildcards: of_corpora(wildcards, f"{TRANSCRIPTS}.parquet"),
        sentiment=lambda wildcards: of_corpora(wildcards, SENTIMENT),
    output:
        scores=f"{STUDY}/{{experiment}}/scores.parquet",
        calibration=f"{STUDY}/{{experiment}}/calibration.json",
    log:
        f"{LOGS}/scores/{config['study']}/{{experiment}}.log",
    wildcard_constraints:
        experiment=any_of(audio_experiments()),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings("scores", calibration=config["speech"]["calibration"]),
    message:
        "scores: experiment {wildcards.experiment}"
    script:
        "../scripts/scores.py"
