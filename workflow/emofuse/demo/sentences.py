"""The demo's sentences: a template grammar, and what is said in which emotion."""

from __future__ import annotations

import zlib

import numpy as np

SLOTS: dict[str, tuple[str, ...]] = {
    "hour": ("seven", "eight", "nine", "ten"),
    "good": ("wonderful", "beautiful", "lovely", "perfect"),
    "bad": ("stupid", "disgusting", "filthy", "useless"),
    "low": ("lonely", "empty", "hopeless", "sorry"),
    "person": ("mother", "brother", "teacher", "neighbor", "daughter"),
    "place": ("kitchen", "office", "garden", "library", "station"),
    "thing": ("letter", "car", "picture", "ticket", "coffee", "window", "dog", "computer"),
}
"""Words that fill a ``{slot}`` of a template."""

CORES: dict[str, tuple[str, ...]] = {
    "angry": (
        "I hate this {bad} {thing}",
        "stop shouting at my {person}",
        "you broke my {bad} {thing}",
        "your {person} is a {bad} liar",
        "get out of my {place} at once",
        "how dare you touch my {thing}",
    ),
    "happy": (
        "I love this {good} {thing}",
        "my {person} bought a {good} {thing}",
        "we won a {good} {thing}",
        "I am so glad to see my {person}",
        "what a {good} {place} you have",
    ),
    "neutral": (
        "the {thing} is in the {place}",
        "we can meet in the {place} at {hour}",
        "I will bring the {thing} to the {place}",
        "my {person} works in the {place}",
        "the meeting starts at {hour}",
    ),
    "sad": (
        "I miss my {person} so much",
        "we said goodbye to my {person}",
        "I lost my {person} and my {thing}",
        "I feel so {low} without my {person}",
        "I am crying about the {thing}",
    ),
    "negative": (
        "I do not like this {thing}",
        "there is a problem with the {thing}",
        "my {person} never called me",
        "this is a terrible {thing}",
        "everything is wrong with my {person}",
    ),
}
"""Templates by what they say; ``negative`` is said in anger and in sadness alike."""

OPENERS = ("", "", "", "but", "and", "so", "well")
"""What a sentence begins with; most begin with nothing."""

CLOSERS = ("", "", "", "today", "now", "again", "tonight")
"""What a sentence ends with; most end with nothing."""

SENTIMENT_OF = {
    "angry": "negative",
    "happy": "positive",
    "neutral": "neutral",
    "sad": "negative",
    "negative": "negative",
}
"""The sentiment of what a sentence says."""

SAID: dict[str, dict[str, float]] = {
    "angry": {"angry": 0.45, "negative": 0.25, "neutral": 0.20, "sad": 0.05, "happy": 0.05},
    "happy": {"happy": 0.65, "neutral": 0.25, "negative": 0.05, "sad": 0.03, "angry": 0.02},
    "neutral": {"neutral": 0.75, "happy": 0.10, "negative": 0.09, "sad": 0.03, "angry": 0.03},
    "sad": {"sad": 0.45, "negative": 0.25, "neutral": 0.20, "angry": 0.05, "happy": 0.05},
}
"""What is said in which emotion, as probabilities: words agree with the emotion most of the time."""

LONGEST = 38
"""The most characters of a spoken sentence: the slowest speaker needs less than the 3.6 s of the demo's Whisper."""


def sentence(rng: np.random.Generator, said: str) -> str:
    """One sentence of the grammar, in lower case and without punctuation, except for ``I``.

    Args:
        rng: the random numbers
        said: what it says, a key of :data:`CORES`

    >>> sentence(np.random.default_rng(0), "happy")
    'what a lovely kitchen you have again'
    """
    core = rng.choice(CORES[said]).format_map({slot: rng.choice(words) for slot, words in SLOTS.items()})
    return " ".join(part for part in (rng.choice(OPENERS), core, rng.choice(CLOSERS)) if part)


def is_reserved(text: str) -> bool:
    """Whether a sentence belongs to the corpora; no checkpoint is trained on such a sentence.

    A checksum of the sentence decides, so one third of the grammar is reserved, whatever the seed.
    """
    return zlib.crc32(text.encode()) % 3 == 0


def short_sentence(rng: np.random.Generator, said: str, *, reserved: bool) -> str:
    """One sentence of the grammar that is short enough to be spoken: at most :data:`LONGEST` characters.

    Args:
        rng: the random numbers
        said: what it says, a key of :data:`CORES`
        reserved: whether it is for the corpora, not for training (see :func:`is_reserved`)
    """
    while is_reserved(text := sentence(rng, said)) is not reserved or len(text) > LONGEST:
        pass
    return text


def written(text: str) -> str:
    """A sentence as transcripts have it.

    >>> written("we can meet today")
    'We can meet today.'
    """
    return text[0].upper() + text[1:] + "."
