"""Read the paper's published scores."""

from emofuse import contracts, tables
from emofuse.corpora.released import read_scores
from emofuse.logs import logged

with logged(snakemake.log[0]):
    tables.write(read_scores(snakemake.params.settings["root"]), contracts.SCORES, snakemake.output[0])
