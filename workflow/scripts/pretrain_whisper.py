"""Rule `pretrain_whisper`: train the demo's Whisper."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import pretraining

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    material = tables.read(contracts.MATERIAL, snakemake.input.material)
    model = pretraining.train_whisper(material, settings["steps"], settings["seed"])
    pretraining.save_whisper(model, snakemake.output[0])
