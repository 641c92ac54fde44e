"""Rule `track`: bring MLflow into line with the files of a study."""

import os

from emofuse import credentials, tables
from emofuse.logs import logged
from emofuse.tracking import server

recipe = snakemake.params.recipe
# The recipe, which Snakemake keeps, holds no credentials; the environment may.
of_environment = os.environ.get("MLFLOW_TRACKING_URI", "")
uri = of_environment if credentials.hidden(of_environment) == recipe["uri"] else recipe["uri"]

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    record = server.synchronise(
        uri,
        recipe["results"],
        recipe["study"],
        recipe["experiments"],
        config=recipe["config"],
        config_digest=recipe["config_digest"],
        across=recipe["across"],
        model=recipe["model"],
    )
    tables.write_json(record, snakemake.output[0])
