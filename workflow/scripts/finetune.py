"""Rule `finetune`: fine-tune an encoder on a fold and classify the fold."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import shutil
from pathlib import Path

import pandas as pd
import torch

from emofuse import contracts, provenance, tables
from emofuse.logs import logged
from emofuse.speech import finetuning

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    folds = tables.read(contracts.FOLDS, snakemake.input.folds)
    fold = folds[folds["fold"] == snakemake.wildcards.fold]
    utterances = pd.concat([tables.read(contracts.UTTERANCES, path) for path in snakemake.input.utterances])
    # What an earlier try has left is gone on from only if it was the same training.
    heard = fold.merge(utterances[["utterance", "path", "duration", "emotion"]], on="utterance", how="left")
    weights = provenance.file_digest(snakemake.input.checkpoint)
    training = Path(snakemake.params.folder, provenance.digest([settings, heard.to_dict("list"), weights]))
    speech, chosen = finetuning.finetune(
        settings["checkpoint"],
        fold,
        utterances,
        training,
        seed=provenance.seed(*settings["seed"]),
        device=settings["device"],
        **settings["training"],
    )
    tables.write(speech, contracts.SPEECH_LOGITS, snakemake.output.speech)
    tables.write_json(chosen, snakemake.output.parameters)
    shutil.rmtree(snakemake.params.folder)
