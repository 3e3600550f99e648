"""Rows of tensors come back bit for bit, whatever their bits are; weights become shorter by what their scales tell."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.tensors.lossless import decode_sheet, encode_sheet
from multum.tensors.sheets import BYTES, ELEMENTS, KINDS, Matrix, Sheet

SHAPES = [((1, 1),), ((1, 40),), ((40, 1),), ((33, 35),), ((3, 5), (1, 1), (40, 33))]
# Zeros of both signs, the least, a subnormal, one, the largest, infinities, quiet and signalling NaN.
PATTERNS = [0x0000, 0x8000, 0x0001, 0x0003, 0x3C00, 0x3F80, 0x7BFF, 0x7F7F, 0x7C00, 0xFF80, 0x7E01, 0x7F81, 0xFFFF]


def weights(rows: int, columns: int, spread: float = 0.5) -> NDArray[np.float32]:
    """Return random weights whose rows and columns have scales of their own."""
    rng = np.random.default_rng(rows)
    scales = np.exp(spread * rng.normal(size=(rows, 1))) * np.exp(spread * rng.normal(size=(1, columns)))
    values: NDArray[np.float32] = (0.02 * scales * rng.normal(size=(rows, columns))).astype(np.float32)
    return values


def bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the upper halves of float32: bfloat16 rounded toward zero."""
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def sheet_of(kind: tuple[int, int], *shapes: tuple[int, int]) -> Sheet:
    return Sheet(*kind, tuple(Matrix(*shape) for shape in shapes))


def ratio(data: bytes, sheet: Sheet) -> float:
    """Return the share of its bytes that a payload has, having decoded it."""
    payload = encode_sheet(data, sheet)
    assert decode_sheet(payload, len(data)) == data
    return len(payload) / len(data)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_any_bits_come_back(kind: tuple[int, int], shapes: tuple[tuple[int, int], ...]) -> None:
    sheet = sheet_of(kind, *shapes)
    rng = np.random.default_rng(1)
    patterns = np.array(PATTERNS, "<u2").view(np.uint8)
    for data in (rng.integers(0, 256, sheet.size_bytes, np.uint8), np.resize(patterns, sheet.size_bytes)):
        ratio(data.tobytes(), sheet)


@given(st.sampled_from(sorted(KINDS)), st.binary(min_size=1, max_size=200))
def test_any_bytes_come_back(kind: tuple[int, int], data: bytes) -> None:
    data = data * kind[0]
    ratio(data, sheet_of(kind, (1, len(data) // kind[0])))


def test_scales_of_rows_and_columns_make_weights_shorter() -> None:
    even, uneven = bfloat16(weights(600, 400, 0.0)), bfloat16(weights(600, 400, 1.0))
    sheet = sheet_of(ELEMENTS["BF16"], (600, 400))
    # a Gaussian of known scale has about 10.47 bits of 16
    assert ratio(even.tobytes(), sheet) < 0.659
    assert ratio(uneven.tobytes(), sheet) < 0.664


@pytest.mark.parametrize(("bits", "share"), [(16, 0.34), (13, 0.43)])
def test_float32_that_is_less_is_found(bits: int, share: float) -> None:
    values = weights(400, 300).view(np.uint32) >> bits << bits
    assert ratio(values.tobytes(), sheet_of(ELEMENTS["F32"], (400, 300))) < share
    assert ratio(weights(400, 300).tobytes(), sheet_of(ELEMENTS["F32"], (400, 300))) > 0.8


def test_rows_that_are_less_are_found_among_others() -> None:
    values = weights(400, 300).view(np.uint32)
    values[::2] = values[::2] >> 16 << 16
    assert ratio(values.tobytes(), sheet_of(ELEMENTS["F32"], (400, 300))) < 0.6


def test_float64_that_is_float32_is_found() -> None:
    values = weights(300, 300).astype(np.float64)
    assert ratio(values.tobytes(), sheet_of(ELEMENTS["F64"], (300, 300))) < 0.43


def test_zeros_take_next_to_nothing() -> None:
    values = weights(300, 300)
    values[np.random.default_rng(2).random((300, 300)) < 0.9] = 0
    assert ratio(bfloat16(values).tobytes(), sheet_of(ELEMENTS["BF16"], (300, 300))) < 0.11
    assert ratio(bytes(180_000), sheet_of(ELEMENTS["BF16"], (300, 300))) < 0.001


def test_small_whole_numbers_take_what_they_need() -> None:
    numbers = np.random.default_rng(3).integers(0, 16, 100_000)
    assert ratio(numbers.astype(np.int8).tobytes(), sheet_of(BYTES, (100, 1000))) < 0.52
    assert ratio(numbers.astype(np.int64).tobytes(), sheet_of(ELEMENTS["I64"], (100, 1000))) < 0.07


def test_the_payload_of_a_tiny_sheet_is_frozen() -> None:
    data = np.array([0x3F80, 0xBF00, 0x0000, 0x3E99], "<u2").tobytes()
    payload = encode_sheet(data, sheet_of(ELEMENTS["BF16"], (2, 2)))
    assert payload.hex() == (
        "020700010000000200000002000000170000007e0001802000000180200000088010000580100008040015000000c0ff4980"
        "08003780080005800800068008002c01014a"
    )
    assert decode_sheet(payload, 8) == data


def test_every_truncation_is_refused() -> None:
    data = bfloat16(weights(4, 5)).tobytes()
    payload = encode_sheet(data, sheet_of(ELEMENTS["BF16"], (4, 5)))
    for length in range(len(payload)):
        with pytest.raises(FormatError, match=r"."):
            decode_sheet(payload[:length], len(data))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_payload_is_refused_or_decodes_to_as_many_bytes(place: int, flip: int) -> None:
    data = weights(8, 9).tobytes()
    payload = bytearray(encode_sheet(data, sheet_of(ELEMENTS["F32"], (8, 9))))
    payload[place % len(payload)] ^= flip
    with contextlib.suppress(FormatError):
        assert len(decode_sheet(bytes(payload), len(data))) == len(data)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\x02\x07\x00", "head of a block of tensors is cut short"),
        (b"\x03\x07\x00\x01\x00\x00\x00" + bytes(8), "elements of 3 bytes and 7 bits of mantissa"),
        (b"\x02\x07\x00\x00\x00\x00\x00", "0 matrices"),
        (b"\x02\x07\x00\xff\xff\xff\xff", "4294967295 matrices, or no room"),
        (b"\x02\x07\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00", "have 12 bytes; the block has 8"),
        (b"\x02\x07\x04\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", "levels have 4 bits of fraction"),
        (b"\x02\x00\x01\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00", "levels have 1 bits of fraction"),
        (b"\x02\x07\x00\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x09\x00\x00\x00", "needs 13 bytes"),
    ],
)
def test_a_head_that_lies_is_refused(head: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        decode_sheet(head, 8)
