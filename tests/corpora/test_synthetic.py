import hashlib
import io
import time

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import contracts
from emofuse.corpora import base, synthetic
from emofuse.tables import check


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both corpora at their smallest."""
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic.write_iemocap(folder / "iemocap", 0, turns=4)
    synthetic.write_msp_improv(folder / "msp_improv", 0, sentences=1)
    return folder


@pytest.fixture(scope="module")
def material():
    return synthetic.material(40, 0)


def read(made, layout):
    return base.read("demo", layout, str(made / layout), partial=True)


def test_the_first_corpus_is_read_as_iemocap_is(made):
    corpus = read(made, "iemocap")
    utterances = check(corpus.utterances, contracts.UTTERANCES, "iemocap")
    assert not corpus.problems
    assert corpus.rejects.empty
    assert set(utterances["speaker"]) == set(synthetic.IEMOCAP_VOICES)
    assert set(utterances["condition"]) == {"improvised", "scripted"}
    assert set(utterances["emotion"]) == {"angry", "happy", "neutral", "sad"}
    assert utterances["reference"].notna().all()
    assert not utterances["reference"].str.contains("[", regex=False).any()


def test_the_second_corpus_is_read_as_msp_improv_is(made):
    corpus = read(made, "msp_improv")
    utterances = check(corpus.utterances, contracts.UTTERANCES, "msp_improv")
    assert not corpus.problems
    assert corpus.rejects.empty
    assert set(utterances["speaker"]) == set(synthetic.MSP_IMPROV_VOICES)
    assert utterances["condition"].nunique() == 4
    # Most are happy or neutral, as in MSP-IMPROV.
    assert utterances["emotion"].isin(["happy", "neutral"]).mean() > 0.6
    assert {soundfile.info(path).samplerate for path in utterances["path"]} == {48000}


def test_the_first_corpus_has_what_readers_stumble_on(made):
    corpus = made / "iemocap"
    assert list(corpus.glob("Session*/dialog/EmoEvaluation/._*.txt"))
    assert list(corpus.glob("Session*/dialog/EmoEvaluation/Categorical/*.txt"))
    assert list(corpus.glob("Session*/sentences/wav/*_impro05a/*.wav"))
    assert list(corpus.glob("Session*/sentences/wav/*_script01_1b/*.wav"))
    wavs = [path for path in corpus.rglob("*.wav") if not path.name.startswith(".")]
    assert {soundfile.info(path).channels for path in wavs} == {1, 2}
    transcripts = [path.read_bytes() for path in corpus.glob("Session*/dialog/transcriptions/*.txt")]
    assert any(b"caf\xe9" in text for text in transcripts)  # Latin-1
    assert any("café".encode() in text for text in transcripts)
    assert any(b"_MXX0 " in text for text in transcripts)


@pytest.mark.parametrize(("layout", "size"), [("iemocap", {"turns": 2}), ("msp_improv", {"sentences": 1})])
def test_the_same_seed_makes_the_same_bytes(tmp_path, layout, size):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        synthetic.LAYOUTS[layout](tmp_path / name, seed, **size)
    one, same, other = (synthetic.checksums(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert one != other


def test_a_corpus_is_not_written_over(made):
    with pytest.raises(FileExistsError):
        synthetic.write_iemocap(made / "iemocap", 0)
    with pytest.raises(FileExistsError):
        synthetic.write_msp_improv(made / "msp_improv", 0)


def test_checksums_are_those_of_sha256sum(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"2")
    expected = [hashlib.sha256(b"2").hexdigest() + "  a", hashlib.sha256(b"1").hexdigest() + "  b/c"]
    assert synthetic.checksums(tmp_path).splitlines() == expected


def test_what_was_spoken_before_changes_nothing():
    # espeak-ng keeps the phase of its flutter, and m1 flutters; f3 breathes, by the second of the clock.
    for voice in ("m1", "f3"):
        first = synthetic.speak("the letter is in the garden", voice)
        synthetic.speak("something else", "f3")
        time.sleep(1)
        assert np.array_equal(first, synthetic.speak("the letter is in the garden", voice))


def test_prosody_is_heard():
    def spoken(**changed):
        prosody = dict.fromkeys(synthetic.PROSODY, 0.0) | changed
        return synthetic.utter("the letter is in the garden", "m1", list(prosody.values()), 16000)

    usual = spoken()
    assert np.sqrt(np.mean(usual**2)) == pytest.approx(synthetic.LEVEL, rel=0.3)
    assert len(spoken(rate=1)) < len(usual) < len(spoken(rate=-1))
    assert np.abs(spoken(volume=1)).sum() > np.abs(usual).sum()
    assert not np.array_equal(spoken(pitch=1)[: len(usual)], usual)


def test_a_voice_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="no voice variant 'nobody'"):
        synthetic.speak("hello", "nobody")


def test_no_two_speakers_share_a_voice_and_no_checkpoint_hears_one():
    voices = [
        *synthetic.IEMOCAP_VOICES.values(),
        *synthetic.MSP_IMPROV_VOICES.values(),
        *synthetic.MATERIAL_VOICES,
    ]
    assert len(voices) == len(set(voices))


def test_checkpoints_are_trained_on_other_voices_and_sentences(made, material):
    material = check(material, contracts.MATERIAL, "material")
    assert set(material["voice"]) <= set(synthetic.MATERIAL_VOICES)
    said = {text for layout in synthetic.LAYOUTS for text in read(made, layout).utterances["reference"].dropna()}
    assert said
    assert not said & set(material["text"])


def test_the_same_seed_makes_the_same_material(material):
    assert material.equals(synthetic.material(40, 0))
    assert not material.equals(synthetic.material(40, 1))


def test_material_is_16_khz_mono_and_short(material):
    for audio in material["audio"]:
        samples, rate = soundfile.read(io.BytesIO(audio))
        assert rate == 16000
        assert samples.ndim == 1
        assert 0.5 * rate < len(samples) < 3.6 * rate


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(synthetic.CORES)), st.booleans())
def test_a_sentence_belongs_to_the_corpora_or_to_the_material(seed, said, reserved):
    text = synthetic._sentence(np.random.default_rng(seed), said, reserved)
    assert synthetic.is_reserved(text) is reserved
    assert len(text) <= 38


def test_words_mostly_agree_with_the_emotion():
    for emotion, shares in synthetic.SAID.items():
        assert sum(shares.values()) == pytest.approx(1)
        fitting = synthetic.SENTIMENT_OF[emotion]
        agrees = sum(share for said, share in shares.items() if synthetic.SENTIMENT_OF[said] == fitting)
        assert 0.6 < agrees < 0.9
    for table in (*synthetic.MSP_IMPROV_SHARES.values(), {k: v for k, (v, _) in synthetic.IEMOCAP_CODES.items()}):
        assert sum(table.values()) == pytest.approx(1)
