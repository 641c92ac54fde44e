import io

import numpy as np
import soundfile

from emofuse import contracts
from emofuse.demo import voices
from emofuse.demo.material import decode, make_material
from emofuse.demo.sentences import is_reserved
from emofuse.tables import check


def test_checkpoints_are_trained_on_other_voices_and_sentences_than_the_corpora(material):
    material = check(material, contracts.MATERIAL, "material")
    assert set(material["voice"]) <= set(voices.MATERIAL_VOICES)
    spoken = [text[:-1] if text.startswith("I ") else text[0].lower() + text[1:-1] for text in material["text"]]
    assert not any(map(is_reserved, spoken))


def test_the_material_tells_every_number_of_a_prosody(material):
    assert material[list(voices.PROSODY)].abs().max().max() <= 2
    assert (material[list(voices.PROSODY)].std() > 0.5).all()


def test_the_same_seed_makes_the_same_material(material):
    assert material.equals(make_material(40, 0))
    assert not material.equals(make_material(40, 1))


def test_material_is_16_khz_mono_and_short(material):
    for audio in material["audio"]:
        samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32")
        assert rate == 16_000
        assert samples.ndim == 1
        assert 0.5 * rate < len(samples) < 3.6 * rate
        assert np.array_equal(decode(audio), samples)
