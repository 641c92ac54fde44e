"""Voice activity: where in a long recording somebody speaks, and where its utterances begin and end.

The network is Silero VAD (https://github.com/snakers4/silero-vad, MIT licence) for 16 kHz. Its package ships weights as
safetensors, which are read here; they were trained apart from those in its other files, and say nearly the same.
The package's own interface is not used: it loads TorchScript, which holds pickles, takes a recording as a whole,
and when it is imported sets the number of torch's threads for the whole process.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from emofuse.audio import RATE, Samples

PACKAGE = "silero-vad"
"""The package that ships the weights."""

FRAME = 512
"""Samples per frame: 32 ms. The network says of each frame how probable speech is in it."""

CONTEXT = 64
"""Samples before a frame that the network hears with it."""

SPEECH = 0.5
"""Speech begins where its probability reaches this (the package's own default, as are the next two)."""

SILENCE = 0.35
"""Speech ends where its probability falls below this; what lies between the two goes on as it was."""

MIN_SPEECH = 0.25
"""Seconds; what is spoken in less is a click or a cough, and no utterance."""

PAUSE = 0.5
"""Seconds; a shorter silence is a breath or a stop within an utterance, a longer one ends it.

The package's own default, 0.1, cuts at the stops between words.
"""

MARGIN = 0.1
"""Seconds before and after an utterance that belong to it: soft onsets and ends, which the network hears late."""

Probabilities = npt.NDArray[np.float32]


class Utterance(NamedTuple):
    """A part of a recording in which somebody speaks.

    Attributes:
        start: seconds within the recording
        end: likewise, after ``start``
    """

    start: float
    end: float


class Frames(NamedTuple):
    """What was heard in each frame of a recording.

    Attributes:
        speech: (frames,) probabilities of speech
        level: (frames,) root mean squares, 0 where nothing sounds
        seconds: how long the recording is; its last frame may reach beyond that
    """

    speech: Probabilities
    level: Probabilities
    seconds: float


class Network(nn.Module):
    """Silero VAD for 16 kHz, frame by frame, as the package's ``tinygrad_model.py`` writes it down.

    Only the recurrent cell knows the frames before, so the rest takes all frames of a block at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1 = nn.Conv1d(129, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm = nn.LSTM(128, 128)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, frames: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The probability of speech in each frame.

        Args:
            frames: (frames, ``CONTEXT + FRAME``) samples, each with the context before it
            state: of the recurrent cell after the frame before these; ``None`` at the start of a recording

        Returns:
            (frames,) probabilities, and the state after them
        """
        waves = self.stft_conv(functional.pad(frames, (0, 64), mode="reflect").unsqueeze(1))
        real, imaginary = waves.chunk(2, dim=1)  # (frames, 129, 4)
        features = (real**2 + imaginary**2).sqrt()
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            features = layer(features).relu()  # (frames, 128, 1) in the end
        heard, state = self.lstm(features.squeeze(-1), state)
        return self.final_conv(heard.relu().unsqueeze(-1)).sigmoid().flatten(), state


@functools.cache
def network() -> Network:
    """The network with its weights, loaded once."""
    package = importlib.metadata.distribution(PACKAGE)
    weights = load_file(Path(str(package.locate_file("silero_vad/data/silero_vad_16k.safetensors"))))
    # The same recurrent cell, which torch runs over many frames at once under another name.
    model = Network()
    model.load_state_dict(
        {f"lstm.{name.removeprefix('lstm_cell.')}_l0" if "lstm" in name else name: weights[name] for name in weights}
    )
    return model.eval().requires_grad_(False)


@torch.inference_mode()
def listen(blocks: Iterable[Samples]) -> Frames:
    """Listen to a recording, block by block; a block is all of it that is in memory.

    Args:
        blocks: (samples,) each, at 16 kHz, of any lengths; what is heard does not depend on where they are cut

    Returns:
        what was heard in each frame, the last filled up with zeros
    """
    model, state = network(), None
    speech: list[Probabilities] = []
    level: list[Probabilities] = []
    context, rest, count = np.zeros(CONTEXT, np.float32), np.zeros(0, np.float32), 0

    def hear(samples: Samples) -> None:
        nonlocal context, state
        heard = np.concatenate([context, samples])
        frames = np.lib.stride_tricks.sliding_window_view(heard, CONTEXT + FRAME)[::FRAME]
        probabilities, state = model(torch.from_numpy(frames.copy()), state)
        speech.append(probabilities.numpy())
        level.append(np.sqrt(np.mean(samples.reshape(-1, FRAME) ** 2, axis=1)))
        context = heard[-CONTEXT:]

    for block in blocks:
        count += len(block)
        samples = np.concatenate([rest, block])
        whole = len(samples) // FRAME * FRAME
        rest = samples[whole:]
        if whole:
            hear(samples[:whole])
    if len(rest):
        hear(np.pad(rest, (0, FRAME - len(rest))))
    nothing = np.zeros(0, np.float32)
    return Frames(np.concatenate([nothing, *speech]), np.concatenate([nothing, *level]), count / RATE)


def utterances(heard: Frames, longest: float) -> list[Utterance]:
    """Where the utterances of a recording begin and end.

    Speech belongs to one utterance as long as it pauses for less than :data:`PAUSE`. One that would last longer
    than ``longest`` is cut at its quietest moment, see :func:`cut`.

    Args:
        heard: as :func:`listen` returns it
        longest: the most that an utterance may last, in seconds

    Returns:
        in order; they do not overlap
    """
    second = RATE / FRAME  # in frames
    spoken: list[list[int]] = []
    for first, last in _runs(heard.speech):
        if spoken and first - spoken[-1][1] < PAUSE * second:
            spoken[-1][1] = last
        else:
            spoken.append([first, last])
    spoken = [[first, last] for first, last in spoken if last - first >= MIN_SPEECH * second]
    margin = round(MARGIN * second)  # twice this is less than a pause, so that utterances stay apart
    parts = [
        part
        for first, last in spoken
        for part in cut(
            heard.level, max(first - margin, 0), min(last + margin, len(heard.level)), int(longest * second)
        )
    ]
    return [Utterance(first / second, min(last / second, heard.seconds)) for first, last in parts]


def _runs(speech: Probabilities) -> list[tuple[int, int]]:
    """Frames of uninterrupted speech, from the first to the one after the last."""
    # A frame says that there is speech, that there is none, or neither; then the last that said something counts.
    says = np.select([speech >= SPEECH, speech < SILENCE], [1, 0], -1)
    last = np.maximum.accumulate(np.where(says >= 0, np.arange(len(says)), -1))
    is_speech = np.where(last >= 0, says[last], 0) if len(says) else says
    edges = np.flatnonzero(np.diff(is_speech, prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def cut(level: Sequence[float] | Probabilities, first: int, last: int, most: int) -> list[tuple[int, int]]:
    """Cut frames into parts of at most ``most``, each time at the quietest frame of the middle half.

    There no part becomes shorter than a quarter of what is cut.

    Args:
        level: (frames,) how loud each is
        first: the first frame
        last: the one after the last
        most: how many frames a part may have, at least 1

    Returns:
        (first, one after the last) of each part, in order, without gaps

    >>> cut([9, 9, 9, 1, 9, 9, 9, 9], 0, 8, most=5)
    [(0, 3), (3, 8)]
    """
    count = last - first
    if count <= most:
        return [(first, last)]
    low = first + max(count // 4, 1)
    high = max(last - count // 4, low + 1)
    middle = low + int(np.argmin(level[low:high]))
    return [*cut(level, first, middle, most), *cut(level, middle, last, most)]
