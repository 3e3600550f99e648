"""Where content is cut into blocks: at places that depend on the content only, however it arrives.

Bytes of any kind are cut by their number. The tensors of a safetensors file, where one stands at the start of the
content or of a file in a folder, are cut at tensors and rows.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multum.archive.bases import HeldBase
from multum.archive.planning import LEAST_BYTES, Planned, plan_blocks
from multum.errors import FormatError, UsageError
from multum.formats.safetensors import LENGTH_BYTES, TensorFile, read_header_bytes, read_layout

if TYPE_CHECKING:
    from multum.tensors.grids import Grid


class Cutter:
    """Gathers content and gives it back in blocks.

    Blocks are all full but the last. With halves_from the last two are equal instead: as soon as so many bytes
    are left, there are two blocks of them, so that two threads have work.
    """

    def __init__(self, block_bytes: int, halves_from: int | None = None) -> None:
        """block_bytes: no block is longer."""
        self._block_bytes, self._halves_from = block_bytes, halves_from
        # A full block goes once it is known not to be one of the last two.
        self._most = block_bytes if halves_from is None else 2 * block_bytes + 1
        self._chunks: list[bytes] = []
        self._held = 0

    @property
    def room(self) -> int:
        """Bytes after which a block goes; pieces of this size are not copied more than need be."""
        return self._most - self._held

    def add(self, data: bytes) -> Iterator[bytes]:
        """Take `data`; yield the blocks that are full by it."""
        view = memoryview(data)
        while view:
            piece = data if len(view) == len(data) <= self.room else bytes(view[: self.room])
            view = view[len(piece) :]
            self._chunks.append(piece)
            self._held += len(piece)
            if not self.room:
                yield self._take(self._block_bytes)

    def finish(self) -> Iterator[bytes]:
        """Yield the blocks of what is left."""
        if self._halves_from is not None and self._held >= self._halves_from:
            yield self._take((self._held + 1) // 2)
        if self._held:
            yield self._take(self._held)

    def _take(self, size_bytes: int) -> bytes:
        """Return the first bytes held."""
        held = b"".join(self._chunks)
        block, rest = held[:size_bytes], held[size_bytes:]
        self._chunks, self._held = [rest] if rest else [], len(rest)
        return block


_ENDLESS = 1 << 62


@dataclass(frozen=True)
class Cut:
    """A block of content. planned: what tensors it is rows of; None for bytes of any kind."""

    raw: bytes
    planned: Planned | None = None


@dataclass(frozen=True)
class Opening:
    """Where a file begins in the content.

    size_bytes: more than LENGTH_BYTES, or None where nobody knows. grids: of its tensors, by name. base: what its
    tensors may be like.
    """

    offset: int
    size_bytes: int | None
    grids: "Mapping[str, Grid]"
    base: HeldBase | None = None


class ContentCutter:
    """Cuts content of any kind: gathers it, and gives it back in blocks.

    A file that `open_file` announced is read as safetensors. One that turns out to be none is bytes like any other;
    so is what follows a file that is longer than its tensors, or the last tensor of one that ends early.
    """

    def __init__(self, make_plain: Callable[[], Cutter], most_bytes: int) -> None:
        """make_plain: makes what cuts bytes of any kind. most_bytes: of a block, and of a file's header."""
        self._make_plain, self._most_bytes = make_plain, most_bytes
        self._plain = make_plain()
        self._openings: deque[Opening] = deque()
        self._at = 0  # position in the content
        self._head: bytearray | None = None  # of a file that may hold tensors, while it is gathered
        self._head_bytes = LENGTH_BYTES + 1
        self._planned: deque[Planned] = deque()
        self._rows: list[bytes] = []  # of the first planned block
        self._rows_bytes = 0
        self.found_tensors = False

    @property
    def room(self) -> int:
        """Bytes after which a block goes; pieces of this size are not copied more than need be."""
        return self._planned[0].size_bytes - self._rows_bytes if self._planned else self._plain.room

    def open_file(self, opening: Opening) -> None:
        """Announce a file before its bytes come; files are announced in order."""
        self._openings.append(opening)

    def add(self, data: bytes) -> Iterator[Cut]:
        """Take `data`; yield the blocks that are full by it."""
        view = memoryview(data)
        while view:
            self._begin_head()
            size = min(len(view), self._wanted())
            piece = data if size == len(data) else bytes(view[:size])
            view = view[size:]
            self._at += size
            yield from self._take(piece)

    def _begin_head(self) -> None:
        """Gather the head of a file that begins here."""
        if self._openings and self._openings[0].offset == self._at:
            self._head, self._head_bytes = bytearray(), LENGTH_BYTES + 1

    def _wanted(self) -> int:
        """Return how many bytes go where the next one goes."""
        if self._head is not None:
            return self._head_bytes - len(self._head)
        if self._planned:
            return self.room
        return self._openings[0].offset - self._at if self._openings else _ENDLESS

    def _take(self, piece: bytes) -> Iterator[Cut]:
        """Take bytes that all go to one place; yield the blocks that are full by them."""
        if self._head is not None:
            self._head += piece
            if len(self._head) == self._head_bytes:
                yield from self._read_head(bytes(self._head))
        elif self._planned:
            self._rows.append(piece)
            self._rows_bytes += len(piece)
            if self._rows_bytes == self._planned[0].size_bytes:
                yield Cut(self._take_rows(), self._planned.popleft())
        else:
            yield from map(Cut, self._plain.add(piece))

    def _read_head(self, head: bytes) -> Iterator[Cut]:
        """Find out what a file is by all of its head that is there: more of it, its tensors, or bytes."""
        opening = self._openings[0]
        try:
            self._head_bytes = read_header_bytes(head)
            most_bytes = self._most_bytes if opening.size_bytes is None else min(self._most_bytes, opening.size_bytes)
            if len(head) < self._head_bytes <= most_bytes:
                return
            layout = read_layout(head, opening.size_bytes)
        except FormatError:
            layout = None
        self._head = None
        self._openings.popleft()
        if layout is None and opening.grids:
            raise UsageError(f"there are grids for {', '.join(opening.grids)} in a file that is not safetensors")
        yield from map(Cut, self._plain.add(head))
        if layout is not None and (layout.size_bytes - layout.header_bytes >= LEAST_BYTES or opening.grids):
            yield from self._begin_tensors(layout, opening)

    def _begin_tensors(self, layout: TensorFile, opening: Opening) -> Iterator[Cut]:
        """End the block of bytes that came before the tensors, and plan theirs."""
        self.found_tensors = True
        yield from map(Cut, self._plain.finish())
        self._plain = self._make_plain()
        self._planned.extend(plan_blocks(layout, self._most_bytes, opening.grids, opening.base))

    def _take_rows(self) -> bytes:
        """Return the bytes gathered of the present planned block."""
        rows = self._rows[0] if len(self._rows) == 1 else b"".join(self._rows)
        self._rows, self._rows_bytes = [], 0
        return rows

    def finish(self) -> Iterator[Cut]:
        """Yield the blocks of what is left."""
        # a head or a row that the content ends in is no more than bytes
        left = self._take_rows() if self._head is None else bytes(self._head)
        self._head = None
        self._planned.clear()
        yield from map(Cut, self._plain.add(left))
        yield from map(Cut, self._plain.finish())
