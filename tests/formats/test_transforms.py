"""Every transform is undone exactly; an unknown one is refused."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multum.errors import FormatError
from multum.formats.transforms import X86, apply_transforms, invert_transforms

# Dense in the bytes that the transform looks for, so that calls overlap.
calls = st.lists(st.sampled_from([0xE8, 0xE9, 0, 255, 1, 0x90]), max_size=60).map(bytes)


@given(st.one_of(st.binary(max_size=200), calls))
@example(b"\xe8\xe8\xe8\xe8\x00\x00\x00\x00\xff")
@example(b"\xe8\xff\xff\xff\xff")
@example(b"\xe8\0\xe8\0\1\0\0")  # a call inside another, whose deciding byte moves
@example(bytes(65280) + b"\xe8\0\xe8\0\1\0\0")
def test_x86_is_undone_exactly(data: bytes) -> None:
    changed = apply_transforms(bytes([X86]), data)
    assert len(changed) == len(data)
    assert invert_transforms(bytes([X86]), changed) == data
    assert apply_transforms(bytes([X86]), invert_transforms(bytes([X86]), data)) == data


@given(st.one_of(st.binary(max_size=80), calls))
def test_several_transforms_are_undone_last_first(data: bytes) -> None:
    names = bytes([X86, X86])
    assert invert_transforms(names, apply_transforms(names, data)) == data


def test_calls_of_one_place_become_equal() -> None:
    """Two calls of the same function, 100 bytes apart, differ in their distance only."""
    data = bytearray(b"\x90" * 200)
    for place in (20, 120):
        data[place : place + 5] = b"\xe8" + (5000 - place).to_bytes(4, "little")
    changed = apply_transforms(bytes([X86]), bytes(data))
    assert changed[20:25] == changed[120:125] == b"\xe8" + (5000).to_bytes(4, "little")


def test_no_transform_changes_nothing() -> None:
    data = np.random.default_rng(1).bytes(300)
    assert apply_transforms(b"", data) == invert_transforms(b"", data) == data


@pytest.mark.parametrize("name", [0, 2, 255])
def test_an_unknown_transform_is_refused(name: int) -> None:
    with pytest.raises(FormatError, match=rf"transform {name}; this version knows \[1\]; upgrade multum"):
        invert_transforms(bytes([name]), b"data")
