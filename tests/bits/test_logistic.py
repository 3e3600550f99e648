"""The fixed-point tables are the real functions, rounded."""

from multum.bits.logistic import SQUASH, SQUASH_OFFSET, STRETCH, STRETCH_LIMIT
from tests.bits import reference


def test_squash_is_the_rounded_function_everywhere() -> None:
    assert SQUASH.tolist() == [reference.squash(x - SQUASH_OFFSET) for x in range(len(SQUASH))]


def test_stretch_is_the_rounded_function_everywhere() -> None:
    assert STRETCH.tolist() == [reference.stretch(i) for i in range(len(STRETCH))]


def test_squash_rises_and_is_odd_around_one_half() -> None:
    table = SQUASH.astype(int)
    assert (table[1:] >= table[:-1]).all()
    assert (table[SQUASH_OFFSET + 1 :] + table[1:SQUASH_OFFSET][::-1] == 65536).all()


def test_the_limit_of_stretch_is_where_squash_ends() -> None:
    assert SQUASH[SQUASH_OFFSET + STRETCH_LIMIT] == 65535
    assert SQUASH[SQUASH_OFFSET - STRETCH_LIMIT] == 1
    assert abs(STRETCH).max() < STRETCH_LIMIT
