"""Ranks of all matrices of a network by one price: a weight is kept where it saves most.

Source: Wang and others, "SVD-LLM" (2024), section 3.1, for losses that are sums of squared singular values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

_HALVINGS = 60


@dataclass(frozen=True, eq=False)
class Curve:
    """What a matrix loses at each rank. losses: float64[ranks + 1], falling to 0. shape: outputs, inputs."""

    losses: Tensor
    shape: tuple[int, int]

    @classmethod
    def of(cls, values: Tensor, shape: tuple[int, int]) -> "Curve":
        """Return the curve of singular values, largest first."""
        tails = values.double().square().flip(0).cumsum(0).flip(0)
        return cls(torch.cat([tails, tails.new_zeros(1)]), shape)

    @property
    def whole(self) -> int:
        """The weights of the matrix as it is."""
        return self.shape[0] * self.shape[1]

    @property
    def widest(self) -> int:
        """The highest rank whose two matrices have fewer weights than the one."""
        return (self.whole - 1) // sum(self.shape)

    def count(self, rank: int) -> int:
        """Return the weights at a rank; 0 stands for the matrix as it is."""
        return rank * sum(self.shape) if rank else self.whole

    def choose(self, price: float) -> int:
        """Return the rank that is best where a weight costs `price`; 0 for the matrix as it is."""
        if not self.widest:
            return 0
        ranks = torch.arange(1, self.widest + 1)
        totals = self.losses[1 : self.widest + 1] + price * sum(self.shape) * ranks
        best = int(totals.argmin())
        return best + 1 if float(totals[best]) < price * self.whole else 0


def choose_ranks(curves: Mapping[str, Curve], share: float) -> dict[str, int]:
    """Return the ranks at which matrices have so large a share of their weights, at most; 0 where one stays whole."""
    most = share * sum(curve.whole for curve in curves.values())
    low, high = 1e-30, 1e30
    for _ in range(_HALVINGS):
        price = (low * high) ** 0.5
        enough = sum(map(partial(_count_at, price), curves.values())) <= most
        low, high = (low, price) if enough else (price, high)
    return {name: curve.choose(high) for name, curve in curves.items()}


def _count_at(price: float, curve: Curve) -> int:
    return curve.count(curve.choose(price))
