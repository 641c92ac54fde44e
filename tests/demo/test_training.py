import pytest
import torch
from torch import nn

from emofuse.demo import training


def descended(**options):
    """A weight that starts at 0 after 60 steps, each with a batch of rows; the loss is least at the mean row, 4.5."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(1))
    batches = []

    def loss(batch):
        batches.append(batch)
        return ((weight - torch.tensor(batch, dtype=torch.float32)) ** 2).mean()

    training.descend([weight], loss, 10, 60, batch_size=4, rate=0.3, name="mean", **options)
    return weight.item(), batches


def test_the_loss_falls():
    weight, _ = descended()
    assert weight == pytest.approx(4.5, abs=1)


def test_an_epoch_has_each_row_at_most_once_and_full_batches_alone():
    _, batches = descended()
    assert len(batches) == 60
    for first, second in zip(batches[::2], batches[1::2], strict=True):
        assert len(first) == len(second) == 4
        assert len(set(first + second)) == 8


def test_the_options_reach_the_training():
    usual, _ = descended()
    for options in ({"warm_up": 0.5}, {"decays": (0.5, 0.9)}, {"longest_gradient": 0.1}):
        assert descended(**options)[0] != usual
