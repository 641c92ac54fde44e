"""Rule `scores`: what the voice says of every utterance of every fold, as probabilities."""

from emofuse import contracts, tables
from emofuse.logs import logged
from emofuse.scores import voices

with logged(snakemake.log[0], snakemake.input, snakemake.output):
    speech = [tables.Folds(contracts.SPEECH_LOGITS, path) for path in snakemake.input.speech]
    spoken = tables.read(contracts.SPOKEN, snakemake.input.spoken)
    temperatures = {}
    with tables.writing_folds(contracts.SCORES, snakemake.output.scores) as write:
        for rows, fitted in voices(speech, spoken, snakemake.input.spoken, snakemake.params.recipe["calibration"]):
            write(rows)
            temperatures |= fitted
    tables.write_json({"temperature": temperatures}, snakemake.output.calibration)
