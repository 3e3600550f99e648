"""Small random networks in integers, made without any training library."""

from collections.abc import Callable

import numpy as np
import pytest

from multum.inference.network import IntegerNetwork
from multum.inference.parts import Gains, Layer, Matrix, Parts, Sizes

MakeNetwork = Callable[..., IntegerNetwork]


def make_network(
    *,
    seed: int = 0,
    vocabulary: int = 24,
    window: int = 12,
    overlap: int = -1,
    start: int = -1,
    groups: int = 2,
    biased: bool = False,
    tied: bool = False,
) -> IntegerNetwork:
    """Return a network of random weights: 2 layers of width 18, 4 heads of 6 features."""
    random = np.random.default_rng(seed)
    width, heads, head, inner = 18, 4, 6, 22

    def matrix(outputs: int, inputs: int, bias: bool = False) -> Matrix:
        values = random.integers(-127, 128, (outputs, inputs)).astype(np.int8)
        scales = random.integers(20000, 65536, outputs).astype(np.uint16)
        vector = random.integers(-60000, 60000, outputs).astype(np.int32) if bias else None
        return Matrix(values, scales, 24, vector)

    def gains() -> Gains:
        return Gains(random.integers(10000, 30000, width).astype(np.int16), 14)

    layers = tuple(
        Layer(
            gains(),
            matrix((heads + 2 * groups) * head, width, biased),
            matrix(width, heads * head),
            gains(),
            matrix(2 * inner, width),
            matrix(width, inner),
        )
        for _ in range(2)
    )
    turns = np.array([(1 << 48) // (6 * 8**i) for i in range(head // 2)], np.int64)
    sizes = Sizes(width, 2, heads, groups, head, inner, vocabulary, window, overlap, start, 16)
    embedding = matrix(vocabulary, width)
    return IntegerNetwork(
        Parts(sizes, 1 << 28, turns, embedding, layers, gains(), None if tied else matrix(vocabulary, width))
    )


@pytest.fixture
def network() -> IntegerNetwork:
    """Return a network whose window slides."""
    return make_network()
