"""The words: transcripts, how far they can be trusted, and the sentiment and emotion that they carry."""
