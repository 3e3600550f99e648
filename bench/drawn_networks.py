"""Networks in integers whose weights are drawn, so that a machine without any trained one can check and time them."""

from dataclasses import dataclass

import numpy as np

from multum.inference.network import IntegerNetwork
from multum.inference.parts import Gains, Layer, Matrix, Parts, Sizes


@dataclass(frozen=True)
class Shape:
    """The shape of a network of the Llama family, as multum.inference.parts has it."""

    width: int
    layers: int
    heads: int
    groups: int
    inner: int
    vocabulary: int
    window: int


SHAPES = {
    "tiny": Shape(width=64, layers=2, heads=4, groups=2, inner=160, vocabulary=256, window=64),
    "bytes-1m": Shape(width=176, layers=3, heads=4, groups=4, inner=464, vocabulary=256, window=256),
    "bytes-20m": Shape(width=512, layers=8, heads=8, groups=8, inner=1376, vocabulary=256, window=512),
    "smollm2-135m": Shape(width=576, layers=30, heads=9, groups=3, inner=1536, vocabulary=49152, window=2048),
}


def draw_network(shape: Shape, seed: int = 0) -> IntegerNetwork:
    """Return a network of that shape whose layers add about as much as they find; windows of bytes slide."""
    random = np.random.default_rng(seed)
    head = shape.width // shape.heads

    def matrix(outputs: int, inputs: int) -> Matrix:
        values = random.integers(-127, 128, (outputs, inputs), np.int8)
        # so that products have about the scale of their inputs: the values' deviation is 73, that of sums sqrt(inputs)
        down = 21 + inputs.bit_length() // 2
        return Matrix(values, random.integers(20000, 45000, outputs).astype(np.uint16), down)

    def gains() -> Gains:
        return Gains(random.integers(10000, 30000, shape.width).astype(np.int16), 14)

    layers = tuple(
        Layer(
            before=gains(),
            qkv=matrix((shape.heads + 2 * shape.groups) * head, shape.width),
            out=matrix(shape.width, shape.heads * head),
            between=gains(),
            gates=matrix(2 * shape.inner, shape.width),
            narrow=matrix(shape.width, shape.inner),
        )
        for _ in range(shape.layers)
    )
    turns = np.array([(1 << 45) >> (26 * i // head) for i in range(head // 2)], np.int64)
    overlap = -1 if shape.vocabulary == 256 else shape.window // 2
    sizes = Sizes(
        shape.width,
        shape.layers,
        shape.heads,
        shape.groups,
        head,
        shape.inner,
        shape.vocabulary,
        shape.window,
        overlap,
        start=-1,
        point=16,
    )
    return IntegerNetwork(Parts(sizes, 1 << 32, turns, matrix(shape.vocabulary, shape.width), layers, gains(), None))
