"""The binary coder is its textbook twin bit for bit, is undone exactly, and wastes next to nothing."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.bits.binary import decode_bits, encode_bits
from multum.errors import UsageError
from tests.bits import reference

# Extreme probabilities make short intervals and long carries likely.
probability = st.one_of(st.integers(1, 65535), st.sampled_from([1, 2, 255, 256, 32768, 65279, 65534, 65535]))
sequences = st.lists(st.tuples(st.integers(0, 1), probability), max_size=200)


@given(sequences)
@example([])
@example([(0, 65535)] * 40)
@example([(1, 1)] * 40)
@example([(0, 1)] * 100)
def test_codes_equal_those_of_the_twin(sequence: list[tuple[int, int]]) -> None:
    bits, probabilities = [bit for bit, _ in sequence], [p for _, p in sequence]
    code = encode_bits(bits, probabilities)
    assert code == reference.encode(bits, probabilities)
    assert decode_bits(code, probabilities).tolist() == bits == reference.decode(code, probabilities)


@given(st.binary(max_size=40), st.lists(probability, max_size=200))
@settings(max_examples=60)
def test_any_code_decodes_as_the_twin_decodes_it(code: bytes, probabilities: list[int]) -> None:
    # 0xFFFFFFFF lies beyond the first interval: no encoder makes it
    if not code.startswith(b"\xff\xff\xff\xff"):
        assert decode_bits(code, probabilities).tolist() == reference.decode(code, probabilities)


def test_a_carry_runs_through_many_bytes() -> None:
    """A number just under a power of 256, then one step over it."""
    rng = np.random.default_rng(5)
    for length in (3, 9, 30):
        probabilities = [32768] * (8 * length) + [1] * 4
        for _ in range(20):
            bits = [0] * (8 * length) + rng.integers(0, 2, 4).tolist()
            code = encode_bits(bits, probabilities)
            assert code == reference.encode(bits, probabilities)
            assert decode_bits(code, probabilities).tolist() == bits


@pytest.mark.parametrize("p", [300, 9000, 32768, 62000, 65000])
def test_overhead_is_less_than_a_hundredth_of_a_per_cent(p: int) -> None:
    n = 3_000_000
    bits = (np.random.default_rng(p).random(n) < p / 65536).astype(np.uint8)
    ones = int(bits.sum())
    ideal = ones * -np.log2(p / 65536) + (n - ones) * -np.log2(1 - p / 65536)
    coded = 8 * len(encode_bits(bits, np.full(n, p)))
    assert ideal <= coded + 1
    assert coded <= ideal * 1.0001 + 8


def test_overhead_is_small_when_the_probability_changes_at_every_bit() -> None:
    rng = np.random.default_rng(6)
    probabilities = rng.integers(1, 65536, 200_000)
    bits = (rng.random(len(probabilities)) * 65536 < probabilities).astype(np.uint8)
    ideal = reference.ideal_bits(bits.tolist(), probabilities.tolist())
    assert 8 * len(encode_bits(bits, probabilities)) <= ideal * 1.0001 + 8


def test_a_sure_bit_costs_next_to_nothing() -> None:
    n = 1_000_000
    assert 8 * len(encode_bits(np.ones(n, np.uint8), np.full(n, 65535))) < 0.00003 * n + 8


@pytest.mark.parametrize("probabilities", [[0], [65536], [0.5], [[1]], [-1]])
def test_probabilities_out_of_range_are_refused(probabilities: list[float]) -> None:
    with pytest.raises(UsageError, match="from 1 to 65535"):
        encode_bits([1], probabilities)
    with pytest.raises(UsageError, match="from 1 to 65535"):
        decode_bits(b"", probabilities)


@pytest.mark.parametrize("bits", [[2], [-1], [1, 1], []])
def test_bits_that_are_none_are_refused(bits: list[int]) -> None:
    with pytest.raises(UsageError, match="0 or 1, as many as probabilities"):
        encode_bits(bits, [3])
