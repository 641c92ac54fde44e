"""Speech is told from silence as the network's authors mean it, and becomes utterances."""

import importlib.metadata

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emofuse.audio import RATE
from emofuse.demo import voices
from emofuse.model import activity
from emofuse.model.activity import FRAME, Frames

KINDS = ("weight", "bias")
SENTENCES = ("I can not find the letter in the garden today", "We can meet at the station tomorrow")


@pytest.fixture(scope="module")
def conversation():
    """Two sentences with a second of noise before, between and after, and where each begins and ends, in seconds."""
    pause = np.zeros(RATE, np.float32)
    first, second = (voices.utter(text, "m1", (0, 0, 0, 0), RATE) for text in SENTENCES)
    samples = np.concatenate([pause, first, pause, second, pause]).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 1e-3, len(samples)).astype(np.float32)
    edges = np.cumsum([RATE, len(first), RATE, len(second)]) / RATE
    return samples + noise, edges.reshape(2, 2)


def test_two_sentences_are_two_utterances(conversation):
    samples, edges = conversation
    found = activity.utterances(activity.listen([samples]), longest=30)
    # A tenth of a second of margin, and some frames of 32 ms for soft onsets and ends.
    np.testing.assert_allclose(np.array(found), edges, atol=0.25)


def test_what_is_heard_does_not_depend_on_the_blocks(conversation):
    samples, _ = conversation
    whole = activity.listen([samples])
    pieces = activity.listen(iter(np.split(samples, [1, 700, 701, 40_000])))
    assert whole.seconds == pieces.seconds == len(samples) / RATE
    np.testing.assert_allclose(whole.speech, pieces.speech, atol=1e-5)
    np.testing.assert_allclose(whole.level, pieces.level, atol=1e-7)


def test_nothing_is_heard_in_nothing():
    for samples in (np.zeros(0, np.float32), np.zeros(1, np.float32), np.zeros(RATE, np.float32)):
        heard = activity.listen([samples])
        assert len(heard.speech) == len(heard.level) == -(-len(samples) // FRAME)
        assert activity.utterances(heard, longest=30) == []
    assert activity.listen([]).seconds == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_network_is_that_of_its_authors(conversation):
    """With the weights of their TorchScript file it says what that says."""
    package = importlib.metadata.distribution("silero-vad")
    theirs = torch.jit.load(str(package.locate_file("silero_vad/data/silero_vad.jit")))
    names = {
        "stft.forward_basis_buffer": "stft_conv.weight",
        **{f"encoder.{layer}.reparam_conv.{kind}": f"conv{layer + 1}.{kind}" for layer in range(4) for kind in KINDS},
        **{f"decoder.rnn.{kind}_{side}": f"lstm.{kind}_{side}_l0" for kind in KINDS for side in ("ih", "hh")},
        **{f"decoder.decoder.2.{kind}": f"final_conv.{kind}" for kind in KINDS},
    }
    weights = theirs._model.state_dict()
    ours = activity.Network()
    ours.load_state_dict({name: weights[their] for their, name in names.items()})
    samples = conversation[0][: 60 * FRAME]
    padded = np.pad(samples, (activity.CONTEXT, 0))
    frames = np.lib.stride_tricks.sliding_window_view(padded, activity.CONTEXT + FRAME)[::FRAME]
    with torch.inference_mode():
        said, _ = ours(torch.tensor(frames), None)
        expected = [theirs(torch.tensor(frame), RATE).item() for frame in samples.reshape(-1, FRAME)]
    assert max(expected) > 0.9
    np.testing.assert_allclose(said.numpy(), expected, atol=1e-5)


def frames(*runs):
    """What is heard in runs of (seconds, probability of speech)."""
    speech = np.concatenate([np.full(round(seconds * RATE / FRAME), value, np.float32) for seconds, value in runs])
    return Frames(speech, np.ones_like(speech), len(speech) * FRAME / RATE)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(1, 0), (2, 1), (1, 0)], [(0.9, 3.1)]),
        ([(1, 0), (2, 1), (0.4, 0), (1, 1), (1, 0)], [(0.9, 4.46)]),  # a stop
        ([(1, 0), (2, 1), (0.6, 0), (1, 1), (1, 0)], [(0.9, 3.1), (3.5, 4.7)]),  # a pause
        ([(1, 0), (0.2, 1), (1, 0)], []),  # a click
        ([(1, 0), (2, 0.45), (1, 0)], []),  # not quite speech, and none goes before it
        ([(1, 0), (2, 1), (1, 0.45), (1, 0)], [(0.9, 4.1)]),  # goes on, as it did
        ([(2, 1)], [(0, 2)]),
    ],
)
def test_speech_becomes_utterances(runs, expected):
    found = activity.utterances(frames(*runs), longest=30)
    np.testing.assert_allclose(np.reshape(found, (-1, 2)), np.reshape(expected, (-1, 2)), atol=0.05)


def test_a_long_utterance_is_cut_where_it_is_quietest():
    heard = frames((40, 1))
    heard.level[500] = 0.5
    assert [part.end for part in activity.utterances(heard, longest=30)] == [500 * FRAME / RATE, heard.seconds]


@given(st.lists(st.floats(0, 1, width=32), max_size=400), st.integers(2, 8), st.data())
def test_utterances_are_in_order_apart_and_short_enough(speech, longest, data):
    level = data.draw(st.lists(st.floats(0, 1, width=32), min_size=len(speech), max_size=len(speech)))
    heard = Frames(np.float32(speech), np.float32(level), max(len(speech) * FRAME - 100, 0) / RATE)
    edges = np.ravel(activity.utterances(heard, longest))
    assert (np.diff(edges) >= 0).all()
    assert (np.diff(edges)[::2] > 0).all()
    assert (np.diff(edges)[::2] <= longest).all()
    assert len(edges) == 0 or (edges[0] >= 0 and edges[-1] <= heard.seconds)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.integers(1, 50))
def test_cuts_leave_nothing_out(level, most):
    parts = activity.cut(level, 0, len(level), most)
    assert [frame for first, last in parts for frame in range(first, last)] == list(range(len(level)))
    assert all(0 < last - first <= most for first, last in parts)
