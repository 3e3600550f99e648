"""The plain data of an archive, in order, decoded on several threads."""

import hashlib
import io
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

from multum.archive import coding
from multum.archive.bases import HeldBase, check_base
from multum.archive.coding import CodedBlock
from multum.archive.frames import BlockHeader, Header
from multum.archive.lanes import Lanes
from multum.archive.limits import count_threads, fit_threads
from multum.archive.programs import HeldProgram, open_record, share_threads
from multum.archive.walking import Walker
from multum.errors import FormatError
from multum.mixing import Meter

Progress = Callable[[int, int | None], None]


def check_memory(header: Header, threads: int | None, limit_bytes: int | None) -> int:
    """Return the threads that fit in memory. Raises LimitExceeded when not one does."""
    return fit_threads(count_threads(threads), header.memory_bytes, limit_bytes, "unpacking")


def decode_checked(
    header: Header,
    block: BlockHeader,
    recipe: bytes,
    code: bytes,
    offset: int,
    meter: Meter | None = None,
    program: HeldProgram | None = None,
    threads: int = 1,
    base: HeldBase | None = None,
) -> bytes:
    """Return the plain data of a block, its checksum checked.

    offset: of the block in the archive, for messages. meter, program, threads, base: see decode_block. Raises
    FormatError, also when the block would take more memory than the header states.
    """
    coded = CodedBlock(block.raw_bytes, block.method, block.transforms, recipe, code)
    try:
        need_bytes = coding.memory_bytes(coded, program)
        if need_bytes > header.memory_bytes:
            raise FormatError(
                f"a block needs {need_bytes} bytes of memory, the header states {header.memory_bytes}",
                offset,
            )
        raw = coding.decode_block(coded, meter, program, threads, base)
    except FormatError as error:
        raise error if error.offset is not None else FormatError(str(error), offset) from error
    except (ArithmeticError, LookupError, ValueError, TypeError) as error:
        # The one boundary where a malformed recipe or payload may surface as a foreign error.
        raise FormatError(f"a block cannot be decoded: {error}", offset) from error
    if len(raw) != block.raw_bytes or zlib.crc32(raw) != block.raw_crc:
        raise FormatError("a block does not decode to the data that was packed", offset)
    return raw


def decode_stream(
    stream: BinaryIO | Walker,
    threads: int | None = None,
    memory_limit: int | None = None,
    progress: Progress | None = None,
    total_bytes: int | None = None,
    program: HeldProgram | None = None,
    base: HeldBase | None = None,
) -> Generator[bytes, None, None]:
    """Yield the plain data block by block, and check the digest after the last.

    program, base: what the archive was made with, where it does not carry it.
    Data that came before an error was checked block by block, but the whole is
    only proven when the iteration ends. Raises FormatError, LimitExceeded,
    ProgramMismatch.
    """
    walker = stream if isinstance(stream, Walker) else Walker(stream)
    digest, done = hashlib.sha256(), 0
    meters: deque[Meter] = deque()  # of the blocks in the lanes

    def tell() -> None:
        if progress is not None:
            progress(done + sum(meter.done_bytes for meter in meters), total_bytes)

    threads = check_memory(walker.header, threads, memory_limit)
    held, compared = _open_program(walker, program), check_base(walker.read_base(), base)
    for raw in _decode_blocks(walker, held, compared, threads, tell if progress is not None else None, meters):
        digest.update(raw)
        yield raw
        meters.popleft()
        done += len(raw)
        tell()
    assert walker.end is not None
    if digest.digest() != walker.end.digest:
        raise FormatError("the content does not match its digest", walker.archive_bytes)


def _open_program(walker: Walker, given: HeldProgram | None) -> HeldProgram | None:
    """Return the program of the archive that is walked, or None where it has none. Raises ProgramMismatch."""
    record = walker.read_record()
    return None if record is None else open_record(record, given)


def _decode_blocks(
    walker: Walker,
    program: HeldProgram | None,
    base: HeldBase | None,
    threads: int,
    on_wait: Callable[[], None] | None,
    meters: deque[Meter],
) -> Iterator[bytes]:
    """Yield decoded blocks in order, no more than threads allow; append the meter of each to `meters`."""
    at_once, each = share_threads(threads, program)
    lanes: Lanes[bytes] = Lanes(at_once, on_wait)
    try:
        for _ in walker.blocks():
            block, code = walker.take_original()
            recipe = walker.recipe_of(block)
            if lanes.full:
                yield lanes.pop()
            meters.append(Meter())
            place = walker.block_offset
            lanes.submit(decode_checked, walker.header, block, recipe, code, place, meters[-1], program, each, base)
        yield from lanes.drain()
    finally:
        lanes.close()
        walker.close()


class PlainStream(io.RawIOBase):
    """A readable stream over an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """pieces: what the stream reads as, one after another."""
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill `buffer` from the present piece; 0 at the end."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def drain(self) -> None:
        """Read to the end, so that every check of the archive has been made."""
        for _ in self._pieces:
            pass
