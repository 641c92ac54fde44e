"""Rule `reference_transcripts`: use a corpus's own transcripts, and let Whisper fill in the missing ones."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

from emofuse import audio, contracts, gpus, provenance, tables
from emofuse.logs import logged
from emofuse.text import reference

recipe, resources = snakemake.params.recipe, snakemake.resources


def transcribe(utterances):
    """What Whisper hears in utterances that have no reference."""
    # Whisper and torch are loaded only where a reference is missing.
    import torch

    from emofuse.text import transcription

    torch.set_num_threads(snakemake.threads)
    recordings = tables.read(contracts.RECORDINGS, snakemake.input.recordings)
    return transcription.transcribe(
        transcription.load_model(recipe["checkpoint"], gpus.claim(resources.device)),
        audio.resolve(recordings[recordings["utterance"].isin(utterances)], resources.root),
        language=recipe["language"],
        batch_size=resources.batch_size,
        seed=provenance.seed(*recipe["seed"]),
    )


with logged(snakemake.log[0], snakemake.input, snakemake.output):
    references = tables.read(contracts.REFERENCES, snakemake.input.references)
    fill_in = transcribe if recipe["fill_in"] else None
    transcripts = reference.transcripts(references, snakemake.input.references, fill_in)
    tables.write(transcripts, contracts.TRANSCRIPTS, snakemake.output[0])
