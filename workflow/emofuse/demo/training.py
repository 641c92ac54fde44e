"""The loop in which each of the demo's checkpoints is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import nn
from tqdm import trange


def descend(
    parameters: Iterable[nn.Parameter],
    loss: Callable[[list[int]], torch.Tensor],
    rows: int,
    steps: int,
    *,
    batch_size: int,
    rate: float,
    name: str,
    warm_up: float = 0.2,
    decays: tuple[float, float] = (0.9, 0.98),
    longest_gradient: float = math.inf,
) -> None:
    """Lower a loss: AdamW with a one-cycle schedule of the learning rate.

    Args:
        parameters: the weights to update
        loss: the loss on some rows of the training material, a scalar
        rows: how many rows there are, at least ``batch_size``
        steps: updates of the weights
        batch_size: rows per step
        rate: the highest learning rate
        name: of the checkpoint, for the progress bar
        warm_up: the share of the steps in which the learning rate rises
        decays: of AdamW's means of the gradient and of its square, from 0 to 1
        longest_gradient: a gradient is shortened to this norm
    """
    parameters = list(parameters)
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=decays)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=warm_up)
    batches = _batches(rows, batch_size)
    progress = trange(steps, desc=name, unit="step", mininterval=2)
    for _ in progress:
        loss_of_batch = loss(next(batches))
        optimizer.zero_grad()
        loss_of_batch.backward()
        nn.utils.clip_grad_norm_(parameters, longest_gradient)
        optimizer.step()
        schedule.step()
        progress.set_postfix(loss=f"{loss_of_batch.item():.2f}", refresh=False)


def _batches(rows: int, size: int) -> Iterator[list[int]]:
    """Batches of rows in random order, each row once per epoch; an epoch's last rows are left out if too few."""
    while True:
        yield from torch.randperm(rows)[: rows // size * size].view(-1, size).tolist()
