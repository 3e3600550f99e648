"""Exact reads from any binary stream, and one frame at a time.

Invariant: memory taken follows the bytes that are really there, never a
declared length alone.
"""

import zlib
from dataclasses import dataclass
from typing import BinaryIO

from multum.archive.frames import (
    CRC_BYTES,
    LARGEST_BODY,
    LARGEST_HEADER,
    MAGIC,
    VERSION,
    Header,
    crc32_bytes,
    decode_header,
)
from multum.archive.varints import LONGEST_VARINT_BYTES, Cursor
from multum.errors import FormatError, UsageError

PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Frame:
    """A frame whose checksum holds. offset: of its first byte; frame_bytes: with length and CRC."""

    kind: bytes
    body: bytes
    offset: int
    body_offset: int
    frame_bytes: int


class ByteSource:
    """Read exactly what is asked for from a stream, counting bytes from where it stood."""

    def __init__(self, stream: BinaryIO) -> None:
        """stream: a binary stream at the start of an archive; it may be unseekable."""
        self._stream = stream
        self.seekable = stream.seekable()
        self._start = stream.tell() if self.seekable else 0
        self.offset = 0

    def size(self) -> int | None:
        """Return the length of the archive's stream in bytes, or None when it cannot seek."""
        if not self.seekable:
            return None
        size = self._stream.seek(0, 2) - self._start
        self.seek(self.offset)
        return size

    def seek(self, offset: int) -> None:
        """Go to `offset`, counted from the start of the archive."""
        self._stream.seek(self._start + offset)
        self.offset = offset

    def read(self, count: int, what: str) -> bytes:
        """Return exactly `count` bytes. Raises FormatError naming `what` when the stream ends."""
        start, pieces, missing = self.offset, [], count
        while missing:
            piece = self._read_some(min(missing, PIECE_BYTES))
            if not piece:
                have = count - missing
                raise FormatError(f"truncated: {what} needs {count} bytes, {have} are there", start + have)
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _read_some(self, count: int) -> bytes:
        """Return one to `count` bytes, or b"" at the end of the stream."""
        piece = self._stream.read(count)
        if piece is None:
            raise UsageError("the source is a non-blocking stream; give one that blocks")
        self.offset += len(piece)
        return piece

    def skip(self, count: int, what: str) -> None:
        """Pass over `count` bytes. Raises FormatError when the stream ends before."""
        size = self.size()
        if size is None:
            while count:
                count -= len(self.read(min(count, PIECE_BYTES), what))
        elif self.offset + count > size:
            have = size - self.offset
            raise FormatError(f"truncated: {what} needs {count} bytes, {have} are there", size)
        else:
            self.seek(self.offset + count)

    def expect_end(self) -> None:
        """Check that the stream ends here. Raises FormatError for anything after the archive."""
        if self._read_some(1):
            raise FormatError("there is data after the end of the archive", self.offset - 1)


def read_header(source: ByteSource) -> Header:
    """Return the checked header at the start of `source`. Raises FormatError."""
    start = source.read(1, "header")
    while MAGIC.startswith(start) and len(start) < len(MAGIC):
        start += source.read(1, "header")
    if start == MAGIC:
        start += source.read(1, "header")
    _check_magic(start)
    length = _read_length(source, LARGEST_HEADER, "header")
    offset = source.offset
    body = source.read(Cursor(length, 0).varint("header length"), "header")
    if source.read(CRC_BYTES, "header") != crc32_bytes(start + length + body):
        raise FormatError("the header does not match its checksum", 0)
    return decode_header(body, offset)


def _check_magic(start: bytes) -> None:
    """Raise FormatError unless `start` is the magic and a version this reader knows."""
    if start[: len(MAGIC)] != MAGIC:
        if start[:4] == MAGIC[:4]:
            raise FormatError("line ends were converted; transfer the archive as binary data", 4)
        raise FormatError("this is not a Multum archive", 0)
    if start[len(MAGIC)] != VERSION:
        raise FormatError(
            f"the archive has format version {start[len(MAGIC)]}, this program reads {VERSION};"
            " a newer multum may read it",
            len(MAGIC),
        )


def _read_length(source: ByteSource, largest: int, what: str) -> bytes:
    """Return the bytes of a length prefix whose value is allowed. Raises FormatError."""
    start, prefix = source.offset, b""
    while len(prefix) < LONGEST_VARINT_BYTES:
        prefix += source.read(1, what)
        if prefix[-1] < 0x80:
            break
    Cursor(prefix, start).varint(f"length of {what}", largest)
    return prefix


def read_frame(source: ByteSource) -> Frame:
    """Return the next frame, its checksum checked. Raises FormatError."""
    offset = source.offset
    kind = source.read(1, "frame")
    if kind not in LARGEST_BODY:
        raise FormatError(f"0x{kind[0]:02x} does not start a frame", offset)
    length = _read_length(source, LARGEST_BODY[kind], "frame")
    body_offset = source.offset
    body = source.read(Cursor(length, 0).varint("frame length"), "frame")
    crc = source.read(CRC_BYTES, "frame")
    if zlib.crc32(kind + length + body) != int.from_bytes(crc, "little"):
        raise FormatError(f"frame {kind.decode()} does not match its checksum", offset)
    return Frame(kind, body, offset, body_offset, source.offset - offset)
