"""How coarse to code: what the two searches try, and when they give up."""

import math
from collections.abc import Callable

import pytest

from multum.errors import UsageError
from multum.shrinking.aiming import reach_bytes, search_bits


def note_tries(measure: Callable[[int], tuple[int, int]]) -> tuple[list[int], Callable[[int], tuple[int, int]]]:
    """Return (what was tried, what makes a file whose length and codes `measure` tells)."""
    tried: list[int] = []

    def write(coded_bytes: int) -> tuple[int, int]:
        tried.append(coded_bytes)
        return measure(coded_bytes)

    return tried, write


def test_bytes_are_met_at_once_where_the_codes_are_as_long_as_asked() -> None:
    tried, write = note_tries(lambda coded: (coded + 100, coded))
    assert reach_bytes(1000, 100, write) == 1000
    assert tried == [900]


def test_a_file_that_came_out_too_long_is_made_again() -> None:
    tried, write = note_tries(lambda coded: (coded + 130, coded))
    assert 990 <= reach_bytes(1000, 100, write) <= 1000
    assert len(tried) == 2


def test_what_the_codes_took_tells_what_the_rest_takes() -> None:
    tried, write = note_tries(lambda coded: (coded // 20 * 20 + 130, coded // 20 * 20))
    assert reach_bytes(1000, 99, write) == 990
    assert tried == [901, 900 + 1000 - 1030 - 3]


def test_codes_that_cannot_grow_end_the_search() -> None:
    tried, write = note_tries(lambda coded: (min(coded, 300) + 100, min(coded, 300)))
    assert reach_bytes(1000, 100, write) == 400
    assert len(tried) == 2


def test_the_longest_file_that_fits_is_made_again_where_none_is_near() -> None:
    tried, write = note_tries(lambda coded: (970 if coded % 2 else 1030, coded))
    assert reach_bytes(1000, 99, write) == 970
    assert write(tried[-1])[0] == 970


def test_a_target_below_what_is_not_coded_is_refused_and_says_what_that_takes() -> None:
    with pytest.raises(UsageError, match="a target of 50 bytes cannot be reached: what is not coded takes 100 bytes"):
        reach_bytes(50, 100, lambda coded: (coded, coded))


def test_a_target_below_the_shortest_codes_is_refused_and_says_what_can() -> None:
    with pytest.raises(UsageError, match="a target of 200 bytes cannot be reached: 400 bytes can"):
        reach_bytes(200, 100, lambda coded: (max(coded, 300) + 100, max(coded, 300)))


def test_the_smallest_size_that_keeps_the_loss_is_found_in_a_few_tries() -> None:
    tried = []

    def try_bits(bits: float) -> float:
        tried.append(bits)
        return 0.3 * math.pow(4, 1 - bits) * (1 + 0.1 * math.sin(9 * bits))

    bits = search_bits(0.01, try_bits)
    assert try_bits(bits) <= 0.01
    assert try_bits(bits - 0.1) > 0.01
    assert len(tried) <= 10


def test_a_network_that_breaks_is_one_that_is_too_coarse() -> None:
    assert search_bits(0.5, lambda bits: math.nan if bits < 5 else 0.1) == pytest.approx(5, abs=0.2)


def test_a_loss_that_no_size_keeps_is_refused_with_the_least_that_was_found() -> None:
    with pytest.raises(UsageError, match=r"at most 0.1 bits cannot be kept: the least that was found is 0.5"):
        search_bits(0.1, lambda _: 0.5)
