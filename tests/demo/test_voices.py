import time

import numpy as np
import pytest

from emofuse.demo import voices
from emofuse.tables import EMOTIONS


def test_what_was_spoken_before_changes_nothing():
    # espeak-ng keeps the phase of its flutter, and m1 flutters; f3 breathes, by the second of the clock.
    for voice in ("m1", "f3"):
        first = voices.speak("the letter is in the garden", voice)
        voices.speak("something else", "f3")
        time.sleep(1)
        assert np.array_equal(first, voices.speak("the letter is in the garden", voice))


def test_prosody_is_heard():
    def spoken(**changed):
        prosody = dict.fromkeys(voices.PROSODY, 0.0) | changed
        return voices.utter("the letter is in the garden", "m1", list(prosody.values()), 16_000)

    usual = spoken()
    assert np.sqrt(np.mean(usual**2)) == pytest.approx(voices.LEVEL, rel=0.3)
    assert len(spoken(rate=1)) < len(usual) < len(spoken(rate=-1))
    assert np.abs(spoken(volume=1)).sum() > np.abs(usual).sum()
    assert not np.array_equal(spoken(pitch=1)[: len(usual)], usual)


def test_samples_stay_within_full_scale():
    assert np.abs(voices.utter("stop", "m1", [0, 0, 0, 20], 16_000)).max() == 1


def test_every_emotion_has_a_prosody():
    assert set(voices.EMOTIONAL_PROSODY) == set(EMOTIONS)
    assert all(len(prosody) == len(voices.PROSODY) for prosody in voices.EMOTIONAL_PROSODY.values())


def test_a_voice_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="no voice variant 'nobody'"):
        voices.speak("hello", "nobody")


def test_no_two_speakers_share_a_voice_and_no_checkpoint_hears_one():
    variants = [*voices.IEMOCAP_VOICES.values(), *voices.MSP_IMPROV_VOICES.values(), *voices.MATERIAL_VOICES]
    assert len(variants) == len(set(variants))
