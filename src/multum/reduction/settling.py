"""Means that stay what they were while layers lose inputs.

Where a layer has a bias, that takes up by how much the mean of each of its outputs moved; the statistics of batch
normalisations move by as much as what they read. Both are seen on the same data before and after, so that few of them
do: what counts is the difference, not the statistics of a small sample.
Invariant: a layer settles when the run reaches it, so that all behind it read what it will make.
Source: Nagel and others, "Data-Free Quantization" (2019), section 4.2, for biases that correct means.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from multum.quantization.sensitivities import Batch
from multum.reduction.walking import join_batches


class _Statistics(NamedTuple):
    """Of each channel. float32[channels], both."""

    means: Tensor
    variances: Tensor

    @classmethod
    def measure(cls, values: Tensor, axis: int) -> "_Statistics":
        """Return those of float[..., channels at `axis`, ...]."""
        flat = values.movedim(axis, 0).flatten(1).float()  # [channels, positions]
        return cls(flat.mean(1), flat.var(1, correction=0))


class Settler:
    """Layers of a network that are to make on the mean what they made when it was measured.

    Each settles once, at its first use.
    """

    def __init__(self, module: nn.Module, readers: Iterable[str], batches: Sequence[Batch]) -> None:
        """Measure. readers: names of the layers that will lose inputs."""
        norms = {name: part for name, part in module.named_modules() if isinstance(part, _BatchNorm)}
        self._norms = {name: part for name, part in norms.items() if part.running_mean is not None}
        parts: dict[str, Any] = {name: module.get_submodule(name) for name in readers}
        self._biased = {name: part for name, part in parts.items() if part.bias is not None}
        self._before: dict[str, _Statistics] = {}
        self._module, self._batches = module, batches
        with self._hooked(self._note):
            self._run()

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Have layers settle when a run reaches them; those that none has reached settle at the end."""
        with self._hooked(self._settle):
            yield
            if self._before:
                self._run()

    def _run(self) -> None:
        training = self._module.training
        with torch.inference_mode():
            self._module.eval()(**join_batches(self._batches))
        self._module.train(training)

    @contextmanager
    def _hooked(self, see: Any) -> Iterator[None]:
        """Have `see` called with what normalisations read and layers with a bias make; it may return other values.

        Its arguments: name, layer, values, the axis of their channels.
        """
        handles = [
            part.register_forward_pre_hook(lambda layer, inputs, name=name: see(name, layer, inputs[0], 1))
            for name, part in self._norms.items()
        ]
        handles += [
            part.register_forward_hook(partial(self._see_output, see, name)) for name, part in self._biased.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @staticmethod
    def _see_output(see: Any, name: str, layer: Any, _inputs: Any, output: Tensor) -> Any:
        return see(name, layer, output, -1 if isinstance(layer, nn.Linear) else 1)

    def _note(self, name: str, _layer: Any, values: Tensor, axis: int) -> None:
        if name not in self._before:
            self._before[name] = _Statistics.measure(values, axis)

    def _settle(self, name: str, layer: Any, values: Tensor, axis: int) -> Tensor | None:
        before = self._before.pop(name, None)
        if before is None:
            return None
        after = _Statistics.measure(values, axis)
        shift = after.means - before.means
        if name in self._norms:
            layer.running_mean += shift
            layer.running_var *= torch.where(before.variances > 0, after.variances / before.variances, 1.0)
            return None
        layer.bias -= shift
        return values - shift.view([-1] + [1] * (values.ndim - 1 - axis % values.ndim))
