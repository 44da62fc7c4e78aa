"""`reward` under `accelerate launch` with FSDP on the CPU, for the tests: accelerate shards on accelerators only.

`AcceleratorState.__init__` (accelerate 1.15, state.py) makes FSDP of the distributed types MULTI_GPU, MULTI_XPU and so
on, and MULTI_CPU is not among them: whatever the configuration says, processes on the CPU get plain copies. Everything
behind that line (wrapping, gradients, gathering the weights) works on the CPU with gloo, so that line is added here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

from reward.__main__ import main as command


def shard_on_cpu() -> None:
    """Let accelerate take FSDP for what it is on the CPU, too, where the launcher asked for it."""
    plain = AcceleratorState.__init__

    def init(
        self: AcceleratorState, *args: Any, fsdp_plugin: FullyShardedDataParallelPlugin | None = None, **more: Any
    ) -> None:
        plain(self, *args, fsdp_plugin=fsdp_plugin, **more)
        if fsdp_plugin is not None and self.distributed_type is DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.FSDP
            self.fsdp_plugin = fsdp_plugin
            PartialState._shared_state["distributed_type"] = DistributedType.FSDP

    AcceleratorState.__init__ = init


def main(arguments: Sequence[str]) -> int:
    """A command of `reward`, sharded."""
    assert os.environ["ACCELERATE_USE_FSDP"] == "true", "the launch file asks for FSDP"
    shard_on_cpu()
    return command(arguments)
