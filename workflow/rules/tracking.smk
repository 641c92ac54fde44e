# MLflow is a view of the files: its database is nobody's output, and no rule reads from it.
rule track:
    input:
        tables_of_methods(),
        pictures(),
        scores=expand(f"{STUDY}/{{experiment}}/scores.parquet", experiment=config["experiments"]),
        metrics=expand(f"{STUDY}/{{experiment}}/metrics.parquet", experiment=config["experiments"]),
        comparison=expand(
            f"{STUDY}/{{experiment}}/comparison.parquet",
            experiment=config["experiments"],
        ),
        wer=word_error_rates(*config["experiments"]),
        report=f"{STUDY}/report.html",  # last, so that a server that is down costs nothing else
    output:
        f"{STUDY}/tracking.json",
    log:
        f"{LOGS}/track/{config['study']}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        settings=settings(
            "track",
            uri=config["tracking"]["uri"] or os.environ.get("MLFLOW_TRACKING_URI", ""),
            results="results",
            study=config["study"],
            experiments={
                name: {
                    "corpus": " -> ".join(dict.fromkeys([entry["train"], entry["test"]])),
                    "protocol": entry["protocol"],
                    "methods": list(config["methods"]),
                    "models": models(name),
                    "wer": next(iter(word_error_rates(name)), None),
                }
                for name, entry in config["experiments"].items()
            },
            config=config,
            config_digest=provenance.digest(config),
        ),
    message:
        "track"
    script:
        "../scripts/track.py"
