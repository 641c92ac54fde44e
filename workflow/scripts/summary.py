"""Rule `summary`: count and draw what a corpus holds."""

from pathlib import Path

from emofuse import contracts, tables
from emofuse.corpora import summary
from emofuse.figures.corpus import corpus
from emofuse.figures.style import save
from emofuse.logs import logged

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    utterances = tables.read(contracts.UTTERANCES, snakemake.input.utterances)
    recordings, rejects = None, None
    for path in snakemake.input.recordings:  # none where scores are published
        recordings = tables.read(contracts.RECORDINGS, path)
        # Written with the recordings, but as a log, which Snakemake keeps where audio stops the study.
        rejects = tables.read(contracts.REJECTS, Path(path).with_name("rejects.parquet"))
    table = summary.summarise(utterances, recordings)
    tables.write(table, contracts.SUMMARY, snakemake.output.summary)
    tables.write(summary.reasons(rejects), contracts.REASONS, snakemake.output.reasons)
    save(corpus(table, recordings), snakemake.output.picture)
