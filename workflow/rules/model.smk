if study.packaged:
    packaged, learned, method = study.packaged, study.learned, study.config["model"]["method"]

    rule model:
        input:
            scores=f"{learned.folder}/scores.parquet",
            spoken=f"{learned.folder}/spoken.parquet",
            calibration=f"{learned.folder}/calibration.json",
            predictions=packaged.methods[method]["predictions"],
            comparison=packaged.results["comparison"],
            metrics=packaged.results["metrics"],
            folds=f"{learned.folder}/folds.parquet",
            models=learned.files_of_models(study.scaling, study.model_file),
            chosen=learned.files_of_models(study.scaling, "speech.json"),
            text_expert=learned.text_expert(method),
            utterances=expand(f"{CORPUS}/utterances.parquet", corpus=[corpus.folder for corpus in learned.corpora]),
            transcripts=expand(f"{study.transcripts}.parquet", corpus=[corpus.folder for corpus in learned.corpora]),
            text_embeddings=[f"{place}.safetensors" for place in learned.text_embeddings if learned.text_expert(method)],
            checkpoints=study.packaged_files,
        output:
            study.sealed,
        log:
            study.log("model", study.model),
        params:
            recipe=study.model_recipe,
        message:
            "model"
        script:
            "../scripts/model.py"

    rule examples:
        input:
            model=study.sealed,
            predictions=packaged.methods[method]["predictions"],
            recordings=f"{RESULTS}/corpora/{packaged.test.folder}/recordings.parquet",
        output:
            study.examples,
        log:
            study.log("examples", f"{study.folder}/examples"),
        resources:
            path=lambda wildcards: packaged.test.root,
            device=study.config["device"],
            gpu=lambda wildcards: gpus.asked(study.config["device"]),
        params:
            recipe=study.recipe("examples"),
        message:
            "examples"
        script:
            "../scripts/examples.py"
