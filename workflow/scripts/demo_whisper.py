"""Rule `demo_whisper`: train the demo's Whisper."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch

from emofuse import contracts, tables
from emofuse.demo import train_whisper
from emofuse.logs import logged

recipe = snakemake.params.recipe
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    material = tables.read(contracts.MATERIAL, snakemake.input.material)
    model = train_whisper.train(material, recipe["steps"], recipe["seed"])
    train_whisper.save(model, snakemake.output[0])
