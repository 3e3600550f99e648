"""Streams as a reader and a writer may meet them: unseekable, and in any pieces."""

import io
from typing import BinaryIO, cast


class PiecesStream(io.RawIOBase):
    """An unseekable stream that gives its data in pieces of given lengths, in turn."""

    def __init__(self, data: bytes, lengths: list[int]) -> None:
        """lengths: of the pieces, each 1 or more; the last one is repeated."""
        self._data, self._lengths, self._position = data, list(lengths), 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next piece, or as much of it as is asked for."""
        length = self._lengths.pop(0) if len(self._lengths) > 1 else self._lengths[0]
        if size >= 0:
            length = min(length, size)
        piece = self._data[self._position : self._position + length]
        self._position += len(piece)
        return piece


def pieces_stream(data: bytes, lengths: list[int]) -> BinaryIO:
    """Return an unseekable stream of `data` in pieces of these lengths; typed as open's files are."""
    return cast(BinaryIO, PiecesStream(data, lengths))


def one_byte_stream(data: bytes) -> BinaryIO:
    """Return an unseekable stream that gives one byte at a time."""
    return pieces_stream(data, [1])


class SlowSink(io.RawIOBase):
    """A raw stream that takes at most seven bytes at a time."""

    def __init__(self) -> None:
        """Start empty."""
        self.taken = bytearray()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Take the start of `data` and return its length."""
        piece = bytes(data[:7])
        self.taken += piece
        return len(piece)
