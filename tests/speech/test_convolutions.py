"""The convolutions, window by window and many utterances at once, are those of transformers."""

import pytest
import torch
from transformers import AutoModel

from emofuse.speech import convolutions


@pytest.fixture(params=["wav2vec2", "hubert", "wavlm"])
def architecture(request):
    return request.param


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("window", [1, 7, 50, 1000])
def test_windows_change_nothing(make_checkpoint, architecture, norm, window):
    front = AutoModel.from_pretrained(make_checkpoint(architecture, norm)["path"]).eval().feature_extractor
    for seconds in (0.1, 1.0, 1.01, 3.3):
        # Not white and not centred, which is where the norm's mean and covariance matter.
        wave = torch.cumsum(torch.randn(int(seconds * 16_000), generator=torch.manual_seed(0)), 0) / 50
        with torch.inference_mode():
            expected = front(wave[None])[0].T
            windowed = convolutions.features(front, wave, window)
        torch.testing.assert_close(windowed, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("at_once", [1, 40_000, 1_000_000])
def test_padding_changes_nothing(make_checkpoint, architecture, norm, at_once, monkeypatch):
    monkeypatch.setattr(convolutions, "AT_ONCE", at_once)
    front = AutoModel.from_pretrained(make_checkpoint(architecture, norm)["path"]).eval().feature_extractor
    if norm == "group":
        torch.nn.init.normal_(front.conv_layers[0].layer_norm.weight)
        torch.nn.init.normal_(front.conv_layers[0].layer_norm.bias)
    random = torch.manual_seed(0)
    # Of one length, and of others; neither white nor centred.
    waves = [torch.cumsum(torch.randn(size, generator=random), 0) / 50 for size in (9_000, 20_000, 400, 9_000, 719)]
    with torch.inference_mode():
        together = convolutions.features_of_all(front, waves)
        for wave, features in zip(waves, together, strict=True):
            torch.testing.assert_close(features, front(wave[None])[0].T, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("samples", [400, 401, 719, 720])
def test_the_shortest_utterances(make_checkpoint, samples):
    """400 samples make the first frame, 320 more the next."""
    front = AutoModel.from_pretrained(make_checkpoint()["path"]).eval().feature_extractor
    wave = torch.randn(samples, generator=torch.manual_seed(0))
    with torch.inference_mode():
        assert len(convolutions.features(front, wave)) == 1 + (samples == 720)
        with pytest.raises(RuntimeError, match="size"):
            convolutions.features(front, wave[:399])


def test_norm_weights_that_training_has_changed(make_checkpoint):
    front = AutoModel.from_pretrained(make_checkpoint()["path"]).eval().feature_extractor
    torch.nn.init.normal_(front.conv_layers[0].layer_norm.weight)
    torch.nn.init.normal_(front.conv_layers[0].layer_norm.bias)
    wave = torch.randn(20_000, generator=torch.manual_seed(0)) + 1
    with torch.inference_mode():
        torch.testing.assert_close(convolutions.features(front, wave), front(wave[None])[0].T, atol=1e-5, rtol=1e-4)
