"""The gradient of one step: micro batches one after another, or side by side in threads, then shared and clipped.

Several threads with a core each are faster than one pass on several cores, whose small pieces wait for each other.
The sum is taken in the order of the micro batches, so the gradient does not depend on the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from multum.training.precision import autocast
from multum.training.processes import Processes, gather_tensor
from multum.training.settings import Settings
from multum.training.task import Task


class Gradients:
    """Sets the gradients of a module, step by step; made for one run, closed at its end."""

    def __init__(self, task: Task, module: nn.Module, processes: Processes, settings: Settings) -> None:
        """module: wrapped by `processes`. With several workers on a CPU each operation gets its share of the cores."""
        self._task, self._module, self._processes, self._settings = task, module, processes, settings
        self._cores = torch.get_num_threads()
        self._pool: ThreadPoolExecutor | None = None
        if settings.workers > 1 and processes.count == 1 and processes.device.type == "cpu":
            self._pool = ThreadPoolExecutor(settings.workers, "multum-micro-batch")
            torch.set_num_threads(max(1, self._cores // settings.workers))

    def close(self) -> None:
        """End the threads and give operations their cores back."""
        if self._pool is not None:
            self._pool.shutdown()
            torch.set_num_threads(self._cores)

    def compute(self, step: int, precision: str) -> tuple[float, int, float]:
        """Set the gradients of the mean nats a unit over all processes, clipped.

        Returns (nats and units of this process, the gradients' norm before the clip).
        """
        if self._pool is None:
            nats, units = self._accumulate(step, precision)
        else:
            nats, units = self._accumulate_side_by_side(step, precision, self._pool)
        # Processes' gradients are averaged, not summed, so their number comes back in.
        factor = self._task.units_per_batch() * self._processes.count / self._processes.sum_number(units)
        torch._foreach_mul_([p.grad for p in self._module.parameters() if p.grad is not None], factor)
        norm = nn.utils.clip_grad_norm_(self._module.parameters(), self._settings.clip)
        return nats, units, float(gather_tensor(norm))

    def forward(self, step: int, micro: int, precision: str) -> tuple[Tensor, int]:
        """Return (sum of nats, units) of a micro batch; what it draws at random depends on its number alone."""
        rank, count = self._processes.rank, self._processes.count
        torch.manual_seed(hash((self._settings.seed, step, micro * count + rank)))
        batch = _move(self._task.batch(step, micro, rank, count), self._processes.device)
        with autocast(self._processes.device, precision):
            return self._task.loss(self._module, batch)

    def _accumulate(self, step: int, precision: str) -> tuple[float, int]:
        """Run the micro batches forward and backward; return (nats, units)."""
        nats, units = 0.0, 0
        for micro in range(self._settings.accumulation):
            last = micro == self._settings.accumulation - 1
            with self._processes.hold_gradients(self._module, last):
                loss, count = self.forward(step, micro, precision)
                # Divided here for the range of bfloat16 gradients, by the exact units in `compute`.
                (loss / self._task.units_per_batch()).backward()
            nats += float(loss.detach())
            units += count
        return nats, units

    def _accumulate_side_by_side(self, step: int, precision: str, pool: ThreadPoolExecutor) -> tuple[float, int]:
        parameters = [parameter for parameter in self._module.parameters() if parameter.requires_grad]

        def work(micro: int) -> tuple[float, int, tuple[Tensor, ...]]:
            loss, units = self.forward(step, micro, precision)
            gradients = torch.autograd.grad(loss / self._task.units_per_batch(), parameters)
            return float(loss.detach()), units, gradients

        results = list(pool.map(work, range(self._settings.accumulation)))
        total = results[0][2]
        for _, _, gradients in results[1:]:
            torch._foreach_add_(total, gradients)
        for parameter, gradient in zip(parameters, total, strict=True):
            parameter.grad = gradient
        return sum(nats for nats, _, _ in results), sum(units for _, units, _ in results)


def _move(batch: Any, device: torch.device) -> Any:
    """Return a batch of tensors, in tuples, lists or dicts, on `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: _move(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)(_move(value, device) for value in batch)
    return batch
