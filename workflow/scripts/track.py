"""Rule `track`: bring MLflow into line with the files of a study."""

from emofuse import tables
from emofuse.logs import logged
from emofuse.tracking import server

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    record = server.synchronise(
        recipe["uri"],
        recipe["results"],
        recipe["study"],
        recipe["experiments"],
        config=recipe["config"],
        config_digest=recipe["config_digest"],
        across=recipe["across"],
        model=recipe["model"],
    )
    tables.write_json(record, snakemake.output[0])
