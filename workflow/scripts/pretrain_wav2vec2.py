"""Rule `pretrain_wav2vec2`: train the demo's wav2vec 2.0."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from pathlib import Path

import torch

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.speech import pretraining

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    material = tables.read(contracts.MATERIAL, snakemake.input.material)
    model = pretraining.train_wav2vec2(material, settings["steps"], settings["seed"])
    pretraining.save(model, Path(snakemake.output[0]).parent)
