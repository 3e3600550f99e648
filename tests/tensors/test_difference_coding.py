"""Tensors told by their differences from others come back bit for bit; what hardly changed hardly takes any."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.tensors.difference_coding import decode_difference, encode_difference
from multum.tensors.lossless import encode_sheet
from multum.tensors.sheets import ELEMENTS, KINDS, Matrix, Sheet

FLOATS = ELEMENTS["F32"]


def states(step: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights [120, 100] before and after a step; the first third of the rows stays as it was."""
    rng = np.random.default_rng(4)
    before = rng.normal(size=(120, 100)).astype(np.float32)
    after = (before + step * rng.normal(size=before.shape)).astype(np.float32)
    after[:40] = before[:40]
    return before, after


def sheet_of(kind: tuple[int, int], *shapes: tuple[int, int]) -> Sheet:
    return Sheet(*kind, tuple(Matrix(*shape) for shape in shapes))


@pytest.mark.parametrize(("step", "share"), [(0.0, 0.006), (1e-5, 0.24), (1e-2, 0.45)])
def test_small_steps_take_few_bits(step: float, share: float) -> None:
    before, after = (state.tobytes() for state in states(step))
    sheet = sheet_of(FLOATS, (50, 100), (70, 100))
    payload = encode_difference(after, before, sheet)
    assert decode_difference(payload, before) == after
    assert len(payload) < share * len(after) < len(encode_sheet(after, sheet))


@given(st.sampled_from(sorted(KINDS)), st.binary(min_size=1, max_size=100), st.binary(min_size=1, max_size=100))
def test_any_two_come_back(kind: tuple[int, int], one: bytes, other: bytes) -> None:
    size = kind[0] * 30
    after, before = (one * size)[:size], (other * size)[:size]
    payload = encode_difference(after, before, sheet_of(kind, (3, 5), (15, 1)))
    assert decode_difference(payload, before) == after


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_farthest_apart_come_back(kind: tuple[int, int]) -> None:
    width = kind[0]
    ends = [b"\0" * width, b"\xff" * width, b"\0" * (width - 1) + b"\x80", b"\xff" * (width - 1) + b"\x7f"]
    after = b"".join(end for end in ends for _ in ends)
    before = b"".join(ends * len(ends))
    payload = encode_difference(after, before, sheet_of(kind, (4, 4)))
    assert decode_difference(payload, before) == after


def test_the_payload_of_a_tiny_sheet_is_frozen() -> None:
    after = np.array([0x3F80, 0xBF00, 0x0000, 0x3E99], "<u2").tobytes()
    before = np.array([0x3F81, 0xBF00, 0x8000, 0x3E90], "<u2").tobytes()
    payload = encode_difference(after, before, sheet_of(ELEMENTS["BF16"], (2, 2)))
    assert payload.hex() == (
        "0207000100000002000000020000000b0000007f000280108010001004006c000000ffff0180200000018020ffff00080001"
        "8020ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00"
        "ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff00ffff0001000180200000010001"
    )
    assert decode_difference(payload, before) == after


def test_every_truncation_is_refused() -> None:
    before, after = (state[:4, :5].tobytes() for state in states(0.1))
    payload = encode_difference(after, before, sheet_of(FLOATS, (4, 5)))
    for length in range(len(payload)):
        with pytest.raises(FormatError, match=r"."):
            decode_difference(payload[:length], before)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_payload_is_refused_or_decodes_to_as_many_bytes(place: int, flip: int) -> None:
    before, after = (state[:8, :9].tobytes() for state in states(0.1))
    payload = bytearray(encode_difference(after, before, sheet_of(FLOATS, (8, 9))))
    payload[place % len(payload)] ^= flip
    with contextlib.suppress(FormatError):
        assert len(decode_difference(bytes(payload), before)) == len(before)


def test_a_manner_that_nobody_knows_is_refused() -> None:
    before, after = (state.tobytes() for state in states(0.1))
    payload = bytearray(encode_difference(after, before, sheet_of(FLOATS, (120, 100))))
    payload[2] = 1
    with pytest.raises(FormatError, match="coded in manner 0 only, not 1"):
        decode_difference(bytes(payload), before)
