"""Varints are one-to-one and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.archive.varints import LARGEST_VARINT, Cursor, encode_varint, encode_zigzag
from multum.errors import FormatError


@given(st.integers(0, LARGEST_VARINT))
def test_varint_reads_back(number: int) -> None:
    cursor = Cursor(encode_varint(number), 0)
    assert cursor.varint("number") == number
    cursor.finish("test")


@given(st.integers(-(1 << 62) + 1, (1 << 62) - 1))
def test_zigzag_reads_back(number: int) -> None:
    assert Cursor(encode_zigzag(number), 0).zigzag("number") == number


@given(st.binary(min_size=1, max_size=12))
def test_bytes_that_read_as_a_varint_are_its_only_encoding(data: bytes) -> None:
    cursor = Cursor(data, 0)
    try:
        number = cursor.varint("number")
    except FormatError:
        return
    assert encode_varint(number) == data[: cursor.offset]


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (1 << 62, "808080808080808040")]
)
def test_varint_bytes_are_frozen(number: int, expected: str) -> None:
    assert encode_varint(number).hex() == expected


def test_fault_carries_its_offset_in_the_archive() -> None:
    cursor = Cursor(b"\x01\x80\x00", 100)
    cursor.byte("first")
    with pytest.raises(FormatError, match=r"not written in the shortest form \(at byte 101\)") as caught:
        cursor.varint("number")
    assert caught.value.offset == 101
