"""Small integer programs for tests: random weights, made without torch, the same on every machine."""

import functools

import numpy as np

from multum.archive.programs import HeldProgram
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Gains, Layer, Matrix, Parts, Sizes

_WIDTH, _HEADS, _GROUPS, _HEAD, _INNER = 16, 2, 1, 8, 24


def make_network(vocabulary: int = 256, seed: int = 1, *, start: int = -1, window: int = 24) -> IntegerNetwork:
    """Return a network of one layer over `vocabulary` tokens, whose predictions are far from flat."""
    rng = np.random.default_rng(seed)

    def matrix(outputs: int, inputs: int, scale: int = 4096) -> Matrix:
        values = rng.integers(-90, 91, (outputs, inputs)).astype(np.int8)
        return Matrix(values, rng.integers(scale, 2 * scale, outputs).astype(np.uint16), 20)

    def gains() -> Gains:
        return Gains(rng.integers(1500, 2500, _WIDTH).astype(np.int16), 11)

    sizes = Sizes(_WIDTH, 1, _HEADS, _GROUPS, _HEAD, _INNER, vocabulary, window, window // 2, start, 16)
    layer = Layer(
        gains(),
        matrix((_HEADS + 2 * _GROUPS) * _HEAD, _WIDTH),
        matrix(_WIDTH, _HEADS * _HEAD),
        gains(),
        matrix(2 * _INNER, _WIDTH),
        matrix(_WIDTH, _INNER),
    )
    turns = (np.arange(1, _HEAD // 2 + 1) << 40).astype(np.int64)
    return IntegerNetwork(Parts(sizes, 1 << 8, turns, matrix(vocabulary, _WIDTH), (layer,), gains(), None))


@functools.cache
def byte_program(seed: int = 1) -> HeldProgram:
    """Return a program over bytes."""
    return HeldProgram(f"bytes-{seed}", make_network(seed=seed))
