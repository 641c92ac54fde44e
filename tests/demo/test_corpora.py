import hashlib

import pytest
import soundfile

from emofuse import audio, parts
from emofuse.corpora import base
from emofuse.demo import corpora, voices
from emofuse.tables import EMOTIONS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both corpora at their smallest."""
    folder = tmp_path_factory.mktemp("made")
    corpora.write_iemocap(folder / "iemocap", 0, turns=4)
    corpora.write_msp_improv(folder / "msp_improv", 0, sentences=1)
    return folder


@pytest.fixture(scope="module")
def listings(made):
    """What the readers of the real corpora list."""
    readers = parts.known(parts.READER)
    return {
        layout: base.list_corpus(parts.load(readers[layout])(), made / layout, partial=True)
        for layout in corpora.LAYOUTS
    }


def test_the_first_corpus_is_read_as_iemocap_is(listings):
    assert not listings["iemocap"].problems
    utterances = listings["iemocap"].utterances
    assert utterances["utterance"].is_unique
    assert set(utterances["speaker"]) == set(voices.IEMOCAP_VOICES)
    assert set(utterances["condition"]) == {"improvised", "scripted"}
    assert set(utterances["emotion"]) == set(EMOTIONS)
    assert utterances["reference"].notna().all()
    assert not utterances["reference"].str.contains("[", regex=False).any()


def test_the_second_corpus_is_read_as_msp_improv_is(listings, made):
    assert not listings["msp_improv"].problems
    utterances = listings["msp_improv"].utterances
    assert utterances["utterance"].is_unique
    assert set(utterances["speaker"]) == set(voices.MSP_IMPROV_VOICES)
    assert set(utterances["emotion"]) == set(EMOTIONS)
    assert utterances["condition"].nunique() == 4
    # Most are happy or neutral, as in MSP-IMPROV.
    assert utterances["emotion"].isin(["happy", "neutral"]).mean() > 0.6
    assert {soundfile.info(path).samplerate for path in (made / "msp_improv").rglob("*.wav")} == {48_000}


@pytest.mark.parametrize("layout", corpora.LAYOUTS)
def test_all_audio_can_be_used(made, layout):
    wavs = [path for path in (made / layout).rglob("*.wav") if not path.name.startswith(".")]
    assert len(wavs) == {"iemocap": 80 * 4, "msp_improv": 336}[layout]
    assert [reason for path in wavs if (reason := audio.check(path, min_duration=0.1)[1])] == []


def test_the_corpora_say_reserved_sentences_alone(listings, material):
    said = {text for listing in listings.values() for text in listing.labelled["reference"].dropna()}
    assert said
    assert not said & set(material["text"])


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
        corpora.LAYOUTS[layout](tmp_path / name, seed, **size)
    one, same, other = (corpora.checksums(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert one != other


def test_a_corpus_is_not_written_over(made):
    with pytest.raises(FileExistsError):
        corpora.write_iemocap(made / "iemocap", 0)
    with pytest.raises(FileExistsError):
        corpora.write_msp_improv(made / "msp_improv", 0)


def test_checksums_are_those_of_sha256sum(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"2")
    expected = [hashlib.sha256(b"2").hexdigest() + "  a", hashlib.sha256(b"1").hexdigest() + "  b/c"]
    assert corpora.checksums(tmp_path).splitlines() == expected


def test_shares_sum_to_1():
    for shares in (*corpora.MSP_IMPROV_SHARES.values(), {k: v for k, (v, _) in corpora.IEMOCAP_CODES.items()}):
        assert sum(shares.values()) == pytest.approx(1)
