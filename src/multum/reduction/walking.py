"""One run of a network that changes each weight just before it multiplies.

What a layer reads is then what the layers before it, changed already, make of the data: each can make good what they
lost, and the data pass through the network once.
Source: Frantar and Alistarh, "SparseGPT" (2023), section 4: layers are pruned one after another.
Invariant: all batches run as one, so that a weight has seen all data when it changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from multum.errors import UsageError
from multum.quantization.patches import list_patches
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import CONVOLUTION, Use, Weight

if TYPE_CHECKING:
    from torch import nn

_AT_ONCE = 4096  # positions whose products are summed together
_MASK = "attention_mask"


@dataclass(frozen=True, eq=False)
class Moments:
    """What a layer reads. columns: float64[inputs, inputs], mean products, over so many positions."""

    columns: Tensor
    positions: int


Visit = Callable[[Weight, Moments], None]


class _Arrived(Exception):
    """All weights were visited; what follows need not run."""


class _Walk:
    """Visits weights as the run reaches them; layers that read the same share their moments."""

    def __init__(self, weights: Sequence[Weight], visit: Visit) -> None:
        self._waiting = {weight.name for weight in weights}
        self._visit = visit
        self.visiting = False
        self._read: tuple[Tensor, Moments] | None = None

    def arrive(self, weight: Weight, use: Use, _module: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Visit the weight before its first use; end the run behind the last one."""
        if not self._waiting:
            raise _Arrived
        if weight.name in self._waiting:
            read = next(iter((*inputs, *named.values())))
            if self._read is None or self._read[0] is not read or use.kind == CONVOLUTION:
                self._read = (read, measure_moments(use, read))
            if len(self._read[1].columns) != _count_inputs(weight):
                return  # the layer itself will say what is wrong
            self._waiting.remove(weight.name)
            self.visiting = True
            self._visit(weight, self._read[1])
            self.visiting = False

    def leave(self, *_: Any) -> None:
        """End the run when nothing waits."""
        if not self._waiting:
            raise _Arrived

    @property
    def waiting(self) -> frozenset[str]:
        """The weights that the run did not reach."""
        return frozenset(self._waiting)


def walk(module: "nn.Module", weights: Sequence[Weight], batches: Sequence[Batch], visit: Visit) -> frozenset[str]:
    """Run `module` on the batches, calling `visit` for each weight before it multiplies; it may change the weight.

    Return the names of those that the run did not reach. batches: named arguments of `module`.
    Memory: what the network needs for all batches at once, and of one layer the products of what it reads.
    Raises UsageError for batches that the network does not take, or that cannot be joined.
    """
    steps = _Walk(weights, visit)
    with _watched(module, weights, steps), torch.inference_mode():
        try:
            module(**join_batches(batches))
        except _Arrived:
            pass
        except (TypeError, RuntimeError, ValueError, IndexError) as error:
            if steps.visiting:
                raise  # not the network's
            reason = str(error).partition("\n")[0]
            raise UsageError(
                f"the model does not take the calibration data ({reason}); give what it was made for"
            ) from error
    return steps.waiting


@contextmanager
def _watched(module: "nn.Module", weights: Sequence[Weight], steps: _Walk) -> Iterator[None]:
    """Have each use of the weights tell when it is reached."""
    training = module.training
    module.eval()
    handles = []
    for weight in weights:
        for use in weight.uses:
            arrive = partial(steps.arrive, weight, use)
            handles.append(use.module.register_forward_pre_hook(arrive, with_kwargs=True))
            handles.append(use.module.register_forward_hook(steps.leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        module.train(training)


def _count_inputs(weight: Weight) -> int:
    return weight.shape[0] if weight.transposed else weight.shape[1]


def measure_moments(use: Use, read: Tensor) -> Moments:
    """Return the moments of what a use reads. read: float[..., inputs]; what a convolution reads, whole."""
    columns: Tensor | None = None
    positions = 0
    for part in _list_rows(use, read):
        products = (part.T @ part).double()
        columns = products if columns is None else columns.add_(products)
        positions += len(part)
    assert columns is not None, "a layer that runs reads something"
    return Moments(columns / max(positions, 1), positions)


def _list_rows(use: Use, read: Tensor) -> Iterator[Tensor]:
    """Yield float32[positions, inputs], part by part."""
    if use.kind == CONVOLUTION:
        yield from (list_patches(use.module, some.float()) for some in read.split(64))
    else:
        yield from (some.float() for some in read.reshape(-1, read.shape[-1]).split(_AT_ONCE))


def join_batches(batches: Sequence[Batch]) -> Batch:
    """Return one batch of all: rows below each other, shorter ones filled up where an attention mask says so.

    Raises UsageError for batches of different shapes without a mask.
    """
    kept = [{name: value for name, value in batch.items() if name != "labels"} for batch in batches]
    names = set(kept[0])
    if any(set(batch) != names for batch in kept):
        raise UsageError("the batches do not all name the same arguments; give batches that do")
    return {name: _join([batch[name] for batch in kept], name, kept[0]) for name in kept[0]}


def _join(tensors: list[Tensor], name: str, batch: Mapping[str, Any]) -> Tensor:
    """Return the tensors of one argument as one."""
    if not all(isinstance(tensor, Tensor) and tensor.ndim for tensor in tensors):
        return tensors[0]  # a setting, such as a flag
    longest = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    if any(list(tensor.shape[1:]) != longest for tensor in tensors):
        if _MASK not in batch:
            raise UsageError(
                f"'{name}' has batches of different shapes; give them in one shape, or with an attention mask"
            )
        tensors = [_fill_up(tensor, longest) for tensor in tensors]
    return torch.cat(tensors)


def _fill_up(tensor: Tensor, longest: list[int]) -> Tensor:
    """Return `tensor` with zeros at the ends of its axes, which a mask that is 0 there hides."""
    wider = [[0, size - own] for own, size in zip(tensor.shape[1:], longest, strict=True)]
    return torch.nn.functional.pad(tensor, [side for pair in reversed(wider) for side in pair])
