"""A seekable file over an archive that decodes only the blocks it needs."""

import bisect
import io
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from multum.archive.bases import HeldBase, check_base, open_base
from multum.archive.decoding import check_memory, decode_checked
from multum.archive.frames import (
    BASE,
    BLOCK,
    INDEX,
    PROGRAM,
    RECIPE,
    REPEAT,
    TAIL_BYTES,
    BlockHeader,
    End,
    Entry,
    Header,
    decode_block_header,
    decode_index,
)
from multum.archive.limits import count_threads
from multum.archive.programs import HeldProgram, hold, open_record, share_threads
from multum.archive.repeats import check_repeat, decode_repeat
from multum.archive.sources import ByteSource, Frame, read_frame, read_header
from multum.archive.walking import Walker, check_needs, decode_base_frame, decode_end_frame, decode_program_frame
from multum.errors import FormatError, UsageError

BUFFER_BYTES = 1 << 16


@dataclass(frozen=True)
class Layout:
    """Where everything is in an archive. Offsets in bytes from its start."""

    header: Header
    end: End
    program_offset: int | None
    base_offset: int | None
    recipe_offsets: list[int]
    block_offsets: list[int]
    raw_offsets: list[int]  # one more than blocks: the last is the content length
    recipes_before: list[int]  # how many recipes precede each block


def read_layout(stream: BinaryIO, source: ByteSource) -> Layout:
    """Return the layout of the archive in a seekable `stream`, read from its end.

    source: made of `stream` where the archive starts.
    Raises FormatError when header, index and end do not fit together; payloads
    are not read. Cost: proportional to the index.
    """
    header = read_header(source)
    header_bytes = source.offset
    size = source.size()
    assert size is not None
    source.seek(max(header_bytes, size - TAIL_BYTES))
    tail = int.from_bytes(source.read(TAIL_BYTES, "tail"), "little")
    if tail > size - header_bytes:
        raise FormatError("the tail points before the first frame", size - TAIL_BYTES)
    source.seek(size - tail)
    frame = read_frame(source)
    if frame.kind != INDEX:
        return _layout_without_index(stream, source, decode_end_frame(frame))
    entries = decode_index(frame.body, frame.body_offset)
    if sum(entry.raw_bytes is not None for entry in entries) < 2:
        raise FormatError("an index stands in archives of two blocks or more only", frame.offset)
    end = decode_end_frame(read_frame(source))
    if source.offset != size - TAIL_BYTES:
        raise FormatError("the tail does not follow the end", source.offset)
    return _lay_out(header, end, entries, header_bytes, frame.offset)


def _layout_without_index(stream: BinaryIO, source: ByteSource, end: End) -> Layout:
    """Return the layout of an archive of one block or none, by walking it."""
    source.seek(0)
    walker = Walker(stream)
    for count, _ in enumerate(walker.blocks()):
        if count:
            raise FormatError("an archive of several blocks has no index", walker.block_offset)
    if walker.end != end:
        raise FormatError("the archive has two ends", walker.archive_bytes)
    total = sum(entry.frame_bytes for entry in walker.entries)
    start = walker.header_bytes
    return _lay_out(walker.header, end, walker.entries, start, start + total)


def _lay_out(header: Header, end: End, entries: list[Entry], start: int, stop: int) -> Layout:
    """Return the layout by adding up the index. Raises FormatError when it does not fill the file."""
    offsets = [start, *(start + entry.frame_bytes for entry in entries[:1])]
    program_offset = start if header.program and entries else None
    base_offset = offsets[header.program] if header.base and len(entries) > header.program else None
    layout = Layout(header, end, program_offset, base_offset, [], [], [0], [])
    for number, entry in enumerate(entries):
        if number < header.program + header.base:
            pass  # program and base come before all others
        elif entry.raw_bytes is None:
            layout.recipe_offsets.append(start)
        else:
            layout.block_offsets.append(start)
            layout.raw_offsets.append(layout.raw_offsets[-1] + entry.raw_bytes)
            layout.recipes_before.append(len(layout.recipe_offsets))
        start += entry.frame_bytes
    if start != stop or layout.raw_offsets[-1] != end.raw_bytes:
        raise FormatError("the index does not add up to the archive", stop)
    return layout


class ArchiveFile(io.RawIOBase):
    """The plain content of an archive as a raw, seekable, read-only file."""

    def __init__(
        self,
        stream: BinaryIO,
        memory_limit: int | None = None,
        cached_blocks: int = 2,
        program: HeldProgram | None = None,
        base: HeldBase | None = None,
        closes: bool = False,
    ) -> None:
        """closes: whether closing this file closes `stream`.

        program, base: what the archive was made with, where it does not carry it. Raises FormatError, LimitExceeded,
        ProgramMismatch.
        """
        self._stream, self._closes = stream, closes
        self._source = ByteSource(stream)
        self.layout = read_layout(stream, self._source)
        check_memory(self.layout.header, 1, memory_limit)
        self._program = self._open_program(program)
        self._base = self._open_base(base)
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._cached_blocks = cached_blocks
        self._position = 0

    def _open_program(self, given: HeldProgram | None) -> HeldProgram | None:
        """Return the archive's program, or None where it has none. Raises ProgramMismatch, FormatError."""
        if self.layout.program_offset is None:
            return None
        frame = self._frame(self._source, self.layout.program_offset, PROGRAM)
        return open_record(decode_program_frame(frame, self.layout.header), given)

    def _open_base(self, given: HeldBase | None) -> HeldBase | None:
        """Return the archive's base, or None where it has none. Raises ProgramMismatch, FormatError."""
        if self.layout.base_offset is None:
            return None
        return check_base(decode_base_frame(self._frame(self._source, self.layout.base_offset, BASE)), given)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the plain content, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position in the plain content; nothing is decoded. Raises UsageError."""
        if whence not in (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END):
            raise UsageError(f"whence is {whence}, allowed are 0 (start), 1 (here) and 2 (end)")
        base = (0, self._position, self.layout.end.raw_bytes)[whence]
        if base + offset < 0:
            raise UsageError(f"position {base + offset} lies before the start of the content")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill `buffer` up to the end of the present block; 0 at the end of the content."""
        if self._position >= self.layout.end.raw_bytes or not len(buffer):
            return 0
        number = bisect.bisect_right(self.layout.raw_offsets, self._position) - 1
        start = self._position - self.layout.raw_offsets[number]
        raw = memoryview(self._block(number))[start : start + len(buffer)]
        buffer[: len(raw)] = raw
        self._position += len(raw)
        return len(raw)

    def close(self) -> None:
        """Forget the decoded blocks, and close the archive if it was opened here."""
        self._cache.clear()
        if self._closes:
            self._stream.close()
        super().close()

    def _block(self, number: int) -> bytes:
        """Return the plain data of block `number`, from the cache if it is there."""
        if number not in self._cache:
            while len(self._cache) >= self._cached_blocks:
                self._cache.popitem(last=False)
            self._cache[number] = self._decode(number)
        self._cache.move_to_end(number)
        return self._cache[number]

    def _read_block(self, number: int) -> tuple[BlockHeader, bytes, int]:
        """Return (header, code, offset) of block `number`, its checksum checked. Raises FormatError."""
        layout, source = self.layout, self._source
        frame = self._frame(source, layout.block_offsets[number], BLOCK)
        block = decode_block_header(frame.body, frame.body_offset, layout.header.block_bytes)
        if block.raw_bytes != layout.raw_offsets[number + 1] - layout.raw_offsets[number]:
            raise FormatError("a block has another length than the index says", frame.offset)
        code = source.read(block.coded_bytes, "payload")
        if zlib.crc32(code) != block.code_crc:
            raise FormatError("the payload does not match its checksum", frame.offset)
        if block.recipe > layout.recipes_before[number]:
            raise FormatError(f"block refers to recipe {block.recipe}, not yet seen", frame.offset)
        check_needs(block, layout.header, frame.offset)
        return block, code, frame.offset

    def _decode(self, number: int) -> bytes:
        """Return block `number` decoded and checked. Raises FormatError."""
        layout, source = self.layout, self._source
        block, code, offset = self._read_block(number)
        if block.method == REPEAT:
            repeat, (block, code, _) = block, self._read_block(decode_repeat(code, number, offset))
            check_repeat(repeat, block, offset)
        recipe = b""
        if block.recipe:
            recipe = self._frame(source, layout.recipe_offsets[block.recipe - 1], RECIPE).body
        return decode_checked(
            layout.header,
            block,
            recipe,
            code,
            offset,
            None,
            self._program,
            share_threads(count_threads(None), self._program)[1],
            self._base,
        )

    def _frame(self, source: ByteSource, offset: int, kind: bytes) -> Frame:
        """Return the frame at `offset`. Raises FormatError when it is not of `kind`."""
        source.seek(offset)
        frame = read_frame(source)
        if frame.kind != kind:
            raise FormatError("the index points at a frame of another kind", offset)
        return frame


def open_archive(
    source: "str | Path | BinaryIO",
    *,
    memory_limit: int | None = None,
    cached_blocks: int = 2,
    program: "str | Path | HeldProgram | None" = None,
    base: "str | Path | None" = None,
) -> io.BufferedReader:
    """Return the plain content of an archive as a seekable binary file.

    source: a path, or a seekable binary stream standing at the archive's start.
    Only blocks that are read are decoded, each checked against its checksum;
    `cached_blocks` decoded blocks are kept. For an archive of a folder the
    content is its tar stream. program, base: see `unpack`.
    Raises FormatError, LimitExceeded, ProgramMismatch, UsageError for a source
    that cannot seek.
    """
    held, compared = hold(program, None, memory_limit), None if base is None else open_base(base)
    if isinstance(source, str | Path):
        stream: BinaryIO = Path(source).open("rb")  # noqa: SIM115 - closed by the file that is returned
        try:
            raw = ArchiveFile(stream, memory_limit, cached_blocks, held, compared, closes=True)
        except BaseException:
            stream.close()
            raise
        return io.BufferedReader(raw, BUFFER_BYTES)
    if not source.seekable():
        raise UsageError("open needs a source that can seek; use unpack for a pipe")
    return io.BufferedReader(ArchiveFile(source, memory_limit, cached_blocks, held, compared), BUFFER_BYTES)
