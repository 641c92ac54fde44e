"""The demo's voices: espeak-ng, spoken with a prosody."""

from __future__ import annotations

import _ctypes
import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path

import espeakng_loader
import numpy as np
import numpy.typing as npt
import soxr

from emofuse.audio import Samples

PROSODY = ("rate", "pitch", "range", "volume")
"""What makes up a prosody: four numbers, each 0 for a usual voice and about ±2 at the extremes."""

EMOTIONAL_PROSODY: dict[str, tuple[float, float, float, float]] = {
    "angry": (0.3, 0.0, 0.5, 1.3),
    "happy": (0.9, 1.2, 0.9, 0.2),
    "neutral": (0.1, -0.5, -0.7, -0.1),
    "sad": (-1.2, -0.6, -0.7, -1.1),
}
"""The mean prosody of each emotion."""

SPEAKER_SPREAD = 0.35
"""Standard deviation of the speakers' own prosody."""

UTTERANCE_SPREAD = 0.6
"""Standard deviation of the prosody of one speaker's utterances of one emotion."""

IEMOCAP_VOICES = {
    "Ses01F": "f1",
    "Ses01M": "m1",
    "Ses02F": "f3",
    "Ses02M": "m3",
    "Ses03F": "belinda",
    "Ses03M": "Michael",
    "Ses04F": "f5",
    "Ses04M": "adam",
    "Ses05F": "Annie",
    "Ses05M": "m4",
}
"""The espeak-ng voice variant of each speaker of the first corpus."""

MSP_IMPROV_VOICES = {
    "F01": "Andrea",
    "F02": "f4",
    "F03": "shelby",
    "F04": "linda",
    "F05": "grandma",
    "F06": "anika",
    "M01": "m2",
    "M02": "m6",
    "M03": "m7",
    "M04": "david",
    "M05": "pablo",
    "M06": "robert",
}
"""The espeak-ng voice variant of each speaker of the second corpus."""

MATERIAL_VOICES = (
    *("aunty", "steph", "steph2", "steph3", "zac", "Alex", "klatt", "klatt2", "norbert"),
    *("m5", "m8", "Denis", "Gene", "Hugo", "Mike", "Lee", "Storm", "benjamin", "ed", "edward"),
    *("gustave", "ian", "john", "max", "miguel", "quincy", "rob", "travis", "victor", "marcelo"),
)
"""The voice variants that checkpoints are trained on: none is a voice of the corpora."""

SYNTHESIS_RATE = 22050
"""Sampling rate of espeak-ng in Hz."""

LEVEL = 0.05
"""Root mean square of a usual utterance, for every voice: as if each microphone had been adjusted to its speaker."""

_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4  # espeak_PARAMETER
_SYNCHRONOUS, _UTF8 = 2, 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, voice: str, rate: int = 165, pitch: int = 50, pitch_range: int = 50) -> npt.NDArray[np.int16]:
    """Speak a text in American English.

    Args:
        text: the text
        voice: name of a voice variant of espeak-ng
        rate: words per minute, 80 to 450
        pitch: 0 to 99
        pitch_range: 0 (monotone) to 99

    Returns:
        (samples,) at :data:`SYNTHESIS_RATE`; the same for the same arguments, whatever was spoken before

    Raises:
        ValueError: if there is no such variant
    """
    chunks: list[bytes] = []

    @_CALLBACK
    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    # espeak-ng accepts any name of a variant, and speaks without one if there is no such variant.
    if not Path(espeakng_loader.get_data_path(), "voices/!v", voice).is_file():
        raise ValueError(f"espeak-ng has no voice variant {voice!r}")
    # espeak-ng keeps the phase of its flutter from one utterance to the next and offers no way to reset it.
    # A library that is loaded anew (under 1 ms) starts from the same state each time.
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        library.espeak_SetSynthCallback(keep)
        library.espeak_SetVoiceByName(f"en-us+{voice}".encode())
        for parameter, value in ((_RATE, rate), (_VOLUME, 60), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        library.espeak_ng_SetRandSeed(1)  # of breath; the time is the seed without it
        ctypes.CDLL(None).srand(1)  # of some voices' noise
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)
    return np.frombuffer(b"".join(chunks), dtype=np.int16)


def utter(text: str, voice: str, prosody: Sequence[float], sampling_rate: int) -> Samples:
    """Speak a text with a prosody.

    Args:
        text: the text
        voice: name of a voice variant of espeak-ng
        prosody: a number for each name in :data:`PROSODY`
        sampling_rate: of what is returned, in Hz

    Returns:
        (samples,) at ``sampling_rate``, between -1 and 1
    """
    rate, pitch, pitch_range, volume = prosody
    spoken = speak(
        text,
        voice,
        rate=round(165 * np.exp(0.14 * np.clip(rate, -2, 2))),
        pitch=round(float(np.clip(45 + 15 * pitch, 0, 99))),
        pitch_range=round(float(np.clip(45 + 18 * pitch_range, 0, 99))),
    )
    gain = _gain(voice) * np.exp(0.3 * volume)
    samples = soxr.resample(spoken.astype(np.float32) * gain, SYNTHESIS_RATE, sampling_rate)
    return np.clip(samples, -1, 1)


@functools.cache
def _gain(voice: str) -> np.float32:
    """The factor that brings a voice to :data:`LEVEL`; variants of espeak-ng differ in loudness by a factor of ten."""
    usual = speak("the letter is in the garden and we can meet today", voice).astype(np.float64)
    return np.float32(LEVEL / np.sqrt(np.mean(usual**2)))
