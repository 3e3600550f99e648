"""Write an archive to a stream, block by block, at constant memory.

Bytes depend on the content, the level and the metadata only: blocks are cut
at fixed places whatever the chunks of input, and written in order whatever
the threads.
"""

import hashlib
import zlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from multum.archive import coding
from multum.archive.bases import encode_base
from multum.archive.coding import CodedBlock, Coder
from multum.archive.cutting import ContentCutter, Cut, Cutter, Opening
from multum.archive.decoding import Progress
from multum.archive.frames import (
    BASE,
    BLOCK,
    INDEX,
    METHOD_NAMES,
    PROGRAM,
    RECIPE,
    REPEAT,
    ROW_METHODS,
    STORED,
    BlockHeader,
    End,
    Entry,
    Header,
    Metadata,
    encode_block_header,
    encode_end,
    encode_frame,
    encode_header,
    encode_index,
)
from multum.archive.lanes import Lanes
from multum.archive.limits import count_threads, fit_threads
from multum.archive.programs import share_threads
from multum.archive.records import ProgramRecord, encode_record
from multum.archive.repeats import encode_repeat
from multum.errors import MultumError, UsageError
from multum.formats.safetensors import LENGTH_BYTES
from multum.mixing import Meter, check_level

if TYPE_CHECKING:
    from multum.tensors.grids import Grid


@dataclass(frozen=True)
class Written:
    """What was written. Sizes in bytes; program_bytes: of the PROGRAM frame; digest: SHA-256 of the content.

    methods: how much of the content each method has, by its name.
    """

    raw_bytes: int
    archive_bytes: int
    coded_bytes: int
    program_bytes: int
    blocks: int
    digest: bytes
    methods: dict[str, int]


@dataclass(frozen=True)
class _Ready:
    """A block coded and summed, to be written. repeats: the number of an earlier block of the same data, or None."""

    block: CodedBlock
    raw_crc: int
    repeats: int | None = None


def write_all(target: BinaryIO, data: bytes) -> None:
    """Write all of `data`, also to a raw stream that takes a part at a time."""
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]


def _encode(cut: Cut, coder: Coder, verify: bool, repeats: int | None, meter: Meter) -> _Ready:
    """Return a block coded; stored when coding would not make it shorter, or while it is to repeat another."""
    raw = cut.raw
    stored = CodedBlock(len(raw), STORED, b"", b"", raw)
    if repeats is not None:
        return _Ready(stored, zlib.crc32(raw), repeats)
    block = coding.encode_block(raw, coder, meter, cut.planned)
    if block.method != STORED and len(block.code) >= len(raw):
        block = stored
    if verify and coding.decode_block(block, None, coder.program, coder.threads, coder.base) != raw:
        raise MultumError(
            f"a block of {len(raw)} bytes does not decode to itself at level {coder.level};"
            " the source is untouched; please report this as a bug"
        )
    return _Ready(block, zlib.crc32(raw))


class ArchiveWriter:
    """Take the content by `write`, put the archive on `target`; `finish` or `close` at the end."""

    def __init__(
        self,
        target: BinaryIO,
        coder: Coder,
        *,
        threads: int | None = None,
        metadata: Metadata | None = None,
        tar: bool = False,
        memory_limit: int | None = None,
        verify: bool = False,
        record: ProgramRecord | None = None,
        progress: Progress | None = None,
        total_bytes: int | None = None,
        grids: "Mapping[str, Mapping[str, Grid]] | None" = None,
    ) -> None:
        """verify: decode each block again and compare. total_bytes: for `progress` only.

        record: of the coder's program, None where it has none. grids: of tensors by their names, by the names of
        files. Raises UsageError for a level out of range.
        """
        check_level(coder.level)
        self._target, self._coder, self._record = target, coder, record
        self._threads, self._memory_limit = count_threads(threads), memory_limit
        self._metadata, self._tar, self._verify = metadata, tar, verify
        self._progress, self._total_bytes = progress, total_bytes
        self._cutter = ContentCutter(lambda: Cutter(*coding.cut_bytes(coder)), coding.tensor_block_bytes(coder))
        self._digests: dict[bytes, int] = {}  # of blocks that may be repeated: their numbers
        self._started = 0
        self._methods: list[int] = []  # of the blocks written
        self._content_by_method: Counter[int] = Counter()
        self._lanes: Lanes[_Ready] | None = None
        self._meters: deque[Meter] = deque()  # of the blocks in the lanes
        self._recipes: dict[bytes, int] = {}
        self._entries: list[Entry] = []
        self._digest = hashlib.sha256()
        self._grids = dict(grids or {})
        self._raw_bytes = self._coded_bytes = self._program_bytes = self._archive_bytes = 0

    @property
    def room(self) -> int:
        """Bytes that fill the present block; writes of this size are not copied."""
        return self._cutter.room

    def open_file(self, name: str, offset: int, size_bytes: int | None) -> None:
        """Announce that a file's bytes will be the content from `offset` on, in which tensors are looked for.

        name: as `grids` know it. size_bytes: of the file; None where it ends with the content.
        """
        holds_head = size_bytes is None or size_bytes > LENGTH_BYTES
        if holds_head and self._coder.finds_tensors:
            self._cutter.open_file(Opening(offset, size_bytes, self._grids.pop(name, {}), self._coder.base))

    def write(self, data: bytes, /) -> int:
        """Take `data` into the archive and return its length. Raises LimitExceeded, UsageError, OSError."""
        for cut in self._cutter.add(data):
            self._start_block(cut)
        return len(data)

    def _start_block(self, cut: Cut) -> None:
        """Hand a block to the lanes; write the oldest result first when they are full."""
        self._digest.update(cut.raw)
        lanes = self._lanes or self._start(self._most_bytes(cut))
        if lanes.full:
            self._put_block(lanes.pop())
        self._meters.append(Meter())
        lanes.submit(_encode, cut, self._coder, self._verify, self._find_repeated(cut), self._meters[-1])
        self._started += 1

    def _most_bytes(self, first: Cut) -> int:
        """Return what no block exceeds: the first one, but that tensors cut it short."""
        return coding.cut_bytes(self._coder)[0] if self._cutter.found_tensors else len(first.raw)

    def _find_repeated(self, cut: Cut) -> int | None:
        """Return the number of an earlier block of rows that holds the same as `cut`, or None."""
        if cut.planned is None:
            return None
        number = self._digests.setdefault(hashlib.sha256(cut.raw).digest(), self._started)
        return number if number < self._started else None

    def _start(self, block_bytes: int) -> Lanes[_Ready]:
        """Write the header and the program. block_bytes: no block is longer."""
        coder, record = self._coder, self._record
        need_bytes = coding.coder_memory_bytes(coder, block_bytes)
        threads = fit_threads(self._threads, need_bytes, self._memory_limit, "packing")
        at_once, each = share_threads(threads, coder.program)
        self._coder = replace(coder, threads=each)
        marks = bool(record), coder.base is not None
        self._put(encode_header(Header(coder.level, block_bytes, need_bytes, self._tar, self._metadata, *marks)))
        if record is not None:
            self._program_bytes = self._put_frame(PROGRAM, encode_record(record))
        if coder.base is not None:
            self._put_frame(BASE, encode_base(coder.base.record))
        self._lanes = Lanes(at_once, self._tell if self._progress is not None else None)
        return self._lanes

    def _tell(self) -> None:
        """Tell how far the work is; also called while nothing changes, as a sign of life."""
        if self._progress is not None:
            self._progress(self._raw_bytes + sum(meter.done_bytes for meter in self._meters), self._total_bytes)

    def _put(self, data: bytes) -> None:
        write_all(self._target, data)
        self._archive_bytes += len(data)

    def _put_frame(self, kind: bytes, body: bytes) -> int:
        """Write a frame that is no block, and return its length."""
        frame = encode_frame(kind, body)
        self._put(frame)
        self._entries.append(Entry(len(frame), None))
        return len(frame)

    def _recipe_number(self, recipe: bytes) -> int:
        """Return the number of `recipe`, writing it when it is new; 0 for none."""
        if not recipe:
            return 0
        if recipe not in self._recipes:
            self._put_frame(RECIPE, recipe)
            self._recipes[recipe] = len(self._recipes) + 1
        return self._recipes[recipe]

    def _put_block(self, ready: _Ready) -> None:
        """Write one coded block and tell how far the work is."""
        block = ready.block
        if ready.repeats is not None and self._methods[ready.repeats] in ROW_METHODS:
            block = replace(block, method=REPEAT, code=encode_repeat(ready.repeats))
        self._methods.append(block.method)
        self._content_by_method[block.method] += block.raw_bytes
        number = self._recipe_number(block.recipe)
        header = BlockHeader(
            block.raw_bytes,
            len(block.code),
            block.method,
            block.transforms,
            number,
            ready.raw_crc,
            zlib.crc32(block.code),
        )
        frame = encode_frame(BLOCK, encode_block_header(header))
        self._put(frame)
        self._put(block.code)
        self._entries.append(Entry(len(frame) + len(block.code), block.raw_bytes))
        self._meters.popleft()
        self._raw_bytes += block.raw_bytes
        self._coded_bytes += len(block.code)
        self._tell()

    def finish(self) -> Written:
        """Write what is left, the index and the end; return the totals."""
        for cut in self._cutter.finish():
            self._start_block(cut)
        if self._grids:
            raise UsageError(
                f"there are grids for {', '.join(map(repr, self._grids))} and no safetensors file so named"
            )
        lanes = self._lanes or self._start(0)
        for ready in lanes.drain():
            self._put_block(ready)
        self.close()
        blocks = sum(entry.raw_bytes is not None for entry in self._entries)
        index = encode_frame(INDEX, encode_index(self._entries)) if blocks > 1 else b""
        digest = self._digest.digest()
        self._put(index + encode_end(End(self._raw_bytes, digest), len(index)))
        sizes = self._raw_bytes, self._archive_bytes, self._coded_bytes, self._program_bytes
        methods = {METHOD_NAMES[method]: size for method, size in sorted(self._content_by_method.items())}
        return Written(*sizes, blocks, digest, methods)

    def close(self) -> None:
        """Stop the threads; safe to call at any time, also after `finish`."""
        if self._lanes is not None:
            self._lanes.close()
