# Published scores: what somebody else has computed of a corpus.
rule published:
    input:
        lambda wildcards: corpus_of(wildcards).source,
    output:
        utterances=f"{CORPUS}/utterances.parquet",
        transcripts=f"{CORPUS}/transcripts/published.parquet",
        published=f"{CORPUS}/published.parquet",
    log:
        study.log("published", CORPUS),
    wildcard_constraints:
        corpus=any_of(study.corpora_of(published=True)),
    localrule: True
    resources:
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
        labels=lambda wildcards: corpus_of(wildcards).kept,
    params:
        recipe=lambda wildcards: study.corpus_recipe("published", wildcards.corpus),
    message:
        "published: corpus {wildcards.corpus}"
    script:
        "../scripts/published.py"


# Where a corpus is heard. First in line, since it says all that is wrong with the audio at once.
rule recordings:
    input:
        lambda wildcards: corpus_of(wildcards).source,
    output:
        recordings=f"{CORPUS}/recordings.parquet",
    log:
        study.log("recordings", CORPUS),
        rejects=f"{CORPUS}/rejects.parquet",
    priority: 1
    threads: 2
    resources:
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
        labels=lambda wildcards: corpus_of(wildcards).kept,
    params:
        recipe=lambda wildcards: study.corpus_recipe("recordings", wildcards.corpus),
    message:
        "recordings: corpus {wildcards.corpus}"
    script:
        "../scripts/recordings.py"


rule utterances:
    input:
        lambda wildcards: corpus_of(wildcards).source,
        recordings=f"{CORPUS}/recordings.parquet",
    output:
        f"{CORPUS}/utterances.parquet",
    log:
        study.log("utterances", CORPUS),
    wildcard_constraints:
        corpus=any_of(study.corpora_of(published=False)),
    localrule: True
    resources:
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
        labels=lambda wildcards: corpus_of(wildcards).kept,
    params:
        recipe=lambda wildcards: study.corpus_recipe("utterances", wildcards.corpus),
    message:
        "utterances: corpus {wildcards.corpus}"
    script:
        "../scripts/utterances.py"


rule references:
    input:
        lambda wildcards: corpus_of(wildcards).source,
        recordings=f"{CORPUS}/recordings.parquet",
    output:
        f"{CORPUS}/references.parquet",
    log:
        study.log("references", CORPUS),
    localrule: True
    resources:
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
        labels=lambda wildcards: corpus_of(wildcards).kept,
    params:
        recipe=lambda wildcards: study.corpus_recipe("references", wildcards.corpus),
    message:
        "references: corpus {wildcards.corpus}"
    script:
        "../scripts/references.py"


rule counts:
    input:
        lambda wildcards: corpus_of(wildcards).source,
    output:
        f"{CORPUS}/counts.parquet",
    log:
        study.log("counts", CORPUS),
    localrule: True
    resources:
        path=lambda wildcards: str(corpus_of(wildcards).path),
        partial=lambda wildcards: int(corpus_of(wildcards).config["partial"]),
        labels=lambda wildcards: corpus_of(wildcards).kept,
    params:
        recipe=lambda wildcards: study.corpus_recipe("counts", wildcards.corpus),
    message:
        "counts: corpus {wildcards.corpus}"
    script:
        "../scripts/counts.py"


rule summary:
    input:
        utterances=f"{CORPUS}/utterances.parquet",
        recordings=lambda wildcards: corpus_of(wildcards).recordings,
    output:
        summary=f"{CORPUS}/summary.parquet",
        reasons=f"{CORPUS}/reasons.parquet",
        picture=f"{CORPUS}/corpus.png",
    log:
        study.log("summary", CORPUS),
    localrule: True
    params:
        recipe=study.recipe("summary"),
    message:
        "summary: corpus {wildcards.corpus}"
    script:
        "../scripts/summary.py"


rule folds:
    input:
        utterances=of_corpora(f"{CORPUS}/utterances.parquet"),
    output:
        f"{EXPERIMENT}/folds.parquet",
    log:
        study.log("folds", EXPERIMENT),
    wildcard_constraints:
        experiment=any_of(study.experiments_of(published=False)),
    localrule: True
    resources:
        files=lambda wildcards: os.pathsep.join(experiment_of(wildcards).files_of_folds.values()),
    params:
        recipe=lambda wildcards: experiment_of(wildcards).folds_recipe,
    message:
        "folds: experiment {wildcards.experiment}"
    script:
        "../scripts/folds.py"


# Who trains and validates the models that experiments share: of the source alone.
rule source_folds:
    input:
        utterances=of_corpora(f"{CORPUS}/utterances.parquet", shared_of),
    output:
        f"{SOURCE}/folds.parquet",
    log:
        study.log("source_folds", SOURCE),
    localrule: True
    resources:
        files=lambda wildcards: os.pathsep.join(study.shared[wildcards.source].files_of_folds.values()),
    params:
        recipe=lambda wildcards: study.shared[wildcards.source].source_folds_recipe,
    message:
        "source_folds: source {wildcards.source}"
    script:
        "../scripts/source_folds.py"
