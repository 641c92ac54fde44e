"""Embeddings are means over an utterance's own frames: padding and neighbours never change them."""

from pathlib import Path

import encoders
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, Wav2Vec2FeatureExtractor

from emofuse import audio
from emofuse.speech import embeddings, encoder
from emofuse.tables import InputError

FAMILY = [
    (architecture, norm)
    for architecture in ("wav2vec2", "wav2vec2 for pre-training", "hubert", "wavlm")
    for norm in ("group", "layer")
]


def embed(model, extractor, recordings, budget=160_000, threads=1):
    return embeddings.embed(model, extractor, recordings, budget=budget, threads=threads, precision="auto")


def one_by_one(checkpoint, recordings):
    """The same by nothing but transformers: one utterance at a time, so that nothing is padded."""
    model = AutoModel.from_pretrained(checkpoint["path"]).eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(checkpoint["path"])
    rows = []
    for path in recordings["path"]:
        inputs = extractor(audio.load(path), sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            states = model(inputs.input_values, output_hidden_states=True).hidden_states
        rows.append(np.stack([state[0].mean(0) for state in states]))
    return np.stack(rows)


@pytest.mark.parametrize(("architecture", "norm"), FAMILY)
def test_batches_equal_one_by_one(make_checkpoint, recordings, architecture, norm):
    checkpoint = make_checkpoint(architecture, norm)
    model, extractor = embeddings.load(checkpoint, "cpu")
    embedded = embed(model, extractor, recordings, budget=160_000, threads=2)
    assert embedded.shape == (len(recordings), 4, 32)
    assert embedded.dtype == np.float32
    np.testing.assert_allclose(embedded, one_by_one(checkpoint, recordings), atol=1e-4)


def test_without_care_padding_would_change_them(checkpoint, recordings):
    """What the above guards against: transformers' own padding of a checkpoint with group normalisation."""
    model = AutoModel.from_pretrained(checkpoint["path"]).eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(checkpoint["path"])
    samples = [audio.load(path) for path in recordings["path"][:8]]
    inputs = extractor(samples, sampling_rate=16_000, padding=True, return_attention_mask=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
    shortest = int(np.argmin([len(wave) for wave in samples]))
    frames = int(model._get_feat_extract_output_lengths(len(samples[shortest])))
    padded = states[shortest, :frames].mean(0).numpy()
    assert abs(padded - one_by_one(checkpoint, recordings[shortest : shortest + 1])[0, -1]).max() > 0.01


@pytest.mark.parametrize("budget", [1, 40_000, 1_000_000])
@pytest.mark.parametrize("threads", [1, 2])
def test_neither_budget_nor_threads_nor_order_change_them(checkpoint, recordings, budget, threads):
    model, extractor = embeddings.load(checkpoint, "cpu")
    expected = embed(model, extractor, recordings)
    embedded = embed(model, extractor, recordings[::-1], budget, threads)
    np.testing.assert_allclose(embedded[::-1], expected, atol=1e-4)


def test_same_arguments_same_bytes(checkpoint, recordings):
    def run(threads):
        return embed(*embeddings.load(checkpoint, "cpu"), recordings, threads=threads).tobytes()

    assert run(2) == run(2) == run(1)


def test_loudness_and_offset_do_not_matter_to_a_checkpoint_that_normalises(checkpoint, recordings, tmp_path):
    model, extractor = embeddings.load(checkpoint, "cpu")
    path = recordings["path"][0]
    soundfile.write(tmp_path / "quiet.wav", audio.load(path) * 0.1 + 0.2, audio.RATE, subtype="FLOAT")
    waves = [encoder.wave(extractor, [heard]) for heard in (path, tmp_path / "quiet.wav")]
    quiet = embeddings._means(model, waves, "auto")
    np.testing.assert_allclose(quiet[0], quiet[1], atol=1e-3)


def test_a_checkpoint_for_speech_recognition_may_lack_what_only_masks_in_training(checkpoint, recordings):
    path = Path(checkpoint["path"], "model.safetensors")
    weights = load_file(path)
    del weights["masked_spec_embed"]
    save_file(weights, path, {"format": "pt"})
    assert embed(*embeddings.load(checkpoint, "cpu"), recordings[:2]).shape == (2, 4, 32)


@pytest.mark.parametrize("architecture", ["wav2vec2", "wavlm"])
def test_an_adapter_behind_the_layers_shortens_none_of_them(make_checkpoint, recordings, architecture):
    checkpoint = make_checkpoint(architecture, add_adapter=True)
    model, extractor = embeddings.load(checkpoint, "cpu")
    embedded = embed(model, extractor, recordings[:6])
    np.testing.assert_allclose(embedded, one_by_one(checkpoint, recordings[:6]), atol=1e-4)


def test_a_hubert_that_normalises_before_the_position_keeps_its_padding_at_zero(make_checkpoint, recordings):
    checkpoint = make_checkpoint("hubert", conv_pos_batch_norm=True)
    path = Path(checkpoint["path"], "model.safetensors")
    weights = load_file(path)
    for name, weight in weights.items():
        if "batch_norm" in name and weight.dtype == torch.float32:
            weights[name] = weight + torch.rand(weight.shape, generator=torch.manual_seed(0))  # as if it were trained
    save_file(weights, path, {"format": "pt"})
    model, extractor = embeddings.load(checkpoint, "cpu")
    embedded = embed(model, extractor, recordings[:8], budget=1_000_000)
    np.testing.assert_allclose(embedded, one_by_one(checkpoint, recordings[:8]), atol=1e-4)


def test_parts_of_a_file_give_what_files_of_their_own_give(checkpoint, recordings, as_parts):
    loaded = embeddings.load(checkpoint, "cpu")
    # Samples of 16 bits, a second time.
    np.testing.assert_allclose(embed(*loaded, as_parts), embed(*loaded, recordings), atol=1e-3)


def test_no_utterances_give_no_embeddings(checkpoint, recordings):
    assert embed(*embeddings.load(checkpoint, "cpu"), recordings[:0]).shape == (0, 4, 32)


def test_a_file_that_cannot_be_read_is_named(checkpoint, recordings):
    broken = recordings.assign(path=["no.wav", *recordings["path"][1:]])
    with pytest.raises(InputError, match=r"no\.wav: no such file"):
        embed(*embeddings.load(checkpoint, "cpu"), broken)


def test_means_of_all_are_those_of_each():
    states, frames = torch.randn(3, 50, 8, generator=torch.manual_seed(0)), [50, 7, 1]
    together = embeddings._mean_of_all(states, frames)
    torch.testing.assert_close(together, embeddings._mean_of_each(states, frames))


@pytest.mark.gpu
@pytest.mark.parametrize(("architecture", "norm"), FAMILY)
def test_a_gpu_says_what_a_cpu_says(make_checkpoint, recordings, architecture, norm):
    checkpoint = make_checkpoint(architecture, norm)
    expected = embed(*embeddings.load(checkpoint, "cpu"), recordings)
    how = {"budget": 160_000, "threads": 1}
    on_gpu = embeddings.load(checkpoint, "auto")
    assert on_gpu[0].device.type == "cuda"
    whole = embeddings.embed(*on_gpu, recordings, precision="float32", **how)
    np.testing.assert_allclose(whole, expected, atol=1e-4)
    half = embeddings.embed(*on_gpu, recordings, precision="auto", **how)
    # bfloat16 keeps 8 bits, on a CPU too: a mean over time of a state of size 1 was 0.01 off there.
    assert np.sqrt(np.square(half - expected).mean()) < 0.05 * expected.std()


def test_only_this_family_of_encoders_is_accepted(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="is a bert checkpoint; should be one of wav2vec2, hubert, wavlm"):
        encoder.load(AutoModel, {"path": str(tmp_path)})


def test_a_checkpoint_that_hears_another_rate_is_refused(make_checkpoint):
    checkpoint = make_checkpoint()
    Wav2Vec2FeatureExtractor(sampling_rate=8_000).save_pretrained(checkpoint["path"])
    with pytest.raises(InputError, match="hears 8000 Hz; should be 16000 Hz"):
        encoder.load(AutoModel, checkpoint)


def test_the_terminal_shows_how_far_it_is(checkpoint, recordings, capsys):
    embed(*embeddings.load(checkpoint, "cpu"), recordings)
    assert "60/60" in capsys.readouterr().err


@pytest.mark.slow
def test_full_size_wav2vec2_base(make_checkpoint, recordings):
    """The paper's architecture in the files of the public repository, with random weights."""
    checkpoint = make_checkpoint("wav2vec2 for pre-training", **encoders.BASE)
    expected_of = pd.concat([recordings.nsmallest(2, "duration"), recordings.nlargest(2, "duration")])
    expected = one_by_one(checkpoint, expected_of)
    encoders.as_public(Path(checkpoint["path"]))
    model, extractor = embeddings.load(checkpoint, "cpu")
    # The public checkpoint's 94 371 712, less the 128 magnitudes that are merged into the position's kernel.
    assert sum(parameter.numel() for parameter in model.parameters()) == 94_371_584
    embedded = embed(model, extractor, expected_of, threads=2)
    assert embedded.shape == (4, 13, 768)
    np.testing.assert_allclose(embedded, expected, atol=1e-4)
