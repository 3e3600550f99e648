"""LEB128 varints, and a cursor that reads fields from bytes and says where they fail.

Invariant: every number has exactly one encoding (the shortest), so equal
archives are equal bytes and a reader can refuse anything else.
"""

import struct

from multum.errors import FormatError

LARGEST_VARINT = (1 << 63) - 1
LONGEST_VARINT_BYTES = 9  # 9 * 7 = 63 bits


def encode_varint(number: int) -> bytes:
    """Return `number` (0 to 2**63 - 1) as LEB128: 7 bits a byte, low bits first."""
    assert 0 <= number <= LARGEST_VARINT, number
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode_zigzag(number: int) -> bytes:
    """Return a signed `number` (|number| < 2**62) as a varint: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return encode_varint(number * 2 if number >= 0 else -number * 2 - 1)


class Cursor:
    """Read fields one after another from `data`; faults carry their offset in the archive."""

    def __init__(self, data: bytes, offset: int) -> None:
        """data: the bytes of a frame body. offset: where it lies in the archive."""
        self._data = data
        self._start = offset
        self._position = 0

    @property
    def offset(self) -> int:
        """Position in the archive of the next unread byte."""
        return self._start + self._position

    def take(self, count: int, what: str) -> bytes:
        """Return the next `count` bytes. Raises FormatError naming `what` when there are fewer."""
        piece = self._data[self._position : self._position + count]
        if len(piece) < count:
            raise FormatError(f"{what} needs {count} bytes, its frame has {len(piece)} left", self.offset)
        self._position += count
        return piece

    def byte(self, what: str) -> int:
        """Return the next byte as a number. Raises FormatError at the end of the frame."""
        return self.take(1, what)[0]

    def u32(self, what: str) -> int:
        """Return the next 4 bytes, little-endian. Raises FormatError at the end of the frame."""
        return int(struct.unpack("<I", self.take(4, what))[0])

    def varint(self, what: str, largest: int = LARGEST_VARINT) -> int:
        """Return the next varint. Raises FormatError when it is too long, padded or over `largest`."""
        start, number = self.offset, 0
        for position in range(LONGEST_VARINT_BYTES):
            byte = self.byte(what)
            number |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                return _checked_varint(number, byte, position, what, largest, start)
        raise FormatError(f"{what} is a number of more than 63 bits", start)

    def zigzag(self, what: str) -> int:
        """Return the next signed varint. Raises FormatError as `varint` does."""
        number = self.varint(what)
        return number // 2 if number % 2 == 0 else -(number // 2) - 1

    def finish(self, what: str) -> None:
        """Check that nothing is left. Raises FormatError with the number of bytes too many."""
        left = len(self._data) - self._position
        if left:
            raise FormatError(f"{what} has {left} bytes too many", self.offset)


def _checked_varint(number: int, last: int, position: int, what: str, largest: int, start: int) -> int:
    """Return `number` when its encoding is the shortest and it is allowed, else raise."""
    if last == 0 and position > 0:
        raise FormatError(f"{what} is not written in the shortest form", start)
    if number > largest:
        raise FormatError(f"{what} is {number}, the largest allowed is {largest}", start)
    return number
