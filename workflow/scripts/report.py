"""Write the report of a study."""

from pathlib import Path

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.report import report, word_errors

settings = snakemake.params.settings

with logged(snakemake.log[0]):
    folders = [Path(path).parent for path in snakemake.input.metrics]
    html = report(
        settings["study"],
        {folder: settings["experiments"][folder.name] for folder in folders},
        settings["config"],
        Path(snakemake.input.template),
        ceilings=settings["ceilings"],
        confidence=settings["confidence"],
        notes=[
            *settings["notes"],
            *(word_errors(tables.read(contracts.WER, path)) for path in snakemake.input.get("wer", [])),
        ],
    )
    tables.write_text(html, snakemake.output[0])
