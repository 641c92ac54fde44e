# The demo's own material: two synthetic corpora, and small checkpoints trained on other synthetic speech.
CHECKPOINTS = f"{SYNTHETIC.parent}/checkpoints"


rule synthetic_corpus:
    output:
        f"{SYNTHETIC}/{{layout}}.sha256",
    log:
        f"{LOGS}/synthetic_corpus/{{layout}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings(
            "synthetic_corpus",
            layout=wildcards.layout,
            seed=provenance.seed(config["seed"], "synthetic_corpus", wildcards.layout),
        ),
        folder=lambda wildcards, output: output[0].removesuffix(".sha256"),
    message:
        "synthetic_corpus: layout {wildcards.layout}"
    script:
        "../scripts/synthetic_corpus.py"


rule synthetic_material:
    output:
        f"{SYNTHETIC.parent}/material.parquet",
    log:
        f"{LOGS}/synthetic_material.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "synthetic_material",
            utterances=config["demo"]["utterances"],
            seed=provenance.seed(config["seed"], "synthetic_material"),
        ),
    message:
        "synthetic_material"
    script:
        "../scripts/synthetic_material.py"


rule pretrain_wav2vec2:
    input:
        material=f"{SYNTHETIC.parent}/material.parquet",
    output:
        f"{CHECKPOINTS}/wav2vec2/model.safetensors",
    log:
        f"{LOGS}/pretrain_wav2vec2.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_wav2vec2.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "pretrain_wav2vec2",
            steps=config["demo"]["wav2vec2_steps"],
            seed=provenance.seed(config["seed"], "pretrain_wav2vec2"),
        ),
    message:
        "pretrain_wav2vec2"
    script:
        "../scripts/pretrain_wav2vec2.py"


rule pretrain_whisper:
    input:
        material=f"{SYNTHETIC.parent}/material.parquet",
    output:
        f"{CHECKPOINTS}/whisper.pt",
    log:
        f"{LOGS}/pretrain_whisper.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_whisper.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "pretrain_whisper",
            steps=config["demo"]["whisper_steps"],
            seed=provenance.seed(config["seed"], "pretrain_whisper"),
        ),
    message:
        "pretrain_whisper"
    script:
        "../scripts/pretrain_whisper.py"


rule pretrain_sentiment:
    input:
        material=f"{SYNTHETIC.parent}/material.parquet",
    output:
        f"{CHECKPOINTS}/sentiment/model.safetensors",
    log:
        f"{LOGS}/pretrain_sentiment.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_sentiment.tsv"
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "pretrain_sentiment",
            steps=config["demo"]["sentiment_steps"],
            seed=provenance.seed(config["seed"], "pretrain_sentiment"),
        ),
    message:
        "pretrain_sentiment"
    script:
        "../scripts/pretrain_sentiment.py"
