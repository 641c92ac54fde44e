"""Rule `demo_sentiment`: train the demo's sentiment model and its tokenizer."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from pathlib import Path

import torch

from emofuse import contracts, tables
from emofuse.demo import train_sentiment
from emofuse.logs import logged

recipe = snakemake.params.recipe
folder = Path(snakemake.output[0]).parent
with logged(snakemake.log[0], snakemake.input, snakemake.output, folder):
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    material = tables.read(contracts.MATERIAL, snakemake.input.material)
    model, tokenizer = train_sentiment.train(material, recipe["steps"], recipe["seed"])
    train_sentiment.save(model, tokenizer, folder)
