"""The steps of recurrent layers in integers are what they stand for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.inference.recurrent import convolve, decay_fixed, log1p_fixed, remember, softplus_fixed
from multum.inference.recurrent_arrays import DECAY_BITS, MEMORY_BITS, POINT_BITS, WRITER_BITS, WRITTEN_BITS
from multum.inference.tokens import decode, encode
from tests.inference.conftest import make_recurrent

LIMIT = (1 << 30) - 1


@given(st.integers(0, 1 << 30))
def test_a_logarithm_is_near_its_value(x: int) -> None:
    assert log1p_fixed(x) / 2**30 == pytest.approx(math.log1p(x / 2**30), abs=2e-8)


@given(st.integers(-(1 << 30), 1 << 30))
def test_a_step_is_near_its_value(x: int) -> None:
    exact = max(x / 65536, 0) + math.log1p(math.exp(-abs(x) / 65536))
    assert softplus_fixed(x) / 2**30 == pytest.approx(exact, abs=8e-6)


def test_small_steps_keep_their_proportion() -> None:
    assert softplus_fixed(-7 << 16) / 2**30 == pytest.approx(math.log1p(math.exp(-7)), rel=1e-4)


@given(st.integers(0, 1 << 40))
def test_a_decay_is_near_its_value(spent: int) -> None:
    assert decay_fixed(spent) / 2**DECAY_BITS == pytest.approx(2 ** -(spent / 2**30), abs=2.0**-DECAY_BITS + 2e-7)


def test_slow_decays_differ_below_the_unit_of_powers() -> None:
    assert decay_fixed(1 << 13) > decay_fixed(1 << 14) > decay_fixed(3 << 13)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_a_convolution_is_that_of_its_last_inputs(seed: int, taps: int) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(-(1 << 18), 1 << 18, (9, 6)).astype(np.int32)
    weights = random.integers(-30000, 30000, (taps, 6)).astype(np.int32)
    biases = random.integers(-60000, 60000, 6).astype(np.int32)
    past, out = np.zeros((taps - 1) * 6, np.int32), np.zeros(6, np.int32)
    padded = np.concatenate([np.zeros((taps - 1, 6)), x / 65536])
    for t in range(len(x)):
        convolve(x[t], past, weights.reshape(-1), 14, biases, np.zeros(6, np.int64), out)
        summed = (padded[t : t + taps] * weights / 2**14).sum(0) + biases / 65536
        assert out / 65536 == pytest.approx(summed / (1 + np.exp(-summed)), abs=4e-4, rel=1e-4)


def test_a_memory_holds_what_was_written_less_what_decayed() -> None:
    random = np.random.default_rng(0)
    memory, read = np.zeros(4 * 3, np.int32), np.zeros(3, np.int64)
    exact = np.zeros((4, 3))
    for _ in range(500):
        decay = int(random.integers(0.99 * 2**DECAY_BITS, 2**DECAY_BITS))
        written = random.integers(-(1 << WRITTEN_BITS), 1 << WRITTEN_BITS, 3).astype(np.int32)
        writers, readers = random.integers(-(1 << 18), 1 << 18, (2, 4)).astype(np.int32)
        read[:] = 0
        remember(memory, decay, written, writers, readers, read)
        exact = exact * (decay / 2**DECAY_BITS) + np.outer(writers / 65536, written / 2**WRITTEN_BITS)
        assert read / 2.0 ** (MEMORY_BITS + POINT_BITS) == pytest.approx(readers @ exact / 65536, abs=2e-3)
    assert memory.reshape(4, 3) / 2**MEMORY_BITS == pytest.approx(exact, abs=2e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_numbers_of_a_memory_stay_in_their_bits(sign: int) -> None:
    memory, read = np.full(2, sign * LIMIT, np.int32), np.zeros(1, np.int64)
    most = np.full(2, (1 << 24) - 1, np.int32)
    assert int(most[0]) << (WRITER_BITS - POINT_BITS) > LIMIT
    remember(memory, 1 << DECAY_BITS, np.full(1, sign * LIMIT, np.int32), most, most, read)
    assert memory.tolist() == [sign * LIMIT] * 2
    assert read.tolist() == [sign * LIMIT * int(most.sum())]


def test_tokens_come_back_from_their_code_under_a_recurrent_network() -> None:
    network, ids = make_recurrent(), np.random.default_rng(2).integers(0, 24, 300)
    code = encode(ids, network, 2, 3)
    assert (decode(code, len(ids), network, 2, 3, threads=1) == ids).all()
