"""Bring MLflow into line with the files of a study."""

from pathlib import Path

from emofuse import tables, tracking
from emofuse.logs import logged

settings = snakemake.params.settings
results = Path(settings["results"]).resolve()
uri = settings["uri"] or f"sqlite:///{results / 'mlflow.db'}"

with logged(snakemake.log[0]):
    runs = tracking.synchronise(
        uri,
        results,
        settings["study"],
        settings["experiments"],
        config=settings["config"],
        config_digest=settings["config_digest"],
    )
    tables.write_json({"uri": tracking.without_password(uri), "runs": runs}, snakemake.output[0])
