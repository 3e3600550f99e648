"""Lists of numbers come back, cost little when they are alike, and are refused when they are damaged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.errors import FormatError
from multum.tensors.lists import HEAD, choose_manner, decode_lists, encode_lists

numbers = st.lists(st.integers(-40, 40) | st.integers(-(2**15), 2**15 - 1), max_size=30)


@given(st.lists(numbers, max_size=5))
def test_lists_come_back(drawn: list[list[int]]) -> None:
    lists = [np.array(one, np.int16) for one in drawn]
    code = encode_lists(lists)
    found = decode_lists(code, [len(one) for one in lists])
    assert [one.tolist() for one in found] == drawn


def test_a_list_of_equal_numbers_is_its_head() -> None:
    assert len(encode_lists([np.full(1000, 77, np.int16), np.full(9, -3, np.int16)])) == 2 * HEAD.size


def test_numbers_near_one_another_cost_about_their_spread() -> None:
    near = np.rint(2 * np.random.default_rng(0).standard_normal(4000) + 500).astype(np.int16)
    assert len(encode_lists([near])) < 4000 * 3.1 / 8 + 12


def test_prices_are_those_of_the_bell() -> None:
    manner = choose_manner(np.array([5, 5, 6, 4, 5, 7], np.int16))
    prices = manner.price(np.array([5, 6, 90]))
    assert prices[0] < prices[1] < prices[2]
    assert choose_manner(np.array([5, 5], np.int16)).price(np.array([9])).tolist() == [0]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\0\0\xff", "the heads of 1 lists take 4 bytes, 3 are there"),
        (b"\0\0\x08\0", "there is no bell of power 8 and level 0"),
        (b"\0\0\0\x80", "there is no bell of power 0 and level 128"),
        (b"\0\0\xff\1", "there is no bell of power 255 and level 1"),
        (b"\0\0\xff\0\0", "1 bytes follow lists that need none"),
        (b"\0\0\0\0", "a code of 1 lanes is 4 bytes"),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, match: str) -> None:
    with pytest.raises(FormatError, match=match):
        decode_lists(data, [3])
