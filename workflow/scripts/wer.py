"""Rule `wer`: count the word errors of a corpus's transcripts."""

from emofuse import contracts, parts, tables
from emofuse.logs import logged
from emofuse.text import wer

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    rates = wer.table(
        tables.read(contracts.UTTERANCES, snakemake.input.utterances),
        tables.read(contracts.REFERENCES, snakemake.input.references),
        tables.read(contracts.TRANSCRIPTS, snakemake.input.transcripts),
        parts.load(snakemake.params.recipe["normalisation"]),
    )
    tables.write(rates, contracts.WER, snakemake.output[0])
