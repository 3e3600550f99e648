"""Walk an archive front to back and check all that needs no decoding.

Works on pipes as on files; reading, listing and testing share it, so they
agree on what a well-formed archive is.
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from multum.archive.bases import BaseRecord, decode_base
from multum.archive.frames import (
    BASE,
    BLOCK,
    DIFFERENCE,
    INDEX,
    PROGRAM,
    PROGRAM_METHODS,
    RECIPE,
    REPEAT,
    TAIL_BYTES,
    BlockHeader,
    End,
    Entry,
    Header,
    decode_block_header,
    decode_end,
    decode_index,
)
from multum.archive.records import ProgramRecord, decode_record
from multum.archive.repeats import Repeatable
from multum.archive.sources import ByteSource, Frame, read_frame, read_header
from multum.errors import FormatError


class Walker:
    """One pass over an archive's frames.

    Iterate `blocks()`; inside the loop `take_payload()` gives the code of the
    present block, `take_original()` what decodes to its data, and a payload not
    taken is skipped. After the loop `end`,
    `entries` and `archive_bytes` are set and consistent with each other.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read the header. Raises FormatError."""
        self._source = ByteSource(stream)
        self.header = read_header(self._source)
        self.header_bytes = self._source.offset
        self.program_bytes = 0  # of the PROGRAM frame, once it was read
        self._record: ProgramRecord | None = None
        self._base: BaseRecord | None = None
        self.recipes: list[bytes] = []
        self._known_recipes: set[bytes] = set()
        self.entries: list[Entry] = []
        self.end: End | None = None
        self.archive_bytes = 0
        self.block_offset = 0
        self._pending: BlockHeader | None = None
        self._blocks = 0  # opened so far
        self._repeatable = Repeatable(self._source)

    def read_record(self) -> ProgramRecord | None:
        """Return the program that the archive was made with, or None. Raises FormatError.

        It is read when it is first asked for; memory was checked before.
        """
        if self.header.program and not self.program_bytes:
            frame = read_frame(self._source)
            self._record = decode_program_frame(frame, self.header)
            self.program_bytes = frame.frame_bytes
            self.entries.append(Entry(frame.frame_bytes, None))
        return self._record

    def read_base(self) -> BaseRecord | None:
        """Return the base that the archive was made with, or None. Raises FormatError. Read when first asked for."""
        self.read_record()
        if self.header.base and self._base is None:
            frame = read_frame(self._source)
            self._base = decode_base_frame(frame)
            self.entries.append(Entry(frame.frame_bytes, None))
        return self._base

    def blocks(self) -> Iterator[BlockHeader]:
        """Yield the header of each block, then check index and end. Raises FormatError."""
        self.read_base()
        while True:
            frame = read_frame(self._source)
            if frame.kind == RECIPE:
                self._add_recipe(frame)
            elif frame.kind == BLOCK:
                yield self._open_block(frame)
                self._skip_payload()
            else:
                self._finish(frame)
                return

    def _add_recipe(self, frame: Frame) -> None:
        """Number a recipe that later blocks refer to."""
        if not frame.body or frame.body in self._known_recipes:
            raise FormatError("a recipe is empty or written twice", frame.offset)
        self._known_recipes.add(frame.body)
        self.recipes.append(frame.body)
        self.entries.append(Entry(frame.frame_bytes, None))

    def _open_block(self, frame: Frame) -> BlockHeader:
        """Return the block of `frame`, its payload pending. Raises FormatError."""
        block = decode_block_header(frame.body, frame.body_offset, self.header.block_bytes)
        if block.recipe > len(self.recipes):
            raise FormatError(
                f"block refers to recipe {block.recipe}, {len(self.recipes)} came before",
                frame.offset,
            )
        check_needs(block, self.header, frame.offset)
        self.entries.append(Entry(frame.frame_bytes + block.coded_bytes, block.raw_bytes))
        self.block_offset = frame.offset
        self._pending = block
        self._blocks += 1
        return block

    def recipe_of(self, block: BlockHeader) -> bytes:
        """Return the recipe that `block` refers to, or b"" for none."""
        return self.recipes[block.recipe - 1] if block.recipe else b""

    def take_original(self) -> tuple[BlockHeader, bytes]:
        """Return (header, code) of the present block, or of the one that it repeats. Raises FormatError."""
        block = self._pending
        code = self.take_payload()
        assert block is not None, "a payload was there"
        number = self._blocks - 1
        if block.method == REPEAT:
            return self._repeatable.find(code, number, block, self.block_offset)
        self._repeatable.keep(number, block, code)
        return block, code

    def take_payload(self) -> bytes:
        """Return the code of the present block, its checksum checked. Raises FormatError."""
        block = self._pending
        assert block is not None, "a payload is taken once, inside the loop over blocks()"
        self._pending = None
        code = self._source.read(block.coded_bytes, "payload")
        if zlib.crc32(code) != block.code_crc:
            raise FormatError("the payload does not match its checksum", self.block_offset)
        return code

    def close(self) -> None:
        """Let go of what was kept for blocks that repeat others; the stream stays open."""
        self._repeatable.close()

    def _skip_payload(self) -> None:
        """Pass over the payload if the caller did not take it."""
        if self._pending is not None:
            self._source.skip(self._pending.coded_bytes, "payload")
            self._pending = None

    def _finish(self, frame: Frame) -> None:
        """Check index, end and tail against what was walked. Raises FormatError."""
        raws = [entry.raw_bytes for entry in self.entries if entry.raw_bytes is not None]
        tail_start = frame.offset
        if (frame.kind == INDEX) != (len(raws) > 1):
            raise FormatError("an index stands in archives of two blocks or more only", tail_start)
        if frame.kind == INDEX:
            if decode_index(frame.body, frame.body_offset) != self.entries:
                raise FormatError("the index does not agree with the frames", tail_start)
            frame = read_frame(self._source)
        self.end = decode_end_frame(frame)
        if self.end.raw_bytes != sum(raws):
            raise FormatError("the content length does not agree with the blocks", frame.offset)
        self._finish_tail(tail_start)

    def _finish_tail(self, tail_start: int) -> None:
        """Check the last four bytes and that nothing follows. Raises FormatError."""
        tail = int.from_bytes(self._source.read(TAIL_BYTES, "tail"), "little")
        if tail != self._source.offset - tail_start:
            raise FormatError("the tail does not point at the index", self._source.offset - TAIL_BYTES)
        self.archive_bytes = self._source.offset
        self._source.expect_end()


def decode_end_frame(frame: Frame) -> End:
    """Return the end in `frame`. Raises FormatError when it is a frame of another kind."""
    if frame.kind in (PROGRAM, BASE, RECIPE, BLOCK, INDEX):
        raise FormatError(f"frame {frame.kind.decode()} is not allowed here", frame.offset)
    return decode_end(frame.body, frame.body_offset)


def decode_program_frame(frame: Frame, header: Header) -> ProgramRecord:
    """Return the program in `frame`. Raises FormatError for another frame, or for more than the header's memory."""
    if frame.kind != PROGRAM:
        raise FormatError(f"frame {frame.kind.decode()} is not allowed here, a program was announced", frame.offset)
    record = decode_record(frame.body, frame.body_offset)
    if record.size_bytes > header.memory_bytes:
        raise FormatError(
            f"a program of {record.size_bytes} bytes needs more memory than the header states, {header.memory_bytes}",
            frame.offset,
        )
    return record


def decode_base_frame(frame: Frame) -> BaseRecord:
    """Return the base in `frame`. Raises FormatError for another frame."""
    if frame.kind != BASE:
        raise FormatError(f"frame {frame.kind.decode()} is not allowed here, a base was announced", frame.offset)
    return decode_base(frame.body, frame.body_offset)


def check_needs(block: BlockHeader, header: Header, offset: int) -> None:
    """Raise FormatError for a block that needs a program or a base in an archive that has none."""
    if block.method == DIFFERENCE and not header.base:
        raise FormatError("a block is told by its differences from a base, and the archive has none", offset)
    if block.method in PROGRAM_METHODS and not header.program:
        raise FormatError(f"a block is coded with a program, and the archive has none (method {block.method})", offset)
