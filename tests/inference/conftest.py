"""Small random networks in integers, made without any training library."""

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from multum.inference.network import IntegerNetwork
from multum.inference.parts import Gains, Layer, Matrix, Parts, Sizes
from multum.inference.recurrent_parts import RecurrentLayer, RecurrentParts, RecurrentSizes


def draw_matrix(random: np.random.Generator, outputs: int, inputs: int, bias: bool = False) -> Matrix:
    """Return a matrix whose products are about as large as what they are products of."""
    values = random.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    scales = random.integers(20000, 65536, outputs).astype(np.uint16)
    vector = random.integers(-60000, 60000, outputs).astype(np.int32) if bias else None
    return Matrix(values, scales, 24, vector)


def draw_gains(random: np.random.Generator, count: int) -> Gains:
    """Return factors of about one."""
    return Gains(random.integers(10000, 30000, count).astype(np.int16), 14)


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
    matrix, gains = partial(draw_matrix, random), partial(draw_gains, random, width)

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


def make_recurrent(
    *, seed: int = 0, start: int = -1, taps: int = 4, biased: bool = False, tied: bool = False
) -> IntegerNetwork:
    """Return a recurrent network of random weights: 2 layers of width 18, 3 heads of 7 channels, 24 tokens."""
    random = np.random.default_rng(seed)
    s = RecurrentSizes(18, 2, 3, 7, 5, taps, 24, start, 16)
    matrix = partial(draw_matrix, random)

    def vector(count: int, least: float, most: float) -> NDArray[np.int32]:
        return random.integers(int(least * 65536), int(most * 65536), count).astype(np.int32)

    def layer() -> RecurrentLayer:
        return RecurrentLayer(
            before=draw_gains(random, s.width),
            into=matrix(s.inner + s.channels + s.heads, s.width, biased),
            taps=Gains(random.integers(-20000, 20000, taps * s.channels).astype(np.int16), 14),
            tap_bias=vector(s.channels, -0.5, 0.5),
            step_bias=vector(s.heads, -6, 0),
            rates=vector(s.heads, 0.1, 20),
            skips=vector(s.heads, -1, 2),
            gated=draw_gains(random, s.inner),
            out=matrix(s.width, s.inner),
        )

    embedding, layers = matrix(s.vocabulary, s.width), tuple(layer() for _ in range(s.layers))
    top = None if tied else matrix(s.vocabulary, s.width)
    return IntegerNetwork(RecurrentParts(s, 1 << 28, embedding, layers, draw_gains(random, s.width), top))


@pytest.fixture
def network() -> IntegerNetwork:
    """Return a network whose window slides."""
    return make_network()
