"""Zeros in a matrix whose errors the weights that stay make good.

Columns are gone through one after another; what a weight that goes leaves behind is taken over by the columns after
it, as far as inputs move together. Then, with what stays known, its best values are looked for in all columns at once.
Sources: Hassibi and Stork, "Optimal Brain Surgeon" (1992); Frantar and Alistarh, "SparseGPT" (2023), section 3; Meng
and others, "ALPS" (2024), section 3.3, for conjugate gradients under a mask.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from multum.quantization.feedback import factorise, shrink_towards_diagonal
from multum.reduction.walking import Moments

# Columns whose mask is chosen together.
_BLOCK = 128
_ROUNDS = 12
# Added to second moments, in shares of their mean.
_DAMPING = 0.003


@dataclass(frozen=True, eq=False)
class Costs:
    """What errors of the columns of a matrix cost, and what later ones make good, in the order of going through.

    order: int64[C]. moments: float32[C, C], of what the columns read. feedback: float32[C, C], unit upper triangular.
    columns: float32[C], the cost of an error of 1 once later columns have made good what they can.
    """

    order: Tensor
    moments: Tensor
    feedback: Tensor
    columns: Tensor


def prepare_costs(moments: Moments, natural: bool) -> Costs:
    """Return the costs of a layer that reads so. natural: columns stay in their order, else the dearest come first."""
    cost = shrink_towards_diagonal(moments.columns, moments.positions)
    size = len(cost)
    order = torch.arange(size) if natural else torch.argsort(cost.diagonal(), descending=True, stable=True)
    cost = cost[order][:, order]
    factor, _ = factorise(cost)
    spread = factor.diagonal()
    return Costs(order, cost.float(), (factor / spread[:, None]).float(), spread.pow(-2).float())


def damp(moments: Moments) -> Tensor:
    """Return float64[C, C]: second moments that no few positions make singular, for whom factors or inverts them."""
    cost = shrink_towards_diagonal(moments.columns, moments.positions)
    mean = float(cost.diagonal().mean())
    return cost + (_DAMPING * mean if mean > 0 else 1.0) * torch.eye(len(cost), dtype=torch.float64)


class SharedCosts:
    """The costs of layers one after the other; those that read the same have the same."""

    def __init__(self, natural: bool) -> None:
        """natural: see prepare_costs."""
        self._natural = natural
        self._latest: tuple[Moments, Costs] | None = None

    def prepare(self, moments: Moments) -> Costs:
        """Return the costs of a layer that reads so."""
        if self._latest is None or self._latest[0] is not moments:
            self._latest = (moments, prepare_costs(moments, self._natural))
        return self._latest[1]


# Given scores, float32[R, width], of some columns, returns bool[R, width]: the weights that go.
Choice = Callable[[Tensor], Tensor]


def prune_matrix(matrix: Tensor, costs: Costs, choose: Choice, block: int = _BLOCK) -> Tensor:
    """Return float32[R, C] with zeros where `choose` finds weights that may go, and errors made good elsewhere.

    matrix: float32[R, C]. choose: sees what the squared error of each weight would cost, a block of columns at a time.
    """
    work = matrix[:, costs.order]
    gone = torch.zeros(work.shape, dtype=torch.bool)
    for start in range(0, work.shape[1], block):
        end = min(start + block, work.shape[1])
        scores = work[:, start:end].square() * costs.columns[start:end]
        gone[:, start:end] = choose(scores)
        errors = _clear_block(work, gone, costs.feedback, start, end)
        if end < work.shape[1]:
            work[:, end:].addmm_(errors, costs.feedback[start:end, end:], alpha=-1)
    return work[:, torch.argsort(costs.order)]


def _clear_block(work: Tensor, gone: Tensor, feedback: Tensor, start: int, end: int) -> Tensor:
    """Clear what goes in the columns start:end of `work`; return their errors, float32[R, end - start]."""
    block = work[:, start:end].clone()
    errors = torch.zeros_like(block)
    for place in range(end - start):
        column = start + place
        error = torch.where(gone[:, column], block[:, place], 0.0)
        errors[:, place] = error
        if place + 1 < end - start:
            block[:, place + 1 :].addr_(error, feedback[column, column + 1 : end], alpha=-1)
    work[:, start:end] = block.masked_fill_(gone[:, start:end], 0.0)
    return errors


def refit(dense: Tensor, pruned: Tensor, costs: Costs, rounds: int = _ROUNDS) -> Tensor:
    """Return `pruned` with values that bring its outputs nearer to those of `dense`; zeros stay. float32[R, C], all.

    Rows are solved side by side, by conjugate gradients that see only what was kept.
    """
    back = torch.argsort(costs.order)
    moments = costs.moments[back][:, back]  # [C, C], in the matrix's own order
    kept = pruned != 0
    found = pruned.clone()
    easier = 1 / moments.diagonal().clamp_min(1e-30)  # the preconditioner
    gap = ((dense - found) @ moments).mul_(kept)
    step = gap * easier
    size = (gap * step).sum(1)
    for _ in range(rounds):
        bent = (step @ moments).mul_(kept)
        length = _divide(size, (step * bent).sum(1))
        found.addcmul_(step, length[:, None])
        gap.addcmul_(bent, length[:, None], value=-1)
        before, size = size, (gap.square() * easier).sum(1)
        step = torch.addcmul(gap * easier, step, _divide(size, before)[:, None])
    return found


def _divide(one: Tensor, other: Tensor) -> Tensor:
    """Return the quotients, 0 where there is nothing left to gain."""
    return torch.where(other > 0, one / other.clamp_min(torch.finfo(other.dtype).tiny), 0.0)
