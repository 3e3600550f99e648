"""Two narrow matrices beside integers, whose product makes good some of what rounding lost.

Integers and product are looked for in turn: each time the integers are those of what the product leaves, and the
product is the nearest to what they lose, by what the layer reads where that is known.
Sources: Zhang and others, "LQER" (2024), for errors weighed by what is read; Saha and others, "CALDERA" (2024),
section 4, for going back and forth.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from multum.quantization.weights import Weight
from multum.reduction.factoring import Halves, find_root, halve_matrix, why_not_halved
from multum.reduction.scales import Scales
from multum.reduction.walking import Moments

# Of 2 bits by channel the first four rounds gain a third of what the product gains at all, four more a twentieth.
_ROUNDS = 4

# Given a matrix, returns its steps and integers.
Round = Callable[[Tensor], tuple[Scales, Tensor]]


def can_correct(module: Any, weight: Weight, rank: int) -> bool:
    """Return whether a matrix of a network can have two of a rank beside it that are smaller than itself."""
    return why_not_halved(module, weight) is None and rank * sum(weight.shape) < weight.parameter.numel()


def round_and_correct(
    matrix: Tensor, moments: Moments | None, rank: int, round_one: Round
) -> tuple[Scales, Tensor, Halves]:
    """Return (steps, integers, halves [rank, C] and [R, rank]): integers and product together are near float32[R, C].

    Zeros of the matrix are zeros of the integers. moments: of what the layer reads; None where nobody knows.
    """
    kept = matrix != 0
    rows = torch.ones(len(matrix))
    root = torch.eye(matrix.shape[1]) if moments is None else find_root(moments)
    product = torch.zeros_like(matrix)
    for _ in range(_ROUNDS):
        scales, codes = round_one((matrix - product) * kept)
        first, second = halve_matrix(matrix - codes * scales.spread()[0], rows, root, rank)
        product = second @ first
    return scales, codes, (first, second)
