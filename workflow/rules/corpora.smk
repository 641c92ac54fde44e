from emofuse.corpora import READERS, released

LABELS = {"iemocap": "Session[0-9]/dialog/*/*.txt", "msp_improv": "Eval*tion.txt"}
"""The files that a known corpus's labels and transcripts are in; audio files are too many to be watched."""


def released_files(wildcards):
    """What of the published scores is there; the script says what is not."""
    root = corpus_root(config["experiments"][wildcards.experiment]["test"])
    return [path for path in released.files(root) if path.exists()]


def corpus_files(wildcards):
    """What a corpus's labels are read from; for a corpus that the demo makes, the file that says it is made."""
    root = Path(corpus_root(wildcards.corpus))
    if SYNTHETIC in root.parents:
        return f"{root}.sha256"
    pattern = LABELS.get(config["corpora"][wildcards.corpus]["reader"])
    return sorted(root.glob(pattern)) if pattern else root


rule released_scores:
    input:
        released_files,
    output:
        f"{STUDY}/{{experiment}}/scores.parquet",
    log:
        f"{LOGS}/released_scores/{config['study']}/{{experiment}}.log",
    wildcard_constraints:
        experiment=any_of(published_experiments()),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings(
            "released_scores",
            root=corpus_root(config["experiments"][wildcards.experiment]["test"]),
        ),
    script:
        "../scripts/released_scores.py"


rule utterances:
    input:
        corpus_files,
    output:
        utterances="results/corpora/{corpus}/utterances.parquet",
    log:
        f"{LOGS}/utterances/{{corpus}}.log",
        rejects="results/corpora/{corpus}/rejects.parquet",
    conda:
        "../../envs/environment.yaml"
    threads: 2
    params:
        settings=lambda wildcards: settings(
            "utterances",
            READERS[config["corpora"][wildcards.corpus]["reader"]],
            corpus=wildcards.corpus,
            reader=reader_settings(wildcards.corpus),
        ),
    script:
        "../scripts/utterances.py"


rule folds:
    input:
        train=lambda wildcards: f"results/corpora/{config['experiments'][wildcards.experiment]['train']}/utterances.parquet",
        test=lambda wildcards: f"results/corpora/{config['experiments'][wildcards.experiment]['test']}/utterances.parquet",
    output:
        folds=f"{STUDY}/{{experiment}}/folds.parquet",
    log:
        f"{LOGS}/folds/{config['study']}/{{experiment}}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=lambda wildcards: settings("folds", protocol=config["experiments"][wildcards.experiment]["protocol"]),
    script:
        "../scripts/folds.py"
