"""The voice: embeddings of a pretrained speech encoder, and classifiers of emotion on or of them."""
