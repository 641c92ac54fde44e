"""Rule `front`: the Pareto fronts of all methods in one table."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.logs import logged

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    fronts = [tables.read(contracts.FRONT, path) for path in snakemake.input]
    nothing = pd.DataFrame(columns=list(contracts.FRONT.columns))
    tables.write(pd.concat(fronts or [nothing], ignore_index=True), contracts.FRONT, snakemake.output[0])
