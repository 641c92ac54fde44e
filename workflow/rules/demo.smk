# The demo's own material: two synthetic corpora, and small checkpoints trained on other synthetic speech.
SYNTHETIC = f"{RESULTS}/synthetic"


rule demo_corpus:
    output:
        f"{SYNTHETIC}/corpora/{{layout}}.sha256",
    log:
        study.log("demo_corpus", "{layout}"),
    params:
        recipe=lambda wildcards: study.seeded_recipe(
            "demo_corpus",
            "synthetic_corpus",
            wildcards.layout,
            layout=wildcards.layout,
            carry=study.config["demo"]["carry"],
        ),
        folder=lambda wildcards, output: output[0].removesuffix(".sha256"),
    message:
        "demo_corpus: layout {wildcards.layout}"
    script:
        "../scripts/demo_corpus.py"


rule demo_material:
    output:
        f"{SYNTHETIC}/material.parquet",
    log:
        study.log("demo_material"),
    params:
        recipe=study.seeded_recipe("demo_material", "synthetic_material", utterances=study.config["demo"]["utterances"]),
    message:
        "demo_material"
    script:
        "../scripts/demo_material.py"


rule demo_checkpoint:
    input:
        material=f"{SYNTHETIC}/material.parquet",
    output:
        f"{SYNTHETIC}/checkpoints/{{model}}/model.{{ending}}",
    log:
        study.log("demo_checkpoint", "{model}.{ending}"),
    benchmark:
        study.benchmark("demo_checkpoint", "{model}.{ending}")
    wildcard_constraints:
        model="wav2vec2|whisper|sentiment",
        ending="pt|safetensors",
    params:
        recipe=lambda wildcards: study.seeded_recipe(
            f"demo_{wildcards.model}",
            f"pretrain_{wildcards.model}",
            steps=study.config["demo"][f"{wildcards.model}_steps"],
        ),
    message:
        "demo_checkpoint: model {wildcards.model}"
    script:
        "../scripts/demo_{wildcards.model}.py"
