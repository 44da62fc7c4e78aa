"""One of two processes: the trainer's loss through FSDP, on shared prefixes, beside the loss of the whole model."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from reward.trainer import PreferenceTrainer
from tests.reward.test_prefix import LABELS, PAIRS
from tests.reward.test_trainer import make, sharing


def main(directory: Path, out: Path) -> int:
    """Print the largest differences of loss and gradient, relative to the largest gradient, and its own share."""
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    _compare(directory, out)
    dist.destroy_process_group()
    return 0


def _compare(directory: Path, out: Path) -> None:
    rows = [{**pair, **label} for pair, label in zip(PAIRS, LABELS, strict=True)]
    whole = sharing(make(PreferenceTrainer, directory, rows, out))
    whole.accelerator.gather = lambda tensor: tensor  # metrics of this process alone
    whole.accelerator.gather_for_metrics = lambda tensor: tensor
    expected = whole.compute_loss(whole.model, whole.data_collator(rows))
    expected.backward()

    sharded = sharing(make(PreferenceTrainer, directory, rows, out)).model
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    for layer in sharded.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(sharded, mesh=mesh)
    loss = whole.compute_loss(sharded, whole.data_collator(rows))
    loss.backward()

    largest, difference = 0.0, 0.0
    for one, other in zip(whole.model.parameters(), sharded.parameters(), strict=True):
        if one.grad is not None:
            largest = max(largest, one.grad.abs().max().item())
            difference = max(difference, (one.grad - other.grad.full_tensor()).abs().max().item())
    local = sum(p.to_local().numel() for p in sharded.parameters())
    if dist.get_rank() == 0:
        total = sum(p.numel() for p in whole.model.parameters())
        print(abs(loss.item() - expected.item()), difference / largest, local / total)
