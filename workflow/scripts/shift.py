"""Rule `shift`: compare source validation with the target, as the voice and the methods' thresholds see them."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.evaluation.shift import calibration_and_proportions
from emofuse.fusion.shift import shift
from emofuse.logs import logged
from emofuse.scores import Scores

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    scores = Scores(snakemake.input.scores, snakemake.input.spoken)
    methods = [tables.read_json(path) for path in snakemake.input.parameters]
    temperatures = tables.read_json(snakemake.input.calibration)["temperature"]
    table = pd.concat(
        [shift(scores, methods, snakemake.params.recipe["paths"]), calibration_and_proportions(scores, temperatures)],
        ignore_index=True,
    )
    tables.write(table, contracts.SHIFT, snakemake.output[0])
