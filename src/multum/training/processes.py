"""The processes of a run, through accelerate: one, several with the same weights (DDP), or sharing them (FSDP).

Invariant: with W processes a step sums the same micro batches as one process with W times the accumulation.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from multum.errors import UsageError


def gather_tensor(tensor: Tensor) -> Tensor:
    """Return the whole of a tensor that may be divided among processes; all of them must call."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def scatter_like(whole: Tensor, like: Tensor) -> Tensor:
    """Return `whole` divided among processes as `like` is."""
    if not isinstance(like, DTensor):
        return whole
    return distribute_tensor(whole, like.device_mesh, like.placements)


class Processes:
    """What a run asks of the process it is in and of the others."""

    def __init__(self, device: str, sharded: bool) -> None:
        """device: "auto", or a kind of device. Raises UsageError when it is not there."""
        _check_device(device)
        plugin = (
            FullyShardedDataParallelPlugin(fsdp_version=2, auto_wrap_policy="transformer_based_wrap")
            if sharded
            else None
        )
        self._accelerator = Accelerator(cpu=device == "cpu", fsdp_plugin=plugin)
        self.sharded = sharded

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        device: torch.device = self._accelerator.device
        return device

    @property
    def rank(self) -> int:
        """The number of this process."""
        return int(self._accelerator.process_index)

    @property
    def count(self) -> int:
        """How many processes there are."""
        return int(self._accelerator.num_processes)

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and talks."""
        return bool(self._accelerator.is_main_process)

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return `module` on its device, wrapped so that gradients are shared."""
        wrapped = self._accelerator.prepare_model(module)
        assert isinstance(wrapped, nn.Module)
        return wrapped

    def unwrap(self, module: nn.Module) -> nn.Module:
        """Return the task's own module inside `module`."""
        inner = self._accelerator.unwrap_model(module)
        assert isinstance(inner, nn.Module)
        return inner

    def hold_gradients(self, module: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Return a context that shares no gradients before the last micro batch of a step."""
        if last or self.count == 1:
            return nullcontext()
        held: AbstractContextManager[Any] = self._accelerator.no_sync(module)
        return held

    def sum_number(self, number: int) -> int:
        """Return the sum of `number` over all processes."""
        if self.count == 1:
            return number
        total = torch.tensor([number], dtype=torch.int64, device=self.device)
        torch.distributed.all_reduce(total)
        return int(total.item())

    def follow_first(self, numbers: Sequence[float]) -> list[float]:
        """Return the first process's `numbers`, so that all decide alike."""
        if self.count == 1:
            return list(numbers)
        sent = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(sent, src=0)
        return [float(number) for number in sent.tolist()]

    def wait(self) -> None:
        """Return when every process has come here."""
        self._accelerator.wait_for_everyone()

    def close(self) -> None:
        """Let the others go."""
        self._accelerator.end_training()


def _check_device(device: str) -> None:
    """Raise UsageError for a device that this machine lacks."""
    kind = device.partition(":")[0]
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(kind, True):
        raise UsageError(f"device '{device}' is not on this machine; choose cpu, or auto for the best there is")
