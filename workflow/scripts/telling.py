"""Rule `telling`: the utterances that each method changed most confidently, and what everyone said of them."""

from emofuse import contracts, tables
from emofuse.evaluation.telling import telling_of
from emofuse.logs import logged
from emofuse.scores import Scores

recipe = snakemake.params.recipe

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    predictions = {
        method: tables.Folds(contracts.PREDICTIONS, path)
        for method, path in zip(recipe["methods"], snakemake.input.predictions, strict=True)
    }
    scores = Scores(snakemake.input.scores, snakemake.input.spoken, snakemake.input.text_expert)
    table = telling_of(predictions, scores, recipe["reading_text"])
    tables.write(table, contracts.TELLING, snakemake.output[0])
