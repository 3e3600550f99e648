"""How much a network's loss minds an error in each of its weights, measured on data.

For errors E of a matrix [outputs, inputs] the loss rises by about 1/2 sum_r rows[r] * E[r] @ columns @ E[r] nats a
prediction. That is the Fisher information of the network's own predictions in the form of a Kronecker product, with
the gradients of different outputs taken as independent.
Source: Martens and Grosse, "Optimizing Neural Networks with Kronecker-factored Approximate Curvature" (2015), section
3. Inputs that count by the energy of the gradient behind them did worse on text: docs/LOG.md.
Invariant: sums are taken batch by batch, in the order of the batches.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from multum.errors import FormatError, UsageError
from multum.quantization.memory import give_back_memory
from multum.quantization.patches import list_patches
from multum.quantization.weights import CONVOLUTION, EMBEDDING, Use, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

Batch = dict[str, Tensor]
# Positions whose predictions are looked at together: of a large vocabulary they are what takes memory.
_AT_ONCE = 64
# Share of the weight that all rows have alike: outputs, or tokens, that the data did not call for matter elsewhere.
_EVEN = 0.1


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What errors of a matrix cost.

    rows: float64[outputs], adding up to 1. columns: float32[inputs, inputs], measured at so many positions.
    """

    rows: Tensor
    columns: Tensor
    positions: int


@dataclass(eq=False)
class _Sums:
    """Sums over the positions where a matrix was used.

    rows: float64[outputs], of squared gradients, or how often each word of a table was read. columns: float32[inputs,
    inputs], of products of what it read, or of the gradients of a table's words. energy: of all gradients; 1 where
    they are in columns already. weight: by which columns are divided to be a mean.
    """

    rows: Tensor
    columns: Tensor
    positions: int = 0
    energy: float = 0.0
    weight: float = 0.0

    def divide(self, predictions: int) -> Sensitivity | None:
        """Return the sensitivity, None where no gradient came."""
        if not self.energy > 0:
            return None
        rows = (1 - _EVEN) * self.rows / self.rows.sum() + _EVEN / len(self.rows)
        # in place: all columns of a network are as large as its weights
        return Sensitivity(rows, self.columns.mul_(self.energy / predictions / self.weight), self.positions)


class _Gauge:
    """Sums over the uses of some weights while the network runs forth and back."""

    def __init__(self, weights: Sequence[Weight]) -> None:
        self.uses = [(weight, use) for weight in weights for use in weight.uses]
        self.sums = {use.name: _make_sums(weight) for weight, use in self.uses}
        self.head: str | None = None
        self.predictions = 0
        self._outputs: dict[str, tuple[int, Any]] = {}
        # what was read last, its products, and at how many positions
        self._read: tuple[Tensor, Tensor, int] | None = None

    def watch(self, use: Use, _module: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Tensor) -> Tensor:
        """Add what a use reads, and ask for the gradient of what it makes."""
        read = next(iter((*inputs, *named.values())))
        if use.kind != EMBEDDING:
            self._add_read(use, read)
        # a copy, because what follows may change its input in place, which cuts views off from their gradients
        output = (output if output.requires_grad else output.detach().requires_grad_()).clone()
        self._outputs[use.name] = (output.data_ptr(), output.shape)
        output.register_hook(partial(self._take, use, read if use.kind == EMBEDDING else None))
        return output

    def _add_read(self, use: Use, read: Tensor) -> None:
        """Add the products of what a use read, which are those of the use before when it read the same."""
        if self._read is None or self._read[0] is not read or use.kind == CONVOLUTION:
            plain = read.detach().float()
            flat = list_patches(use.module, plain) if use.kind == CONVOLUTION else plain.reshape(-1, plain.shape[-1])
            self._read = (read, flat.T @ flat, len(flat))
        sums = self.sums[use.name]
        sums.columns += self._read[1]
        sums.positions += self._read[2]
        sums.weight = sums.positions

    def _take(self, use: Use, words: Tensor | None, gradient: Tensor) -> None:
        """Add the gradient of what a use made; words: that it read, of a table."""
        if use.name == self.head:
            return
        sums = self.sums[use.name]
        gradient = gradient.float()
        if words is not None:
            flat = gradient.reshape(-1, gradient.shape[-1])
            sums.rows += torch.bincount(words.reshape(-1), minlength=len(sums.rows))
            sums.columns.addmm_(flat.T, flat)
            sums.positions += len(flat)
            sums.weight = sums.energy = 1.0
            return
        outputs = gradient.ndim - 1 - (len(use.module.kernel_size) if use.kind == CONVOLUTION else 0)
        squares = gradient.square().movedim(outputs, -1).reshape(-1, gradient.shape[outputs]).sum(0).double()
        sums.rows += squares
        sums.energy += float(squares.sum())

    def find_head(self, logits: Tensor) -> None:
        """Find the use whose output is what the network predicts with; forget what was read last."""
        self._read = None
        seen = (logits.data_ptr(), logits.shape)
        self.head = next((name for name, output in self._outputs.items() if output == seen), None)

    def add_head(self, chances: Tensor) -> None:
        """Add the gradients of the last layer, which are known without sampling. chances: float32[positions, classes].

        The Fisher information of a softmax is diag(p) - p p^T.
        """
        assert self.head is not None, "the head is known"
        spread = (chances * (1 - chances)).sum(0).double()
        sums = self.sums[self.head]
        sums.rows += spread
        sums.energy += float(spread.sum())


def _make_sums(weight: Weight) -> _Sums:
    rows, columns = weight.shape[::-1] if weight.transposed else weight.shape
    return _Sums(torch.zeros(rows, dtype=torch.float64), torch.zeros(columns, columns))


def measure_sensitivities(
    module: "nn.Module",
    weights: Sequence[Weight],
    batches: Iterable[Batch],
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Sensitivity]:
    """Return the sensitivities of `weights` by name; those that no gradient reaches are missing.

    batches: keyword arguments of `module`, each. seed: draws the labels, from the network's own predictions.
    progress: called with the number of batches that are done.
    Memory: 4 bytes times the square of each matrix's inputs, and one batch forth and back.
    Raises UsageError for batches that the network does not take, FormatError for predictions that are not finite.
    """
    gauge = _Gauge(weights)
    with _watched(module, gauge):
        for number, batch in enumerate(batches):
            _run(module, gauge, batch, torch.Generator().manual_seed(seed + number))
            give_back_memory()
            if progress is not None:
                progress(number + 1)
    return {weight.name: found for weight in weights if (found := _join(weight, gauge)) is not None}


@contextmanager
def _watched(module: "nn.Module", gauge: _Gauge) -> "Iterator[None]":
    """Have the gauge watch the network, whose own parameters need no gradients meanwhile."""
    needed = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    training = module.training
    handles = [use.module.register_forward_hook(partial(gauge.watch, use), with_kwargs=True) for _, use in gauge.uses]
    try:
        module.eval().requires_grad_(False)
        with torch.enable_grad():
            yield
    finally:
        for handle in handles:
            handle.remove()
        for parameter, need in needed:
            parameter.requires_grad_(need)
        module.train(training)


def _run(module: "nn.Module", gauge: _Gauge, batch: Batch, generator: torch.Generator) -> None:
    """Run one batch forth, and back from labels drawn from its predictions."""
    arguments = {name: value for name, value in batch.items() if name != "labels"}
    try:
        result = module(**arguments)
    except (TypeError, RuntimeError, ValueError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"the model does not take the calibration data ({reason}); give what it was made for"
        ) from error
    logits = result if isinstance(result, Tensor) else getattr(result, "logits", None)
    if logits is None:
        logits = result[0]
    if not torch.isfinite(logits).all():
        raise FormatError("the model predicts values that are not finite; its weights are damaged")
    gauge.find_head(logits)
    # maps have their classes in front of places, as cross-entropy reads them; all else behind positions
    classes = 1 if logits.ndim > 3 else logits.ndim - 1
    ordered = logits.movedim(classes, -1)
    flat = ordered.detach().reshape(-1, ordered.shape[-1]).float()
    gauge.predictions += len(flat)
    if hasattr(result, "logits") or isinstance(result, Tensor):
        gradient = torch.empty_like(flat)
        for some, part in zip(flat.split(_AT_ONCE), gradient.split(_AT_ONCE), strict=True):
            part.copy_(_draw_gradient(gauge, some, generator))
    else:
        gradient = torch.randn(flat.shape, generator=generator)  # features: errors of any direction are alike
        gauge.head = None
    if logits.requires_grad:
        ordered.backward(gradient.reshape(ordered.shape).to(logits.dtype))


def _draw_gradient(gauge: _Gauge, logits: Tensor, generator: torch.Generator) -> Tensor:
    """Return the gradient of some logits, [positions, classes], for labels drawn from them; add the head's share."""
    chances = torch.softmax(logits, -1)
    if gauge.head is not None:
        gauge.add_head(chances)
    labels = torch.multinomial(chances, 1, generator=generator)
    return chances.scatter_add_(1, labels, torch.full(labels.shape, -1.0))


def _join(weight: Weight, gauge: _Gauge) -> Sensitivity | None:
    """Return the sensitivity of a matrix over all its uses.

    Tokens that a tied network expects stand for those it reads: the rows are then the head's.
    """
    parts = []
    for use in weight.uses:
        found = gauge.sums[use.name].divide(gauge.predictions)
        if found is not None:
            parts.append((use.name, found))
    if not parts:
        return None
    shares = [float(found.columns.diagonal().sum()) for _, found in parts]
    columns = parts[0][1].columns
    for _, found in parts[1:]:
        columns += found.columns
    positions = min(found.positions for _, found in parts)
    heads = [found.rows for name, found in parts if name == gauge.head]
    if heads:
        return Sensitivity(heads[0], columns, positions)
    rows = torch.stack([share * found.rows for share, (_, found) in zip(shares, parts, strict=True)]).sum(0)
    return Sensitivity(rows / sum(shares), columns, positions)
