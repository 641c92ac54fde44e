import pandas as pd
import pytest
from helpers import published
from hypothesis import given
from hypothesis import strategies as st

from emofuse import parts
from emofuse.text.normalisation import none, paper, whisper_english, words

TEXT = st.text(st.sampled_from("aeIMst'’.,-_ 5é日"), max_size=30)


@given(TEXT)
def test_none_changes_nothing(text):
    assert none(text) == text


@given(TEXT)
def test_words_are_lower_case_and_free_of_punctuation_and_stay_so(text):
    written = words(text)
    assert words(written) == written
    assert all(character.isalnum() or character in "' " for character in written)
    assert written == " ".join(written.split()) == written.lower()


@given(TEXT)
def test_the_papers_text_holds_no_digit(text):
    assert not any(map(str.isdigit, paper(text)))


@pytest.mark.parametrize("path", parts.known(parts.NORMALISATION).values())
def test_an_empty_text_stays_empty(path):
    assert parts.load(path)("") == ""


@pytest.mark.parametrize(
    "raw", ["I'm not sorry. No, but I'm--I can't stay.", " I'M NOT SORRY  NO BUT I'M I CAN'T STAY"]
)
def test_words_make_raw_and_published_transcripts_the_same(raw):
    assert words(raw) == "i'm not sorry no but i'm i can't stay"


@pytest.mark.parametrize(
    ("transcription", "nlp"),
    [  # from the release, fold 0
        (" YOU KNOW  IT'S LOVELY HERE THE AIR IS SWEET", "you know it be lovely here the air be sweet"),
        (" YOU'RE THE ONLY ONE WHO STILL LOVES HIS PARENTS", "you're the only one who still love his parent"),
        (" FOR ONE THING  YOUR MOTHER IN LAW JUST TOLD ME TO GO", "for one thing your mother in law just tell i to go"),
    ],
)
def test_the_papers_text_is_the_papers(transcription, nlp):
    assert paper(transcription) == nlp


def test_whispers_normaliser_spells_out_and_spells_alike():
    assert whisper_english("[laughter] We'll say twenty-one, uh, favourite dogs") == "we will say 21 favorite dogs"


@pytest.fixture(scope="module")
def published_scores():
    """A row per utterance; without speech the transcription is "nan"."""
    files = sorted((published() / "Merge" / "Predict Results").glob("fold_*/*-predictions-raw.csv"))
    rows = pd.concat([pd.read_csv(file, keep_default_na=False) for file in files])
    rows["transcription_nlp"] = rows["transcription_nlp"].str.strip()
    return rows.drop_duplicates("ID").replace({"transcription": {"nan": ""}})


def test_79_percent_of_the_published_texts_are_reproduced(published_scores):
    made = published_scores["transcription"].map(paper)
    assert (made == published_scores["transcription_nlp"]).mean() > 0.79


def test_the_published_sentiment_was_computed_from_the_papers_text(published_scores):
    score = published_scores["sentiment_score"].round(6)
    texts = published_scores.assign(words=published_scores["transcription"].map(words), sentiment=score)
    several = texts.groupby("transcription_nlp").filter(lambda rows: rows["words"].nunique() > 1)
    assert len(several)
    assert (several.groupby("transcription_nlp")["sentiment"].nunique() == 1).all()
    differ = texts.groupby("words").filter(lambda rows: rows["transcription_nlp"].nunique() > 1)
    assert (differ.groupby("words")["sentiment"].nunique() > 1).all()
