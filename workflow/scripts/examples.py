"""Rule `examples`: what the packaged model says of a few recordings, as `emofuse predict` prints it."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from pathlib import Path

from emofuse import contracts, gpus, tables
from emofuse.__main__ import lines
from emofuse.logs import logged
from emofuse.model import examples
from emofuse.model.model import Model

given, resources = snakemake.input, snakemake.resources
with logged(snakemake.log[0], snakemake.input, snakemake.output):
    said = examples.predict(
        Model.load(Path(given.model[0]).parent, device=gpus.claim(resources.device)),
        tables.read(contracts.PREDICTIONS, given.predictions),
        tables.read(contracts.RECORDINGS, given.recordings),
        resources.path,
    )
    tables.write_text("".join(f"{line}\n" for line in lines(said, None)), snakemake.output[0])
