ADAPTATION = f"{EXPERIMENT}/adaptation/{{adaptation}}"


# The scores of a speech classifier on embeddings that are standardised in another way.
use rule scores as adapted_scores with:
    input:
        speech=lambda wildcards: experiment_of(wildcards).speech(
            study.facts["adaptations"][wildcards.adaptation]["scaling"]
        ),
        spoken=f"{EXPERIMENT}/spoken.parquet",
    output:
        scores=f"{ADAPTATION}/scores.parquet",
        calibration=f"{ADAPTATION}/calibration.json",
    log:
        study.log("adapted_scores", f"{EXPERIMENT}/{{adaptation}}"),
    message:
        "adapted_scores: adaptation {wildcards.adaptation}, experiment {wildcards.experiment}"


rule adapt:
    input:
        scores=lambda wildcards: experiment_of(wildcards).adaptations[wildcards.adaptation]["scores"],
        spoken=f"{EXPERIMENT}/spoken.parquet",
        text_expert=lambda wildcards: experiment_of(wildcards).text_expert(
            *study.config["adaptations"][wildcards.adaptation]["methods"]
        ),
    output:
        adapted=f"{ADAPTATION}/predictions.parquet",
        parameters=f"{ADAPTATION}/parameters.json",
    log:
        study.log("adapt", f"{EXPERIMENT}/{{adaptation}}"),
    benchmark:
        study.benchmark("adapt", f"{EXPERIMENT}/{{adaptation}}")
    params:
        recipe=lambda wildcards: experiment_of(wildcards).adaptation_recipe(wildcards.adaptation),
    message:
        "adapt: adaptation {wildcards.adaptation}, experiment {wildcards.experiment}"
    script:
        "../scripts/adapt.py"


rule gains:
    input:
        adapted=expand(f"{ADAPTATION}/predictions.parquet", adaptation=study.adaptations, allow_missing=True),
        predictions=of_methods("fusion/{method}/predictions.parquet", study.adapted),
    output:
        f"{EXPERIMENT}/adaptation.parquet",
    log:
        study.log("gains", EXPERIMENT),
    params:
        recipe=lambda wildcards: study.recipe(
            "gains",
            adaptations=list(study.adaptations),
            methods=study.adapted,
            seed=[study.config["seed"], experiment_of(wildcards).test.name],
            **{key: study.config["evaluation"][key] for key in ("confidence", "resamples")},
        ),
    message:
        "gains: experiment {wildcards.experiment}"
    script:
        "../scripts/gains.py"


rule figures_adaptation:
    input:
        f"{EXPERIMENT}/adaptation.parquet",
    output:
        f"{EXPERIMENT}/figures/adaptation.png",
    log:
        study.log("figures_adaptation", EXPERIMENT),
    localrule: True
    params:
        recipe=study.recipe("figures_adaptation", confidence=study.config["evaluation"]["confidence"]),
    message:
        "figures_adaptation: experiment {wildcards.experiment}"
    script:
        "../scripts/figures_adaptation.py"
