"""Blocks that hold what an earlier block holds: written as its number, and found again.

A reader of a file goes back to the earlier block. A reader of a pipe cannot: it keeps the payloads that may be
repeated in a temporary file without a name, so that memory stays as it is.
Invariant: a repeat points at a block of rows of tensors, never at another repeat.
"""

import tempfile
from dataclasses import dataclass
from typing import BinaryIO

from multum.archive.frames import ROW_METHODS, BlockHeader
from multum.archive.sources import ByteSource
from multum.archive.varints import Cursor, encode_varint
from multum.errors import FormatError


def encode_repeat(number: int) -> bytes:
    """Return the payload of a block that repeats block `number`, counted from 0."""
    return encode_varint(number)


def decode_repeat(payload: bytes, before: int, offset: int) -> int:
    """Return the number of the block that is repeated. Raises FormatError unless it is below `before`."""
    cursor = Cursor(payload, offset)
    number = cursor.varint("number of the repeated block")
    cursor.finish("payload of a repeat")
    if number >= before:
        raise FormatError(f"a block repeats block {number}, {before} came before", offset)
    return number


def check_repeat(block: BlockHeader, original: BlockHeader, offset: int) -> None:
    """Raise FormatError unless `block` may stand for `original` once more."""
    same = (block.raw_bytes, block.raw_crc) == (original.raw_bytes, original.raw_crc)
    if original.method not in ROW_METHODS or not same or block.recipe or block.transforms:
        raise FormatError("a block repeats one that has other data, or that cannot be repeated", offset)


@dataclass(frozen=True)
class _Kept:
    """A block that may be repeated. at: of its payload, in the archive or in the temporary file."""

    block: BlockHeader
    at: int


class Repeatable:
    """The blocks read so far that later ones may repeat."""

    def __init__(self, source: ByteSource) -> None:
        """source: of the archive; the file is made with the first block that needs it."""
        self._source = source
        self._file: BinaryIO | None = None
        self._kept: dict[int, _Kept] = {}

    def keep(self, number: int, block: BlockHeader, payload: bytes) -> None:
        """Note block `number`, whose payload was just read."""
        if block.method not in ROW_METHODS:
            return
        if self._source.seekable:
            self._kept[number] = _Kept(block, self._source.offset - len(payload))
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="multum-")  # noqa: SIM115 - closed by close
        self._kept[number] = _Kept(block, self._file.seek(0, 2))
        self._file.write(payload)

    def find(self, payload: bytes, number: int, repeat: BlockHeader, offset: int) -> tuple[BlockHeader, bytes]:
        """Return (header, payload) of the block that block `number` repeats. Raises FormatError."""
        kept = self._kept.get(decode_repeat(payload, number, offset))
        if kept is None:
            raise FormatError("a block repeats one that cannot be repeated", offset)
        check_repeat(repeat, kept.block, offset)
        return kept.block, self._read(kept)

    def close(self) -> None:
        """Let go of the temporary file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _read(self, kept: _Kept) -> bytes:
        if self._file is not None:
            self._file.seek(kept.at)
            return self._file.read(kept.block.coded_bytes)
        here = self._source.offset
        self._source.seek(kept.at)
        payload = self._source.read(kept.block.coded_bytes, "payload")
        self._source.seek(here)
        return payload
