import re

import jiwer
import numpy as np
import pandas as pd
import pytest
from helpers import published
from hypothesis import given, settings
from hypothesis import strategies as st

from emofuse import contracts, tables
from emofuse.text import normalisation, wer
from emofuse.text.normalisation import none, words

WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(WORDS, WORDS)
def test_jiwer_counts_as_many_errors(reference, hypothesis):
    ours = wer.count(reference, hypothesis)
    theirs = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    assert sum(ours[1:]) == theirs.substitutions + theirs.insertions + theirs.deletions


@given(WORDS, WORDS)
def test_every_word_is_counted_once(reference, hypothesis):
    hits, substitutions, insertions, deletions = wer.count(reference, hypothesis)
    assert hits + substitutions + deletions == len(reference)
    assert hits + substitutions + insertions == len(hypothesis)


@given(WORDS)
def test_a_transcript_without_errors_is_all_hits(reference):
    assert wer.count(reference, reference) == (len(reference), 0, 0, 0)


def test_equally_short_alignments_split_as_kaldi_splits_them():
    # Two errors either way: an insertion and a deletion (jiwer: b and c are replaced).
    assert wer.count(list("abc"), list("acd")) == (2, 0, 1, 1)


@st.composite
def corpora(draw):
    """What was said and what was written in some utterances."""
    pairs = draw(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
    return [" ".join(words) for words, _ in pairs], [" ".join(words) for _, words in pairs]


@settings(max_examples=50)
@given(corpora())
def test_rates_are_jiwers(corpus):
    spoken, written = corpus
    utterances = about(["scripted"] * len(spoken), ["sad"] * len(spoken))
    table = wer.table(utterances, references(spoken), transcripts(written), none)
    rate = table.set_index(["condition", "emotion"])["WER"][("all", "all")]
    if any(spoken):
        assert rate == jiwer.wer(spoken, written)
    else:
        assert np.isnan(rate)


def about(conditions, emotions):
    names = [f"u{number}" for number in range(1, len(emotions) + 1)]
    table = {"utterance": names, "corpus": "corpus", "condition": conditions, "emotion": emotions}
    return pd.DataFrame(table).assign(speaker="s", session="1")


def references(texts):
    return pd.DataFrame({"utterance": [f"u{number}" for number in range(1, len(texts) + 1)], "reference": texts})


@pytest.fixture
def utterances():
    return about(["improvised", "improvised", "scripted", "scripted"], ["angry", "sad", "sad", "sad"])


SAID = ["Go away!", "I am so sorry.", "Oh no", None]


def rates(utterances, written, said=SAID, normalisation=words):
    return wer.table(utterances, references(said), transcripts(written), normalisation)


def transcripts(texts):
    return pd.DataFrame(
        {
            "utterance": [f"u{number}" for number in range(1, len(texts) + 1)],
            "text": texts,
            "mean_log_probability": np.nan,
            "no_speech_probability": np.nan,
        }
    )


def test_the_table_is_by_corpus_condition_and_emotion(utterances):
    table = rates(utterances, ["go away", "I'm so sorry", "", "anything"])
    rows = tables.check(table, contracts.WER, "wer.parquet").set_index(["condition", "emotion"])
    assert sorted(rows.index) == [
        ("all", "all"),
        ("all", "angry"),
        ("all", "sad"),
        ("improvised", "all"),
        ("improvised", "angry"),
        ("improvised", "sad"),
        ("scripted", "all"),
        ("scripted", "sad"),
    ]
    assert rows.loc[("all", "angry"), "WER"] == 0
    assert rows.loc[("improvised", "sad"), ["hits", "substitutions", "insertions", "deletions"]].tolist() == [
        2,
        1,
        0,
        1,
    ]
    assert rows.loc[("all", "all"), ["utterances", "words"]].tolist() == [3, 8]
    assert rows.loc[("all", "all"), "WER"] == pytest.approx(4 / 8)


def test_an_empty_transcript_loses_all_words_and_a_missing_reference_does_not_count(utterances):
    table = rates(utterances, ["", "", "", "much text"]).query("condition == 'all' and emotion == 'all'")
    assert table[["utterances", "deletions", "insertions", "WER"]].to_numpy().tolist() == [[3, 8, 0, 1.0]]


def test_normalisation_is_a_choice(utterances):
    written = ["go away", "i am so sorry", "oh no", ""]
    by_name = {
        name: rates(utterances, written, normalisation=getattr(normalisation, name)).set_index(["condition", "emotion"])
        for name in ("none", "words")
    }
    assert by_name["words"].loc[("all", "all"), "WER"] == 0
    assert by_name["none"].loc[("all", "all"), "WER"] == pytest.approx(5 / 8)


def test_a_corpus_without_references_has_no_rates(utterances):
    table = rates(utterances, ["a", "b", "c", "d"], [None] * 4)
    assert tables.check(table, contracts.WER, "wer.parquet").empty


def test_a_corpus_without_conditions_has_only_all(utterances):
    table = rates(utterances.assign(condition=""), ["a", "b", "c", "d"])
    assert set(table["condition"]) == {"all"}


def test_a_reference_without_words_has_no_rate(utterances):
    table = rates(utterances, ["a", "", "", ""], ["..."] * 4)
    everything = table.query("condition == 'all' and emotion == 'all'").iloc[0]
    assert (everything["insertions"], everything["words"]) == (1, 0)
    assert np.isnan(everything["WER"])
    tables.check(table, contracts.WER, "wer.parquet")


@pytest.mark.parametrize("fold", range(10))
def test_the_published_counts_are_reproduced(fold):
    # Texts are compared as they are: the published references have dashes ("IT'S-"), which count as errors.
    folder = published() / "Evaluation" / "WER"
    if not (file := folder / "whisper-large-v3" / f"fold_{fold}" / "test-transcriptions.csv").is_file():
        pytest.skip(f"fold {fold} is not on this machine")
    lines = (folder / "groundtruth_IEMOCAP.txt").read_text(encoding="utf-8").splitlines()
    reference = dict(line.split(" ", 1) for line in lines)
    texts = pd.read_csv(file, keep_default_na=False).rename(columns={"ID": "utterance", "transcription": "text"})
    utterances = texts[["utterance"]].assign(corpus="iemocap", condition="", emotion="neutral")
    references = texts[["utterance"]].assign(reference=texts["utterance"].map(reference))
    ours = wer.table(utterances, references, texts, none).query("emotion == 'all'").iloc[0]

    results = (folder / "whisper-large-v3" / "wer_results.txt").read_text()
    counts = re.search(
        rf"fold_{fold}:\n%WER (\S+) \[ (\d+) / (\d+), (\d+) ins, (\d+) del, (\d+) sub \].*\n.*\nScored (\d+) sentences",
        results,
    )
    rate, errors, words, insertions, deletions, substitutions, sentences = map(float, counts.groups())
    assert ours["insertions"] == insertions
    assert ours["deletions"] == deletions
    assert ours["substitutions"] == substitutions
    assert ours["words"] == words
    assert ours["utterances"] == sentences
    assert ours["insertions"] + ours["deletions"] + ours["substitutions"] == errors
    assert 100 * ours["WER"] == pytest.approx(rate, abs=0.005)
