"""Blocks are cut at places that depend on the length of the content only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.archive.cutting import Cutter


def cut(data: bytes, pieces: list[int], block_bytes: int, halves_from: int | None = None) -> list[bytes]:
    """Return the blocks of `data`, given to the cutter in pieces of these lengths in turn."""
    cutter, at, turn = Cutter(block_bytes, halves_from), 0, 0
    blocks: list[bytes] = []
    while at < len(data):
        size = pieces[turn % len(pieces)]
        blocks += cutter.add(data[at : at + size])
        at, turn = at + size, turn + 1
    return [*blocks, *cutter.finish()]


@given(st.binary(max_size=200), st.lists(st.integers(1, 80), min_size=1, max_size=4))
@pytest.mark.parametrize("halves_from", [None, 10])
def test_blocks_are_the_content_whatever_the_pieces(halves_from: int | None, data: bytes, pieces: list[int]) -> None:
    blocks = cut(data, pieces, 32, halves_from)
    assert b"".join(blocks) == data
    assert blocks == cut(data, [len(data) or 1], 32, halves_from)
    assert all(0 < len(block) <= 32 for block in blocks)


@pytest.mark.parametrize(
    ("size", "lengths"), [(0, []), (1, [1]), (32, [32]), (33, [32, 1]), (64, [32, 32]), (70, [32, 32, 6])]
)
def test_blocks_are_full_but_for_the_last(size: int, lengths: list[int]) -> None:
    assert [len(block) for block in cut(bytes(size), [7], 32)] == lengths


@pytest.mark.parametrize(
    ("size", "lengths"),
    [(9, [9]), (10, [5, 5]), (33, [17, 16]), (64, [32, 32]), (65, [32, 17, 16]), (97, [32, 32, 17, 16])],
)
def test_the_last_two_blocks_are_equal_where_halves_are_asked_for(size: int, lengths: list[int]) -> None:
    assert [len(block) for block in cut(bytes(size), [7], 32, 10)] == lengths


def test_a_piece_that_fills_a_block_is_not_copied() -> None:
    cutter, data = Cutter(32), bytes(32)
    assert cutter.room == 32
    assert next(cutter.add(data)) is data
