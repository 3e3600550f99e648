"""What a network knows once it has read some data, kept so that it can be gone back to.

C(y|x), the bits of y after x, then costs the time of y and of copying the network's tables, however long x is.
Invariant: measuring leaves a memory as it was, so that the order of questions never shows in the answers.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import wrapping
from multum.bits.lines import filled, placed
from multum.mixing import Meter, Recipe, engine, storage
from multum.mixing.network import allocate, prime

Progress = Callable[[int, int | None], None]

# Tables of a network that change while it reads; the others are what its recipe says.
_LEARNT = (
    *("slots", "maps", "direct", "runs", "run_maps", "match_maps", "sure_maps"),
    *("heads", "weights", "final_weights", "refinements", "followers"),
)
# Room behind what was read, so that most questions need no longer buffer.
_ROOM_BYTES = 4096


class Memory:
    """A network of `recipe` that has read its primers and then `data`; an unguided recipe.

    Takes count_memory(recipe) bytes beside the data. Several threads need a memory each.
    """

    def __init__(self, recipe: Recipe, data: bytes = b"") -> None:
        self.recipe = recipe
        self._net = allocate(recipe)
        self._own = storage.make_scratch(self._net, Meter().cell)
        known = prime(recipe, data)
        self._size = len(known)
        self._buf = _make_room(known, self._size + _ROOM_BYTES)
        self._run(self._own, self._buf[: self._size], 0, self._size)
        self._kept = [(table, placed(table.reshape(-1)).reshape(table.shape)) for table in self._list_tables()]

    def measure(self, data: bytes) -> NDArray[np.float64]:
        """Return float64[n]: the bits of each byte of `data` after what is known. The memory stays as it was."""
        trace = np.zeros(len(data) + 1, np.int64)
        try:
            self._run(self._own._replace(trace=trace), self._append(data), self._size, self._size)
        finally:
            self._go_back()
        places: NDArray[np.float64] = 8.0 * (trace >> 32) - np.log2(trace & 0xFFFFFFFF)
        return np.diff(places)

    def count_bits(self, data: bytes) -> float:
        """Return C(data | what is known), in bits."""
        return float(self.measure(data).sum())

    def _list_tables(self) -> list[NDArray[np.generic]]:
        """Return all that changes while the network reads."""
        notes = [note for name, note in self._own._asdict().items() if name not in ("meter", "trace", "temper")]
        return [getattr(self._net, name) for name in _LEARNT] + notes

    def _append(self, data: bytes) -> NDArray[np.uint8]:
        """Return what is known, then `data`."""
        size = self._size + len(data)
        if size > len(self._buf):
            self._buf = _make_room(self._buf[: self._size], size + _ROOM_BYTES)
        self._buf[self._size : size] = np.frombuffer(data, np.uint8)
        return self._buf[:size]

    def _run(self, own: storage.Scratch, buf: NDArray[np.uint8], first: int, start: int) -> None:
        """Read buf[first:], and measure buf[start:]."""
        code = np.zeros(2 * (len(buf) - start) + engine.MARGIN, np.uint8)
        with wrapping():
            engine.code_block(False, buf, start, code, self._net, own, None, first)

    def _go_back(self) -> None:
        for table, kept in self._kept:
            np.copyto(table, kept)


def count_memory(recipe: Recipe) -> int:
    """Return the bytes of a memory: its tables, and the copy that it goes back to."""
    return 2 * recipe.memory_bytes()


def _make_room(known: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return uint8[size] that begins with what is known."""
    buf = filled(size, 0, np.uint8)
    buf[: len(known)] = known
    return buf
