"""The voice: embeddings of a pretrained speech encoder, and classifiers of emotion on or of them."""

SCALINGS = ("training", "corpus", "speaker")
"""How a regression's embeddings are standardised, see :mod:`emofuse.speech.classifier`."""
