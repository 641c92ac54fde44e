"""How a text is written before its sentiment is read or its words are counted.

- ``none``: as it is. The paper's WER was counted so, its transcripts being in upper case and, but for dashes in the
  reference, without punctuation.
- ``words``: lower case, without punctuation.
- ``whisper_english``: Whisper's English normaliser, made to compare transcripts:
  spells out contractions, writes numbers in digits, drops *um* and the like, spells the American way.
- ``paper``: ``words`` without numbers, each word as its dictionary has it (*it's* becomes *it be*). The text from
  which the paper's sentiment was computed, as near as it can be had without the paper's tagger.

What the paper did can be told from what it published, 5531 utterances with ``transcription`` and
``transcription_nlp`` side by side.
Utterances that share a ``transcription_nlp`` always share a sentiment, and utterances that share a
``transcription`` but not a ``transcription_nlp`` never do: the sentiment was computed from ``transcription_nlp``.
Its lemmas are those of a spaCy pipeline that was given upper-case text, and depend on each word's context.
From ``transcription``, ``paper`` makes the very same text for 79 % of the utterances, and 98 % of the words are
the same; without lemmas it would be 37 % and 87 %.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable

# What the paper's spaCy made of words that a dictionary alone would treat otherwise.
_PAPER = {
    "am": "be",
    "are": "be",
    "been": "be",
    "being": "be",
    "is": "be",
    "was": "be",
    "were": "be",
    "did": "do",
    "does": "do",
    "doing": "do",
    "done": "do",
    "felt": "feel",
    "going": "go",
    "gone": "go",
    "her": "she",
    "let's": "let us",
    "me": "i",
    "thanks": "thank",
    "them": "they",
    "thinking": "think",
}

# What it left as it was.
_KEPT = frozenset(
    ("an", "best", "better", "excited", "got", "guys", "had", "him", "kids", "least", "married", "these", "those", "us")
)

# After these, 's is a verb; after any other word it stays, split off.
_BEFORE_IS = frozenset(
    ("everybody", "everything", "he", "here", "how", "it", "she", "that", "there", "what", "where", "who")
)


Normalisation = Callable[[str], str]


def normalisation(function: Normalisation) -> Normalisation:
    """Mark a function as a normalisation that a config may name."""
    return function


@normalisation
def none(text: str) -> str:
    """The text as it is."""
    return text


@normalisation
def words(text: str) -> str:
    """Lower case; letters, digits and apostrophes, with one space between words.

    >>> words(" Well... I'm sorry, it's FIVE-o'clock!")
    "well i'm sorry it's five o'clock"
    >>> words("Résumé: हिन्दी!")
    'résumé हिन्दी'
    """
    text = unicodedata.normalize("NFC", text.lower().replace("’", "'"))
    return " ".join("".join(letter if _is_of_a_word(letter) else " " for letter in text).split())


@normalisation
def whisper_english(text: str) -> str:
    """Whisper's English normaliser.

    >>> whisper_english("Um, I'm sorry, it's two hundred colours!")
    'i am sorry it is 200 colors'
    """
    return _whisper_english()(text)


@normalisation
def paper(text: str) -> str:
    """Words as a dictionary has them, without numbers.

    >>> paper(" IT'S NOT SO BAD  SHE LOVES HIS PARENTS AND MY BROTHER'S 50 CATS")
    "it be not so bad she love his parent and my brother 's cat"
    """
    return " ".join(_lemma(word) for word in words(text).split() if not any(map(str.isdigit, word)))


def _is_of_a_word(letter: str) -> bool:
    # Marks are vowels and tones in many scripts, written as characters of their own.
    return letter == "'" or letter.isalnum() or unicodedata.category(letter).startswith("M")


@functools.cache
def _whisper_english() -> Callable[[str], str]:
    # whisper imports torch, which takes seconds: only those who ask for it pay.
    from whisper.normalizers import EnglishTextNormalizer

    return EnglishTextNormalizer()


@functools.cache
def _lemma(word: str) -> str:
    import simplemma

    if word in _PAPER:
        return _PAPER[word]
    if word in _KEPT:
        return word
    stem, apostrophe, ending = word.rpartition("'")
    if apostrophe and ending == "s":
        return f"{stem} be" if stem in _BEFORE_IS else f"{stem} 's"
    # The paper's tokeniser left don't, you're, i'll whole.
    return word if apostrophe else simplemma.lemmatize(word, lang="en").lower()
