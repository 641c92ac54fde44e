"""Rule `model`: package a method of the study, to be taken away."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from pathlib import Path

from emofuse.logs import logged
from emofuse.model import flavor, keeping, package

recipe, given = snakemake.params.recipe, snakemake.input

packaged = Path(snakemake.output[0]).parent
with logged(snakemake.log[0], snakemake.input, snakemake.output, packaged), keeping.making(packaged) as folder:
    package.write(folder, recipe, package.Given(**{name: given[name] for name in package.Given._fields}))
    flavor.write(folder)
