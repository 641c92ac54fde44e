"""List a corpus and check its audio."""

from emofuse import contracts, tables
from emofuse.corpora.base import read
from emofuse.logs import logged

settings = snakemake.params.settings

with logged(snakemake.log[0]):
    corpus = read(settings["corpus"], **settings["reader"], threads=snakemake.threads)
    # A log, not an output: Snakemake removes what a job that fails has put out, and rejects are why it fails.
    tables.write(corpus.rejects, contracts.REJECTS, snakemake.log.rejects)
    if corpus.problems:
        raise tables.InputError(corpus.problems)
    tables.write(corpus.utterances, contracts.UTTERANCES, snakemake.output.utterances)
