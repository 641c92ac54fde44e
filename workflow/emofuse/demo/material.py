"""What the demo's checkpoints are trained on: other voices and other sentences than those of its corpora."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import soundfile

from emofuse import provenance
from emofuse.audio import RATE, Samples
from emofuse.demo.sentences import CORES, SENTIMENT_OF, short_sentence, written
from emofuse.demo.voices import MATERIAL_VOICES, PROSODY, utter


def make_material(utterances: int, seed: int) -> pd.DataFrame:
    """Make utterances to train checkpoints on, none of which shares a voice or a sentence with the corpora.

    Prosody is drawn without regard to the words, so that the material knows no emotion.

    Args:
        utterances: how many
        seed: the same gives the same table

    Returns:
        a `material` table, a row per utterance: ``text`` as transcripts have it, its ``sentiment``, the ``voice``,
        ``rate``, ``pitch``, ``range`` and ``volume`` (see :data:`emofuse.demo.voices.PROSODY`), each -2 to 2,
        and ``audio``: the bytes of a FLAC file, 16 kHz, mono
    """
    rng = np.random.default_rng(provenance.seed("material", seed))
    rows = []
    for _ in range(utterances):
        said = rng.choice(list(CORES))
        text = short_sentence(rng, said, reserved=False)
        voice = rng.choice(MATERIAL_VOICES)
        prosody = rng.uniform(-2, 2, len(PROSODY))
        file = io.BytesIO()
        soundfile.write(file, utter(text, voice, prosody, RATE), RATE, format="FLAC", subtype="PCM_16")
        row = {"text": written(text), "sentiment": SENTIMENT_OF[said], "voice": str(voice)}
        rows.append(row | dict(zip(PROSODY, prosody.tolist(), strict=True)) | {"audio": file.getvalue()})
    return pd.DataFrame(rows)


def decode(audio: bytes) -> Samples:
    """The samples of an utterance of the material.

    Args:
        audio: a value of the column ``audio``

    Returns:
        (samples,) at 16 kHz, between -1 and 1
    """
    samples, _ = soundfile.read(io.BytesIO(audio), dtype="float32")
    return samples
