"""Rule `finetune`: fine-tune an encoder on a fold and classify the fold."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import shutil
from pathlib import Path

import pandas as pd
import torch

from emofuse import audio, contracts, gpus, provenance, splits, tables
from emofuse.logs import logged
from emofuse.speech import finetuning

recipe, resources = snakemake.params.recipe, snakemake.resources
kept = Path(snakemake.output.model).parent
with logged(snakemake.log[0], snakemake.input, snakemake.output, kept):
    torch.set_num_threads(snakemake.threads)
    folds = tables.read(contracts.FOLDS, snakemake.input.folds)
    fold = folds[folds["fold"] == snakemake.wildcards.fold]
    utterances = pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances])
    splits.check(fold, utterances, recipe["splits"])
    recordings = [tables.read(contracts.RECORDINGS, path) for path in snakemake.input.recordings]
    # One folder per corpus; that of a single corpus may hold the separator.
    roots = resources.root.split(os.pathsep, len(recordings) - 1)
    heard = pd.concat([audio.resolve(*corpus) for corpus in zip(recordings, roots, strict=True)])
    model = finetuning.finetune(
        recipe["checkpoint"],
        fold,
        utterances,
        heard,
        finetuning.training_folder(
            resources.folder, recipe, fold, utterances, pd.concat(recordings), snakemake.input.checkpoint
        ),
        seed=provenance.seed(*recipe["seed"]),
        device=gpus.claim(resources.device),
        budget=resources.budget,
        **recipe["training"],
    )
    finetuning.keep(model, kept)
    speech = finetuning.classify(kept, fold, heard, budget=resources.budget, device=gpus.claim(resources.device))
    tables.write(speech, contracts.SPEECH_LOGITS, snakemake.output.speech)
    tables.write_json(model.chosen, snakemake.output.chosen)
    shutil.rmtree(resources.folder)
