if study.packaged:
    packaged, method = study.packaged, study.config["model"]["method"]

    rule model:
        input:
            scores=f"{packaged.folder}/scores.parquet",
            calibration=f"{packaged.folder}/calibration.json",
            predictions=packaged.methods[method]["predictions"],
            comparison=packaged.results["comparison"],
            metrics=packaged.results["metrics"],
            folds=f"{packaged.folder}/folds.parquet",
            models=packaged.files_of_models(study.scaling, study.model_file),
            chosen=packaged.files_of_models(study.scaling, "speech.json"),
            text_expert=packaged.text_expert(method),
            utterances=expand(f"{CORPUS}/utterances.parquet", corpus=[corpus.folder for corpus in packaged.corpora]),
            transcripts=expand(f"{study.transcripts}.parquet", corpus=[corpus.folder for corpus in packaged.corpora]),
            text_embeddings=[
                f"{place}.safetensors" for place in packaged.text_embeddings if packaged.text_expert(method)
            ],
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
        params:
            recipe=study.recipe("examples"),
        message:
            "examples"
        script:
            "../scripts/examples.py"
