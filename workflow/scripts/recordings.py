"""Rule `recordings`: open a corpus's audio, and say where each utterance is heard."""

from pathlib import Path

from emofuse import contracts, tables
from emofuse.corpora import base
from emofuse.logs import logged

recipe, resources = snakemake.params.recipe, snakemake.resources

with logged(snakemake.log[0], snakemake.input, snakemake.output, snakemake.log.rejects):
    path, partial = Path(resources.path), bool(resources.partial)
    reader, listed = base.listed_by(recipe, path, partial, resources.labels)
    # Removed when the table is written: who asks for it anew wants all audio read anew.
    progress = Path(snakemake.output.recordings).with_name("recordings.jsonl")
    checked = base.check_audio(
        listed,
        reader.root(path),
        min_duration=recipe["min_duration"],
        rejects=recipe["rejects"],
        partial=partial,
        threads=snakemake.threads,
        progress=progress,
    )
    # The table of rejects is written even where the study stops.
    tables.write(checked.rejects, contracts.REJECTS, snakemake.log.rejects)
    base.report(listed, checked)
    tables.write(checked.recordings, contracts.RECORDINGS, snakemake.output.recordings)
    progress.unlink()
