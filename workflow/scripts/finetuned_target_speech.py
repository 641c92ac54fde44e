"""Rule `finetuned_target_speech`: classify the target with the fine-tuned model of a fold."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from pathlib import Path

import torch

from emofuse import audio, contracts, gpus, splits, tables
from emofuse.logs import logged
from emofuse.speech import finetuning

given, resources = snakemake.input, snakemake.resources
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    torch.set_num_threads(snakemake.threads)
    rows = splits.tested(
        tables.read(contracts.FOLDS, given.folds),
        tables.read(contracts.FOLDS, given.source),
        [snakemake.wildcards.fold],
    )
    recordings = audio.resolve(tables.read(contracts.RECORDINGS, given.recordings), resources.root)
    speech = finetuning.classify(
        Path(given.model).parent, rows, recordings, budget=resources.budget, device=gpus.claim(resources.device)
    )
    tables.write(speech, contracts.SPEECH_LOGITS, snakemake.output[0])
