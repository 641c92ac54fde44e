"""Rule `figures_shift`: draw how a cross-corpus experiment's target differs from its source."""

from emofuse import contracts, tables
from emofuse.figures.shift import shift
from emofuse.figures.style import save
from emofuse.logs import logged

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    save(shift(tables.read(contracts.SHIFT, snakemake.input[0])), snakemake.output.shift)
