"""Powers, sigmoids, waves and odds of bits in integers are what they stand for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.inference.exponentials import ONE, exp2_fixed, open_gate, split_bits, wave


@given(st.integers(-(1 << 22), 0))
def test_a_power_of_two_is_near_its_value(x: int) -> None:
    assert exp2_fixed(x) == pytest.approx(ONE * 2 ** (x / 65536), rel=2e-7, abs=2)


def test_the_least_power_is_none() -> None:
    assert exp2_fixed(-(1 << 31)) == 0


@given(st.integers(-(1 << 30), 1 << 30))
def test_a_gate_is_open_as_a_sigmoid_says(x: int) -> None:
    exact = 1 / (1 + math.exp(-x / 65536)) if x > -(1 << 25) else 0
    assert open_gate(x) / ONE == pytest.approx(exact, abs=3e-6)


@given(st.integers(0, (1 << 32) - 1))
def test_a_wave_is_a_cosine_and_a_sine(turn: int) -> None:
    angle = 2 * math.pi * turn / 2**32
    assert np.array(wave(turn)) / ONE == pytest.approx([math.cos(angle), math.sin(angle)], abs=2e-8)


@given(st.integers(0, 2**32 - 1))
def test_bits_multiply_to_the_probability_of_their_byte(seed: int) -> None:
    logits = np.random.default_rng(seed).integers(-(1 << 19), 1 << 19, (2, 256)).astype(np.int32)
    weights = 2.0 ** ((logits[1] - logits[1].max()) / 65536)
    nodes = np.zeros(256, np.int32)
    split_bits(logits, 1, nodes)
    for byte in np.argsort(-weights)[:20]:
        p = 1.0
        for bit in range(8):
            node = (int(byte) | 256) >> (8 - bit)
            one = nodes[node] / 65536
            p *= one if (int(byte) >> (7 - bit)) & 1 else 1 - one
        assert p == pytest.approx(weights[byte] / weights.sum(), rel=2e-2, abs=1e-3)
