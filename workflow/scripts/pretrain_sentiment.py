"""Rule `pretrain_sentiment`: train the demo's sentiment model and its tokenizer."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from pathlib import Path

import torch

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import pretraining

settings = snakemake.params.settings
with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    material = tables.read(contracts.MATERIAL, snakemake.input.material)
    model, tokenizer = pretraining.train_sentiment(
        list(material["text"]), list(material["sentiment"]), settings["steps"], settings["seed"]
    )
    for part in (model, tokenizer):
        part.save_pretrained(Path(snakemake.output[0]).parent)
