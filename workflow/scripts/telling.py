"""Rule `telling`: the utterances that each method changed most confidently, and what everyone said of them."""

from emofuse import contracts, tables
from emofuse.evaluation.telling import telling_of
from emofuse.logs import logged

recipe = snakemake.params.recipe

with logged(snakemake.log[0]):
    predictions = {
        method: tables.read(contracts.PREDICTIONS, path)
        for method, path in zip(recipe["methods"], snakemake.input.predictions, strict=True)
    }
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    text_expert = next((tables.read(contracts.TEXT_EXPERT, path) for path in snakemake.input.text_expert), None)
    table = telling_of(predictions, scores, text_expert, recipe["reading_text"])
    tables.write(table, contracts.TELLING, snakemake.output[0])
