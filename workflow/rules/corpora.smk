from emofuse.corpora import released


def released_files(wildcards):
    """What of the published scores is there; the script says what is not."""
    root = corpus_root(config["experiments"][wildcards.experiment]["test"])
    return [path for path in released.files(root) if path.exists()]


rule released_scores:
    input:
        released_files,
    output:
        f"{STUDY}/{{experiment}}/scores.parquet",
    log:
        f"{LOGS}/released_scores/{config['study']}/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(experiments_with_reader("released")) or "(?!)",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings(
            "released_scores",
            root=corpus_root(config["experiments"][wildcards.experiment]["test"]),
        ),
    script:
        "../scripts/released_scores.py"
