"""Count the word errors of a corpus's transcripts."""

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.text import wer

with logged(snakemake.log[0]):
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    transcripts = tables.read(contracts.TRANSCRIPTS, snakemake.input.transcripts)
    rates = wer.table(utterances, transcripts, snakemake.params.settings["normalisation"])
    tables.write(rates, contracts.WER, snakemake.output[0])
