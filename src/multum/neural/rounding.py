"""Weights as integers of 8 bits with a step a row, and vectors as integers of 16 bits.

Invariant: the integers are a function of the weights: maxima, divisions and roundings of single numbers, which are
the same on every machine, never a sum or a power in floating point.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.inference.parts import MOST_DOWN, Gains, Matrix

MOST = 127
# Room above the largest number of the stream that the probe sees, as a power of two.
_HEADROOM_BITS = 5
_FIXED_BITS = 30
# The steps of the rows of parameters whose values are whole numbers of them.
Steps = Mapping[Any, NDArray[np.float64]]


def round_gains(weights: NDArray[np.float64], most_down: int = MOST_DOWN) -> Gains:
    """Return `weights` as 16-bit integers, in units of 2**-most_down or more."""
    down = min(15 - math.frexp(float(np.abs(weights).max()) or 1.0)[1], most_down)
    return Gains(np.clip(np.rint(np.ldexp(weights, down)), -32767, 32767).astype(np.int16), down)


def round_fixed(values: NDArray[np.float64], limit: int) -> NDArray[np.int32]:
    """Return `values` with 16 fraction bits, clipped to +-limit of their units."""
    return np.clip(np.rint(values * 65536), -limit, limit).astype(np.int32)


def round_matrix(modules: list[Any], steps: Steps | None) -> Matrix:
    """Return the matrices of `modules`, one below the other, in integers.

    steps: of the rows of weights that lie on grids of 8-bit integers; None to give each row all that 8 bits hold.
    """
    weights = np.concatenate([to_numpy(module.weight) for module in modules])
    if steps is None:
        step = np.abs(weights).max(1) / MOST
    else:
        step = np.concatenate([steps[module.weight] for module in modules])
    down = min(16 - math.frexp(float(step.max()) or 1.0)[1], MOST_DOWN)
    scales = np.clip(np.ceil(np.ldexp(step, down)), 1, 65535)
    values = np.clip(np.rint(np.ldexp(weights, down) / scales[:, None]), -MOST, MOST)
    biases = [getattr(module, "bias", None) for module in modules]
    bias = None
    if any(one is not None for one in biases):
        vectors = [
            np.zeros(module.out_features) if one is None else to_numpy(one)
            for module, one in zip(modules, biases, strict=True)
        ]
        bias = round_fixed(np.concatenate(vectors), 1 << 30)
    return Matrix(values.astype(np.int8), scales.astype(np.uint16), down, bias)


def pick_point(largest: float) -> int:
    """Return the fraction bits of a stream that leave room above the largest number seen in it."""
    return min(max(_FIXED_BITS - _HEADROOM_BITS - math.frexp(largest)[1], 1), 24)


def round_epsilon(epsilon: float, point: int) -> int:
    """Return what a norm adds to the mean square, in squared units of the stream, 16 fraction bits."""
    return round(math.ldexp(epsilon, 2 * point + 16))


def to_numpy(tensor: Any) -> NDArray[np.float64]:
    """Return a parameter as float64."""
    found: NDArray[np.float64] = tensor.detach().double().cpu().numpy()
    return found
