"""safetensors: where each tensor of a file lies, told from the bytes of its header.

A file is eight bytes with the length of the header, the header (JSON), and the tensors' bytes one
after another. Invariant: what is returned leaves no byte of the file out and gives none to two tensors.
Source: the format's description at github.com/huggingface/safetensors.
"""

import json
from dataclasses import dataclass
from math import prod
from typing import Any, NoReturn

from multum.errors import FormatError

LENGTH_BYTES = 8
LARGEST_HEADER = 100_000_000
LARGEST_DIMENSION = (1 << 53) - 1  # what JSON's readers agree on
LARGEST_RANK = 64  # as numpy has it
METADATA = "__metadata__"

# Bits of an element of each type.
DTYPE_BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}


@dataclass(frozen=True)
class TensorPlace:
    """A tensor of a file. start, stop: its bytes, counted from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class TensorFile:
    """The layout of a file. tensors: in the order of their bytes. metadata: what its writer noted."""

    header_bytes: int
    size_bytes: int
    tensors: tuple[TensorPlace, ...]
    metadata: dict[str, str]


def read_header_bytes(start: bytes) -> int:
    """Return the length in bytes of length field and header, from the first nine bytes of a file.

    Raises FormatError for what starts no such file.
    """
    if len(start) <= LENGTH_BYTES:
        raise FormatError(f"truncated: a safetensors file needs 9 bytes at least, {len(start)} are there", len(start))
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    if not 2 <= length <= LARGEST_HEADER:
        raise FormatError(f"length of the header is {length}, allowed are 2 to {LARGEST_HEADER}", 0)
    if start[LENGTH_BYTES] != ord("{"):
        raise FormatError(f"the header starts with 0x{start[LENGTH_BYTES]:02x}, not with a brace", LENGTH_BYTES)
    return LENGTH_BYTES + length


def read_layout(head: bytes, size_bytes: int | None = None) -> TensorFile:
    """Return the layout of the file that begins with `head`: length field and header, all of both.

    size_bytes: of the file, where it is known; it must be what the header says.
    Raises FormatError naming the tensor, and the byte where its bytes are wrong.
    """
    header_bytes = read_header_bytes(head)
    if len(head) < header_bytes:
        raise FormatError(f"truncated: the header ends at byte {header_bytes}, {len(head)} bytes are there", len(head))
    fields = _parse(head[LENGTH_BYTES:header_bytes])
    metadata = fields.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FormatError(f"{METADATA} is no table of texts", LENGTH_BYTES)
    places = [_read_place(name, entry, header_bytes) for name, entry in fields.items()]
    tensors = tuple(sorted(places, key=lambda place: (place.start, place.stop)))
    stop = _check_contiguous(tensors, header_bytes)
    if size_bytes is not None and size_bytes < stop:
        raise FormatError(f"truncated: the tensors end at byte {stop}, the file has {size_bytes} bytes", size_bytes)
    if size_bytes is not None and size_bytes > stop:
        raise FormatError(f"{size_bytes - stop} bytes follow the last tensor", stop)
    return TensorFile(header_bytes, stop, tensors, metadata)


def _parse(text: bytes) -> dict[str, Any]:
    """Return the table in a header. Raises FormatError for what is none, or names a tensor twice."""
    try:
        fields = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # FormatError is a ValueError
        raise FormatError(f"the header cannot be read: {error}", LENGTH_BYTES) from error
    if not isinstance(fields, dict):
        raise FormatError("the header is no table of tensors", LENGTH_BYTES)
    return fields


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a table of `pairs`. Raises FormatError when a name comes twice."""
    table = dict(pairs)
    if len(table) < len(pairs):
        raise FormatError("a name is there twice")
    return table


def _refuse_constant(name: str) -> NoReturn:
    raise FormatError(f"{name} is no number of JSON")


def _read_place(name: str, entry: Any, header_bytes: int) -> TensorPlace:
    """Return the tensor that `entry` describes. Raises FormatError."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"tensor {name!r} needs dtype, shape and data_offsets, and nothing else", LENGTH_BYTES)
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        known = ", ".join(DTYPE_BITS)
        raise FormatError(f"tensor {name!r} has dtype {dtype!r}; known are {known}", LENGTH_BYTES)
    if not _are_counts(shape) or len(shape) > LARGEST_RANK:
        raise FormatError(f"tensor {name!r} has no shape: a list of up to {LARGEST_RANK} sizes is needed", LENGTH_BYTES)
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise FormatError(f"tensor {name!r} has no data_offsets: a start and an end are needed", LENGTH_BYTES)
    start, stop = offsets
    bits = prod(shape) * DTYPE_BITS[dtype]
    if bits != 8 * (stop - start):
        raise FormatError(
            f"tensor {name!r} has {stop - start} bytes; {dtype} of shape {shape} needs {bits / 8:g}",
            header_bytes + start,
        )
    return TensorPlace(name, dtype, tuple(shape), header_bytes + start, header_bytes + stop)


def _are_counts(value: Any) -> bool:
    """Return whether `value` is a list of whole numbers that are not negative nor absurd; True and False are none."""
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= LARGEST_DIMENSION for item in value)


def _check_contiguous(tensors: tuple[TensorPlace, ...], start: int) -> int:
    """Return where the last tensor ends. Raises FormatError for a gap between tensors, or where two overlap."""
    for place in tensors:
        if place.start != start:
            fault = "overlaps what is before it" if place.start < start else f"leaves {place.start - start} bytes out"
            raise FormatError(f"tensor {place.name!r} {fault}", min(place.start, start))
        start = place.stop
    return start
