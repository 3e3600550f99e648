"""The processes of a run: one, several with the same weights (DDP), or several that share them (FSDP).

`torchrun` starts the processes and says so in the environment; accelerate, which sets them up, is asked only then.
Invariant: with W processes a step sums the same micro batches as one process with W times the accumulation.
"""

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from multum.errors import UsageError
from multum.neural.loading import pick_device


def count_processes() -> int:
    """Return how many processes `torchrun` started, this one among them; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Return whether this process is the one that writes and talks."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def limited_cores(threads: int) -> Iterator[None]:
    """Let torch use so many cores, 0 for as many as it likes."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def gather_tensor(tensor: Tensor) -> Tensor:
    """Return the whole of a tensor that may be divided among processes; all of them must call."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def scatter_like(whole: Tensor, like: Tensor) -> Tensor:
    """Return `whole` divided among processes as `like` is; all of them must call."""
    if not isinstance(like, DTensor):
        return whole
    return distribute_tensor(whole, like.device_mesh, like.placements)


class Processes:
    """What a run asks of the process it is in and of the others."""

    def __init__(self, device: str, sharded: bool) -> None:
        """device: "auto", or a device. sharded: divide weights among the processes. Raises UsageError."""
        self.sharded = sharded
        self._accelerator = _accelerate(device) if count_processes() > 1 else None
        if sharded and self._accelerator is None:
            raise UsageError("there is one process, and nobody to share weights with; start several by torchrun")
        self.device: torch.device = self._accelerator.device if self._accelerator else pick_device(device)
        self.rank = int(self._accelerator.process_index) if self._accelerator else 0
        self.count = int(self._accelerator.num_processes) if self._accelerator else 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return `module` on its device, wrapped so that processes share gradients."""
        if self._accelerator is None:
            return module.to(self.device)
        wrapped = _shard(module.to(self.device)) if self.sharded else self._accelerator.prepare_model(module)
        assert isinstance(wrapped, nn.Module)
        return wrapped

    def unwrap(self, module: nn.Module) -> nn.Module:
        """Return the task's own module inside `module`."""
        inner = module if self._accelerator is None else self._accelerator.unwrap_model(module)
        assert isinstance(inner, nn.Module)
        return inner

    def hold_gradients(self, module: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Return a context that shares no gradients before the last micro batch of a step."""
        if isinstance(module, FSDPModule):
            module.set_requires_gradient_sync(last)
        if last or self._accelerator is None or self.sharded:
            return nullcontext()
        held: AbstractContextManager[Any] = self._accelerator.no_sync(module)
        return held

    def sum_number(self, number: int) -> int:
        """Return the sum of `number` over all processes."""
        if self._accelerator is None:
            return number
        total = torch.tensor([number], dtype=torch.int64, device=self.device)
        torch.distributed.all_reduce(total)
        return int(total.item())

    def follow_first(self, numbers: Sequence[float]) -> list[float]:
        """Return the first process's `numbers`, so that all decide alike."""
        if self._accelerator is None:
            return list(numbers)
        sent = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(sent, src=0)
        return [float(number) for number in sent.tolist()]

    def wait(self) -> None:
        """Return when every process has come here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()


def _accelerate(device: str) -> Any:
    """Return the Accelerator of this process among several."""
    from accelerate import Accelerator

    atexit.register(_leave)
    return Accelerator(cpu=device == "cpu")


def _shard(module: nn.Module) -> nn.Module:
    """Divide every layer of `module`, and then what is around them; a layer is whole only while it is used.

    accelerate would do it on GPUs alone; on CPUs it ignores the wish.
    """
    for part in module.modules():
        if isinstance(part, nn.ModuleList):
            for layer in part:
                fully_shard(layer)
    fully_shard(module)
    return module


def _leave() -> None:
    """Take leave of the other processes, or torch warns at the end."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
