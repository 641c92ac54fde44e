"""Whisper checkpoints with random weights, made on the spot."""

import dataclasses

import torch
from whisper.model import ModelDimensions, Whisper


def dimensions(**changes):
    """The dimensions of a small Whisper: 4 s at once, English only, texts of 8 tokens."""
    small = dict(n_mels=80, n_audio_ctx=200, n_audio_state=32, n_audio_head=2, n_audio_layer=1, n_vocab=51864)
    small |= dict(n_text_ctx=16, n_text_state=32, n_text_head=2, n_text_layer=1)
    return ModelDimensions(**(small | changes))


def whisper_model(sure=False, **changes):
    """A model with random weights that hears; one that is sure of itself never needs a second temperature."""
    torch.manual_seed(0)
    model = Whisper(dimensions(**changes)).eval()
    with torch.no_grad():
        for block in model.decoder.blocks:
            block.cross_attn.query.weight *= 10
            block.cross_attn.out.weight *= 10
        torch.nn.init.normal_(model.decoder.positional_embedding)
        # Embeddings are the output's weights too: small ones, lest a token call for itself,
        # and none for timestamps and other marks, so that texts are words.
        model.decoder.token_embedding.weight *= 0.05
        model.decoder.token_embedding.weight[50256:] = 0
        model.decoder.ln.weight *= 100 if sure else 10
    return model


def save(model, path):
    torch.save({"dims": dataclasses.asdict(model.dims), "model_state_dict": model.state_dict()}, path)
    return path
