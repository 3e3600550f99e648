"""Frequencies add up to 2**24, leave no token out, and are their plain twin's to the last one."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.bits.ranges import TOTAL
from multum.inference.correction import LIMIT, RATE, correct, learn_token
from multum.inference.exponentials import exp2_fixed
from multum.inference.frequencies import add_up, find_token, share_out

logits = st.lists(st.integers(-(40 << 16), 40 << 16), min_size=1, max_size=20)


def share(values: list[int]) -> NDArray[np.int32]:
    """Return what the part makes of `values`."""
    frequencies = np.zeros(len(values), np.int32)
    share_out(np.array(values, np.int32), frequencies)
    return frequencies


def share_plainly(values: list[int]) -> list[int]:
    """Return the same in plain Python: a share of what is left when each token has one, rounded down, and the rest."""
    weights = [int(exp2_fixed(value - max(values))) for value in values]
    room = TOTAL - len(values)
    scale = room * 2**38 // sum(weights)
    found = [1 + weight * scale // 2**38 for weight in weights]
    found[values.index(max(values))] += TOTAL - sum(found)
    return found


@given(logits)
@example([0])
@example([7, 7, 7])
@example([-(40 << 16), 40 << 16])
def test_frequencies_are_those_of_the_twin(values: list[int]) -> None:
    found = share(values)
    assert found.tolist() == share_plainly(values)
    assert int(found.sum()) == TOTAL
    assert int(found.min()) >= 1


def test_frequencies_follow_the_probabilities() -> None:
    values = np.random.default_rng(1).integers(-(20 << 16), 0, 1000)
    p = 2.0 ** (values / 65536)
    expected = p / p.sum() * TOTAL
    # a thousand floors of one, and what rounding leaves to the likeliest
    assert np.abs(share(values.tolist()) - expected).max() < 2000


@pytest.mark.parametrize("size", [1, 2, 300])
def test_every_number_lies_in_the_share_of_one_token(size: int) -> None:
    frequencies = share(np.random.default_rng(size).integers(-(9 << 16), 0, size).tolist())
    ends = np.cumsum(frequencies)
    for target in (0, 1, 12345, TOTAL - 1):
        token, start = find_token(frequencies, target)
        assert start <= target < start + frequencies[token]
        assert start == add_up(frequencies, token) == ends[token] - frequencies[token]


def test_a_token_that_comes_again_and_again_becomes_likelier() -> None:
    logits = np.zeros((2, 4), np.int32)
    bias, values, frequencies = np.zeros(4, np.int32), np.zeros(4, np.int32), np.zeros(4, np.int32)
    seen = []
    for _ in range(200):
        correct(logits, 1, bias, values)
        share_out(values, frequencies)
        seen.append(int(frequencies[2]))
        learn_token(bias, frequencies, 2)
    assert seen == sorted(seen)
    assert seen[0] < 0.26 * TOTAL < 0.9 * TOTAL < seen[-1]
    assert bias[2] <= LIMIT
    assert int(bias[0]) == int(bias[1]) < -RATE
