"""A network's arrays as kernels read them; matrices as pairs of inputs by outputs, both rounded up."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.inference import arrays
from multum.inference.arrays import MATRIX_CELLS, POINT_BITS
from multum.inference.parts import Gains, Matrix
from multum.inference.rows import LIMIT, SCALE_BITS

LANES = 16


def round_up(n: int, to: int = LANES) -> int:
    """Return the least multiple of `to` that is n or more."""
    return -(-n // to) * to


def pick_reach(values: NDArray[np.int8]) -> int:
    """Return how large inputs may be so that no sum of products with a row of `values` leaves 32 bits."""
    heaviest = int(np.abs(values.astype(np.int32)).sum(1).max(initial=1))
    return max(1, min(32767, ((1 << 31) - (1 << 16)) // max(heaviest, 1)))


def _move_point(bias: NDArray[np.int32], point: int) -> NDArray[np.int32]:
    """Return a bias, which has 16 fraction bits, with `point`."""
    up = point - POINT_BITS
    wide = bias.astype(np.int64)
    moved: NDArray[np.int64] = np.clip(wide << up if up >= 0 else wide >> -up, -LIMIT, LIMIT)
    return moved.astype(np.int32)


class MatrixPacker:
    """Lays one matrix after another out; `list_arrays` has them all, as the first fields of weights after the shape."""

    def __init__(self) -> None:
        self._plans: list[list[int]] = []
        self._weights: list[NDArray[np.int8]] = []
        self._scales: list[NDArray[np.int32]] = []
        self._biases: list[NDArray[np.int32]] = [np.zeros(1, np.int32)]
        self._at = self._scales_at = 0
        self._bias_at = 1

    def add(self, matrix: Matrix, point: int) -> None:
        """Lay a matrix out. point: fraction bits of what it makes."""
        outputs, inputs = matrix.values.shape
        columns, pairs = round_up(outputs), -(-inputs // 2)
        padded = np.zeros((columns, 2 * pairs), np.int8)
        padded[:outputs, :inputs] = matrix.values
        self._weights.append(padded.reshape(columns, pairs, 2).transpose(1, 0, 2).reshape(-1))
        self._scales.append(matrix.scales.astype(np.int32))
        plan = [0] * MATRIX_CELLS
        plan[arrays.AT], plan[arrays.PAIRS], plan[arrays.COLUMNS] = self._at, pairs, columns
        plan[arrays.OUTPUTS], plan[arrays.SCALES_AT] = outputs, self._scales_at
        plan[arrays.DOWN] = matrix.down - SCALE_BITS - point
        plan[arrays.BIAS_AT] = -1
        plan[arrays.REACH] = pick_reach(matrix.values)
        if matrix.bias is not None:
            plan[arrays.BIAS_AT] = self._bias_at
            self._biases.append(_move_point(matrix.bias, point))
            self._bias_at += outputs
        self._plans.append(plan)
        self._at += padded.size
        self._scales_at += outputs

    def list_arrays(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int32], NDArray[np.int32]]:
        """Return (matrices, weights, scales, biases)."""
        plans = np.array(self._plans, np.int64)
        return plans, np.concatenate(self._weights), np.concatenate(self._scales), np.concatenate(self._biases)


def pack_vectors(norms: Iterable[Gains], embedding: Matrix) -> dict[str, NDArray[Any]]:
    """Return the arrays of norms and embedding by the names that the weights of every kind give them."""
    norms = list(norms)
    return {
        "gains": np.concatenate([norm.values for norm in norms]).astype(np.int32),
        "gain_downs": np.array([norm.down for norm in norms], np.int64),
        "embedding": np.array(embedding.values).reshape(-1),
        "embedding_scales": embedding.scales.astype(np.int32),
    }
