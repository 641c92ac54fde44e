import hashlib

import numpy as np
import pytest
import soundfile
from helpers import softmax
from sklearn.metrics import mutual_info_score

from emofuse import audio, parts
from emofuse.configuration import Demo
from emofuse.corpora import base
from emofuse.demo import corpora, voices
from emofuse.fusion.context import Context
from emofuse.fusion.folds import around
from emofuse.tables import EMOTIONS, SENTIMENT, SPEECH

CARRY = Demo().carry
READERS = parts.known(parts.READER)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both corpora at their smallest."""
    folder = tmp_path_factory.mktemp("made")
    corpora.write_iemocap(folder / "iemocap", 0, CARRY, turns=4)
    corpora.write_msp_improv(folder / "msp_improv", 0, CARRY, sentences=1)
    return folder


@pytest.fixture(scope="module")
def listings(made):
    """What the readers of the real corpora list."""
    return {layout: listed(layout, made / layout) for layout in corpora.LAYOUTS}


def listed(layout, folder):
    return base.list_corpus(parts.load(READERS[layout])(), folder, partial=True)


@pytest.fixture(scope="module", params=corpora.LAYOUTS)
def talks(request, tmp_path_factory):
    """The labelled turns of a corpus of full size, by how much is carried over; its audio is silent."""
    turns = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora, "utter", lambda *_: np.zeros(8, np.float32))
        for carry in (0, CARRY):
            folder = tmp_path_factory.mktemp("talks") / request.param
            corpora.LAYOUTS[request.param](folder, 0, carry)
            labelled = listed(request.param, folder).utterances.astype({"turn_start": float})
            turns[carry] = labelled.sort_values(["dialog", "turn_start", "utterance"], ignore_index=True)
    return turns


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
        corpora.LAYOUTS[layout](tmp_path / name, seed, CARRY, **size)
    one, same, other = (corpora.checksums(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert one != other


def test_a_corpus_is_not_written_over(made):
    with pytest.raises(FileExistsError):
        corpora.write_iemocap(made / "iemocap", 0, CARRY)
    with pytest.raises(FileExistsError):
        corpora.write_msp_improv(made / "msp_improv", 0, CARRY)


def test_checksums_are_those_of_sha256sum(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"2")
    expected = [hashlib.sha256(b"2").hexdigest() + "  a", hashlib.sha256(b"1").hexdigest() + "  b/c"]
    assert corpora.checksums(tmp_path).splitlines() == expected


def test_shares_sum_to_1():
    for shares in (*corpora.MSP_IMPROV_SHARES.values(), corpora.IEMOCAP_SHARES):
        assert sum(shares.values()) == pytest.approx(1)


def test_an_emotion_is_carried_over_to_the_next_turn(talks):
    """In IEMOCAP 70 % of neighbouring turns share their emotion, see the README."""
    shared, told = {}, {}
    for carry, turns in talks.items():
        before = turns.groupby("dialog")["emotion"].shift()
        near = turns[before.notna()]
        shared[carry] = (near["emotion"] == before[near.index]).mean()
        told[carry] = mutual_info_score(near["emotion"], before[near.index])
    assert shared[0] < 0.4
    assert 0.6 < shared[CARRY] < 0.85
    assert told[0] < 0.03
    assert told[CARRY] > 0.3


def test_what_is_carried_over_leaves_the_classes_as_large_as_they_are(talks):
    without, carried = (turns["emotion"].value_counts() for turns in talks.values())
    assert carried.sum() == pytest.approx(without.sum(), rel=0.02)
    np.testing.assert_allclose(carried / carried.sum(), without[carried.index] / without.sum(), atol=0.02)


def test_context_gains_by_what_is_carried_over_and_by_nothing_else(talks):
    gain = {}
    for carry, turns in talks.items():
        places = {"Session4": "validation", "Session5": "test"}
        fold = turns[turns["dialog"].notna()].assign(**dict.fromkeys(SENTIMENT, 1 / 3))
        fold["split"] = fold["session"].map(places).fillna("train")
        validation, test = (fold.index[fold["split"] == name] for name in places.values())
        true = fold["emotion"].to_numpy()[:, None] == np.array(EMOTIONS)
        gains = []
        for seed in range(4):
            fold[SPEECH] = softmax(true + np.random.default_rng(seed).normal(size=true.shape))
            X, dialogs = fold[Context.columns], around(fold)
            method = Context().fit(X.loc[validation], fold.loc[validation, "emotion"], dialogs)
            alone, among = (method.predict(X.loc[test], read) for read in (None, dialogs))
            gains += [np.mean(among == fold.loc[test, "emotion"]) - np.mean(alone == fold.loc[test, "emotion"])]
        gain[carry] = np.mean(gains)
    assert gain[CARRY] > 0.05
    assert gain[0] < 0.01
