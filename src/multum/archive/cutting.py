"""Where content is cut into blocks: at places that depend on its length only, however it arrives."""

from collections.abc import Iterator


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
