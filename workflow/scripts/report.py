"""Rule `report`: write the report of a study."""

from pathlib import Path

from emofuse import tables
from emofuse.logs import logged
from emofuse.report import Chapter, report
from emofuse.report_corpora import CorpusChapter

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    html = report(
        recipe["study"],
        [Chapter.of(experiment) for experiment in recipe["experiments"]],
        [CorpusChapter.of(corpus) for corpus in recipe["corpora"]],
        recipe["config"],
        Path(snakemake.input.template),
        across=recipe["across"],
        confidence=recipe["confidence"],
        notes=recipe["notes"],
    )
    tables.write_text(html, snakemake.output[0])
