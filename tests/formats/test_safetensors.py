"""The layout of a safetensors file is told from its header, and a header that lies is refused by name."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.errors import FormatError
from multum.formats.safetensors import DTYPE_BITS, LARGEST_HEADER, read_header_bytes, read_layout

ONE = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def head(fields: Any) -> bytes:
    """Return length field and header of JSON, or of text as it is."""
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return struct.pack("<Q", len(text)) + text


def test_tensors_come_in_the_order_of_their_bytes() -> None:
    fields = {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
        "empty": {"dtype": "F64", "shape": [3, 0], "data_offsets": [32, 32]},
        "a": ONE,
        "scalar": {"dtype": "I64", "shape": [], "data_offsets": [32, 40]},
    }
    data = head(fields)
    layout = read_layout(data, len(data) + 40)
    assert [place.name for place in layout.tensors] == ["a", "b", "empty", "scalar"]
    assert [(place.start - len(data), place.stop - len(data)) for place in layout.tensors] == [
        (0, 24),
        (24, 32),
        (32, 32),
        (32, 40),
    ]
    assert layout.tensors[0].shape == (2, 3)
    assert (layout.header_bytes, layout.size_bytes, layout.metadata) == (len(data), len(data) + 40, {"format": "pt"})


def test_a_header_may_be_padded_with_spaces() -> None:
    assert read_layout(head(json.dumps({"a": ONE}).encode() + b"   ")).tensors[0].name == "a"


def test_a_file_without_tensors_has_a_layout() -> None:
    assert read_layout(head({}), 10).tensors == ()


@pytest.mark.parametrize("dtype", DTYPE_BITS)
def test_every_type_has_its_length(dtype: str) -> None:
    size = 8 * DTYPE_BITS[dtype] // 8
    data = head({"a": {"dtype": dtype, "shape": [2, 4], "data_offsets": [0, size]}})
    assert read_layout(data, len(data) + size).size_bytes == len(data) + size


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": ONE | {"dtype": "F33"}}, "tensor 'a' has dtype 'F33'; known are BOOL"),
        ({"a": ONE | {"dtype": ["F32"]}}, "has dtype"),
        ({"a": ONE | {"shape": [2, -3]}}, "tensor 'a' has no shape"),
        ({"a": ONE | {"shape": [2, True]}}, "tensor 'a' has no shape"),
        ({"a": ONE | {"shape": [2, 3.0]}}, "tensor 'a' has no shape"),
        ({"a": ONE | {"shape": [1] * 65}}, "tensor 'a' has no shape: a list of up to 64"),
        ({"a": ONE | {"shape": [1 << 60]}}, "tensor 'a' has no shape"),
        ({"a": ONE | {"shape": [2, 2]}}, r"tensor 'a' has 24 bytes; F32 of shape \[2, 2\] needs 16"),
        ({"a": ONE | {"data_offsets": [24, 0]}}, "tensor 'a' has no data_offsets"),
        ({"a": ONE | {"data_offsets": [0]}}, "tensor 'a' has no data_offsets"),
        ({"a": ONE | {"data_offsets": [4, 28]}}, "tensor 'a' leaves 4 bytes out"),
        ({"a": ONE, "b": ONE}, "tensor 'b' overlaps what is before it"),
        ({"a": ONE, "b": ONE | {"data_offsets": [28, 52]}}, "tensor 'b' leaves 4 bytes out"),
        ({"a": ONE | {"more": 1}}, "tensor 'a' needs dtype, shape and data_offsets, and nothing else"),
        ({"a": {"dtype": "F32"}}, "tensor 'a' needs dtype, shape"),
        ({"a": 7}, "tensor 'a' needs dtype"),
        ({"__metadata__": {"a": 1}}, "__metadata__ is no table of texts"),
        ({"__metadata__": ["a"]}, "__metadata__ is no table of texts"),
        (b'{"a": 1, "a": 2}', "a name is there twice"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": ', "the header cannot be read"),
        (b'{"a": ' + b"[" * 100_000, "the header cannot be read"),
        (b'{"\xff": 1}', "the header cannot be read"),
        (b"{}[]", "the header cannot be read"),
    ],
)
def test_a_header_that_lies_is_refused(fields: Any, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_layout(head(fields))


def test_a_file_of_another_length_is_refused_with_the_byte() -> None:
    data = head({"a": ONE})
    with pytest.raises(FormatError, match=f"truncated: the tensors end at byte {len(data) + 24}") as short:
        read_layout(data, len(data) + 23)
    assert short.value.offset == len(data) + 23
    with pytest.raises(FormatError, match="2 bytes follow the last tensor") as long:
        read_layout(data, len(data) + 26)
    assert long.value.offset == len(data) + 24


def test_what_starts_no_such_file_is_refused() -> None:
    with pytest.raises(FormatError, match="needs 9 bytes at least, 8 are there"):
        read_header_bytes(bytes(8))
    with pytest.raises(FormatError, match=f"length of the header is 0, allowed are 2 to {LARGEST_HEADER}"):
        read_header_bytes(bytes(8) + b"{")
    with pytest.raises(FormatError, match="length of the header is 1000000000000"):
        read_header_bytes(struct.pack("<Q", 10**12) + b"{")
    with pytest.raises(FormatError, match="starts with 0x5b, not with a brace"):
        read_header_bytes(struct.pack("<Q", 9) + b"[")


def test_every_truncation_is_refused() -> None:
    data = head({"a": ONE})
    for length in range(len(data)):
        with pytest.raises(FormatError, match="truncated"):
            read_layout(data[:length])


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_a_changed_header_is_refused_or_has_a_layout(place: int, change: bytes) -> None:
    data = head({"a": ONE, "b": ONE | {"data_offsets": [24, 48]}})
    place %= len(data)
    changed = data[:place] + change + data[place + len(change) :]
    try:
        layout = read_layout(changed[: len(data)])
    except FormatError:
        return
    assert [place.start for place in layout.tensors] == [layout.header_bytes, layout.header_bytes + 24][
        : len(layout.tensors)
    ]
