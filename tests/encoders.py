"""Speech checkpoints with random weights, made on the spot."""

import torch
from safetensors.torch import load_file
from transformers import (
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForPreTraining,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": (32,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 16,
    "vocab_size": 8,
}
FAMILY = {
    "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model),
    "wav2vec2 for pre-training": (Wav2Vec2Config, Wav2Vec2ForPreTraining),
    "hubert": (HubertConfig, HubertModel),
    "wavlm": (WavLMConfig, WavLMModel),
}


# wav2vec2-base, the paper's.
BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "conv_dim": (512,) * 7,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}


def make(folder, architecture="wav2vec2", norm="group", **config):
    """Write a random checkpoint, small unless ``config`` says otherwise; return it as a config names it."""
    torch.manual_seed(0)
    config_class, model_class = FAMILY[architecture]
    stable = norm == "layer"
    config = SMALL | {"feat_extract_norm": norm, "do_stable_layer_norm": stable, "conv_bias": stable} | config
    model_class(config_class(**config)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=stable).save_pretrained(folder)
    return {"path": str(folder)}


def as_public(folder, **save):
    """Give a folder the files that public repositories of 2020 hold: a pickle of weights under their names of then."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    for new_name, old_name in old.items():
        weights = {name.replace(new_name, old_name): tensor for name, tensor in weights.items()}
    torch.save(weights, folder / "pytorch_model.bin", **save)
