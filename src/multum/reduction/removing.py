"""Inputs of a matrix that go, in groups, while those that stay make good what they can.

One group after another goes, that which costs least once all others have made it good; the matrix that is left is the
least-squares fit of its outputs by what is left of its inputs.
Sources: Hassibi and Stork, "Optimal Brain Surgeon" (1992); Kurtic and others, "ZipLM" (2023), section 3.1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from multum.reduction.solving import damp
from multum.reduction.walking import Moments

# Groups that go before the costs of the others are looked at again: one in so many of those that are there.
_AT_ONCE = 64


@dataclass(eq=False)
class Removal:
    """A matrix on its way. matrix: float64[R, C]. inverse: float64[C, C], of the moments of the inputs that are left.

    rows: float64[R], what errors of each output cost. groups: int64[G, n], the inputs of each group. left: bool[G].
    """

    matrix: Tensor
    inverse: Tensor
    rows: Tensor
    groups: Tensor
    left: Tensor

    @classmethod
    def begin(cls, matrix: Tensor, moments: Moments, rows: Tensor, groups: Tensor) -> "Removal":
        """Return the removal of nothing yet. rows: float[R]. groups: see Removal."""
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(damp(moments)))
        return cls(matrix.double(), inverse, rows.double(), groups, torch.ones(len(groups), dtype=torch.bool))

    def measure(self) -> Tensor:
        """Return float64[G]: what each group costs that goes next; infinite for those that are gone."""
        columns = self.matrix[:, self.groups]  # [R, G, n]
        inner = self.inverse[self.groups[:, :, None], self.groups[:, None, :]]  # [G, n, n]
        inner[~self.left] = torch.eye(inner.shape[1], dtype=inner.dtype)
        solved = torch.linalg.solve(inner, columns.permute(1, 2, 0))  # [G, n, R]
        costs = (columns.permute(1, 2, 0) * solved * self.rows).sum((1, 2))
        barred: Tensor = costs.masked_fill(~self.left, torch.inf)
        return barred

    def remove(self, numbers: Tensor) -> None:
        """Have some groups go, and all inputs that are left make it good. numbers: int64[k]."""
        gone = self.groups[numbers].flatten()
        taken = torch.linalg.solve(self.inverse[gone][:, gone], self.inverse[gone])  # [k * n, C]
        self.matrix -= self.matrix[:, gone] @ taken
        self.inverse = self.inverse - self.inverse[:, gone] @ taken
        self.matrix[:, gone] = 0.0
        self.left[numbers] = False


# Given (what each group costs, which are left), returns the costs, infinite for groups that may not go now.
Allow = Callable[[Tensor, Tensor], Tensor]


def remove_groups(removals: Sequence[Removal], count: int, allow: Allow | None = None) -> None:
    """Have `count` groups go, the cheapest first. allow: bars groups that may not go.

    removals: of matrices that all read the same groups, which then go from all of them; what each costs adds up.
    """
    left = removals[0].left
    while count:
        costs = torch.stack([removal.measure() for removal in removals]).sum(0)
        if allow is not None:
            costs = allow(costs, left)
        some = 1 if allow is not None else max(1, min(count, int(left.sum()) // _AT_ONCE))
        gone = costs.argsort(stable=True)[:some]
        for removal in removals:
            removal.remove(gone)
        count -= some


def refit_without(matrix: Tensor, moments: Moments, gone: Tensor) -> Tensor:
    """Return float32[R, C]: `matrix` without the inputs `gone`, as those that stay fit its outputs. gone: int64[n]."""
    cost = damp(moments)
    kept = torch.ones(len(cost), dtype=torch.bool)
    kept[gone] = False
    factor = torch.linalg.cholesky(cost[kept][:, kept])
    fitted = torch.zeros(matrix.shape, dtype=torch.float64)
    fitted[:, kept] = torch.cholesky_solve(cost[kept] @ matrix.double().T, factor).T
    return fitted.float()
