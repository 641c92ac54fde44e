"""The words: transcripts, how far they can be trusted, and the sentiment and emotion that they carry."""

EXPERTS = ("tfidf", "encoder")
"""What reads emotions, see :mod:`emofuse.text.expert`."""
