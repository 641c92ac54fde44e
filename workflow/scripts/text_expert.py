"""Learn emotions from the transcripts of the training speakers, fold by fold."""

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text.expert import predict

with logged(snakemake.log[0]):
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    tables.write(predict(scores, **snakemake.params.settings["parameters"]), contracts.TEXT_EXPERT, snakemake.output[0])
