"""Sheets: what a block of rows of tensors consists of, and the parts that all payloads of one are made of.

Invariant: a sheet is told by its shapes alone, and they are checked against the block before memory is taken.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.bits.interleaved import decode_numbers, encode_numbers
from multum.errors import FormatError
from multum.tensors.histograms import decode_histograms, encode_histograms, fit_histograms
from multum.tensors.plain_bits import SPARE_WORDS, WORD_BITS

# (bytes, bits of mantissa) of an element of each type; no mantissa: its bytes are coded for themselves.
ELEMENTS = {
    "F8_E4M3": (1, 3),
    "F8_E5M2": (1, 2),
    "F8_E4M3FNUZ": (1, 3),
    "F8_E5M2FNUZ": (1, 2),
    "F16": (2, 10),
    "BF16": (2, 7),
    "F32": (4, 23),
    "F64": (8, 52),
    "I16": (2, 0),
    "U16": (2, 0),
    "I32": (4, 0),
    "U32": (4, 0),
    "I64": (8, 0),
    "U64": (8, 0),
    "C64": (4, 23),
}
BYTES = (1, 0)  # any other
KINDS = frozenset([*ELEMENTS.values(), BYTES])
LARGEST_COUNT = 1 << 16

_HEAD = struct.Struct("<BBBI")  # bytes and mantissa of an element, what the manner of coding needs, matrices
_SHAPE = struct.Struct("<II")
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Matrix:
    """The shape of rows of a tensor."""

    rows: int
    columns: int

    @property
    def count(self) -> int:
        """How many elements it has."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Sheet:
    """What a block consists of. width, mantissa: of an element, one of KINDS. matrices: one after another."""

    width: int
    mantissa: int
    matrices: tuple[Matrix, ...]

    @property
    def count(self) -> int:
        """How many elements it has."""
        return sum(matrix.count for matrix in self.matrices)

    @property
    def size_bytes(self) -> int:
        """How many bytes its elements take."""
        return self.width * self.count


def encode_head(sheet: Sheet, manner: int) -> bytes:
    """Return what a payload of `sheet` begins with. manner: a byte of the caller's."""
    head = _HEAD.pack(sheet.width, sheet.mantissa, manner, len(sheet.matrices))
    return head + b"".join(_SHAPE.pack(matrix.rows, matrix.columns) for matrix in sheet.matrices)


def read_head(payload: bytes, raw_bytes: int) -> tuple[Sheet, int, bytes]:
    """Return (sheet, manner, what follows the head) of the payload of a block of `raw_bytes`. Raises FormatError."""
    if len(payload) < _HEAD.size:
        raise FormatError("the head of a block of tensors is cut short")
    width, mantissa, manner, count = _HEAD.unpack_from(payload)
    end = _HEAD.size + count * _SHAPE.size
    if (width, mantissa) not in KINDS:
        raise FormatError(f"a block of tensors has elements of {width} bytes and {mantissa} bits of mantissa")
    if not 0 < count <= LARGEST_COUNT or end > len(payload):
        raise FormatError(f"a block of tensors has {count} matrices, or no room for their shapes")
    matrices = tuple(Matrix(*_SHAPE.unpack_from(payload, at)) for at in range(_HEAD.size, end, _SHAPE.size))
    sheet = Sheet(width, mantissa, matrices)
    if sheet.size_bytes != raw_bytes or not all(matrix.count for matrix in matrices):
        raise FormatError(f"the matrices of a block have {sheet.size_bytes} bytes; the block has {raw_bytes}")
    return sheet, manner, payload[end:]


def encode_counted(numbers: NDArray[np.int16], contexts: NDArray[np.uint8], tables: int) -> bytes:
    """Return tables made for `numbers`, and their code under them. contexts: below `tables`."""
    fitted = fit_histograms(numbers, contexts, tables)
    return encode_histograms(fitted) + encode_numbers(numbers, contexts, fitted)


def decode_counted(code: bytes, contexts: NDArray[np.uint8], tables: int) -> NDArray[np.int16]:
    """Return the numbers that encode_counted made `code` of. Raises FormatError."""
    fitted, at = decode_histograms(code, tables)
    return decode_numbers(code[at:], contexts, fitted)


def with_length(data: bytes) -> bytes:
    """Return `data` after its length."""
    return _LENGTH.pack(len(data)) + data


def split_length(data: bytes) -> tuple[bytes, bytes]:
    """Return (what with_length was given, what follows it). Raises FormatError when it is cut short."""
    if len(data) < _LENGTH.size:
        raise FormatError("a part of a block of tensors is cut short")
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    if end > len(data):
        raise FormatError(f"a part of a block of tensors needs {end} bytes, {len(data)} are there")
    return data[_LENGTH.size : end], data[end:]


def make_words(bits: int) -> NDArray[np.uint32]:
    """Return zeros with room for so many bits."""
    return np.zeros(-(-bits // WORD_BITS) + SPARE_WORDS, np.uint32)


def words_to_bytes(words: NDArray[np.uint32], bits: int) -> bytes:
    """Return the first `bits` of `words` as the fewest bytes."""
    return words.astype("<u4").tobytes()[: -(-bits // 8)]


def bytes_to_words(data: bytes) -> NDArray[np.uint32]:
    """Return the words that words_to_bytes made `data` of, and SPARE_WORDS of zeros."""
    spare = SPARE_WORDS * WORD_BITS // 8
    return np.frombuffer(data + bytes(-len(data) % 4 + spare), "<u4").astype(np.uint32)


def check_bits(at: int, data: bytes) -> None:
    """Raise FormatError unless bit `at` is where the bits in `data` end; -1: they ended before."""
    if at < 0 or -(-at // 8) != len(data):
        raise FormatError(f"the elements of a block do not end where its {len(data)} bytes of plain bits do")
