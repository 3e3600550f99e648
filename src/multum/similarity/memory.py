"""What a network knows once it has read some data, kept so that it can be gone back to.

C(y|x), the bits of y after x, then costs the time of y and of putting back what it changed, however long x is.
Invariant: measuring leaves a memory as it was, so that the order of questions never shows in the answers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import wrapping
from multum.bits.lines import LINE_BYTES, filled, placed
from multum.mixing import Meter, Recipe, engine, storage
from multum.mixing.network import allocate, prime
from multum.similarity.asking.questions import Questions, can_foresee

# Tables of a network that change while it reads; the others are what its recipe says.
_LARGE = ("slots", "direct", "runs", "heads", "refinements", "followers")
_SMALL = ("maps", "run_maps", "match_maps", "sure_maps", "weights", "final_weights")
# Room behind what was read, so that most questions need no longer buffer.
_ROOM_BYTES = 4096


class Memory:
    """A network of `recipe` that has read its primers and then `data`; an unguided recipe.

    Takes count_memory(recipe) bytes beside the data. Several threads need a memory each.
    """

    def __init__(self, recipe: Recipe, data: bytes = b"") -> None:
        net = allocate(recipe)
        own = storage.make_scratch(net, Meter().cell)
        known = prime(recipe, data)
        _run(net, own, known, 0, len(known))
        self.__setstate__((recipe, known, net, own))

    def __getstate__(self) -> tuple[Recipe, NDArray[np.uint8], storage.Network, storage.Scratch]:
        """Return all that is known; what it is kept in is made anew, as a copy would not lie in one block."""
        return self.recipe, self._buf[: self._size], self._net, self._own

    def __setstate__(self, state: tuple[Recipe, NDArray[np.uint8], storage.Network, storage.Scratch]) -> None:
        """Be a memory that knows what `state` holds."""
        self.recipe, known, net, own = state
        self._size = len(known)
        self._buf = _make_room(known, self._size + _ROOM_BYTES)
        self._small, self._net, self._own = _join(net, own)
        self._small_kept = placed(self._small)
        self._large_kept: list[NDArray[np.generic]] | None = None
        self._questions = (
            Questions(self._net, self._own, self._small, self._small_kept) if can_foresee(self.recipe, net) else None
        )

    def measure(self, data: bytes) -> NDArray[np.float64]:
        """Return float64[n]: the bits of each byte of `data` after what is known. The memory stays as it was."""
        buf, trace = self._append(data), np.zeros(len(data) + 1, np.int64)
        tables = [getattr(self._net, name) for name in _LARGE]
        if self._large_kept is None:
            self._large_kept = [placed(table.reshape(-1)).reshape(table.shape) for table in tables]
        try:
            _run(self._net, self._own._replace(trace=trace), buf, self._size, self._size)
        finally:
            for table, kept in zip(tables, self._large_kept, strict=True):
                np.copyto(table, kept)
            np.copyto(self._small, self._small_kept)
        places: NDArray[np.float64] = 8.0 * (trace >> 32) - np.log2(trace & 0xFFFFFFFF)
        return np.diff(places)

    def count_bits(self, data: bytes) -> float:
        """Return C(data | what is known), in bits."""
        return float(self.measure(data).sum())

    def count_bits_each(self, texts: Sequence[bytes]) -> NDArray[np.float64]:
        """Return float64[n]: what count_bits says of each text, to within rounding; sooner where they are short."""
        limit = self._questions.longest_bytes if self._questions else -1
        bits = np.zeros(len(texts))
        short = [place for place, text in enumerate(texts) if len(text) <= limit]
        for place in sorted(set(range(len(texts))) - set(short)):
            bits[place] = self.count_bits(texts[place])
        if self._questions and short:
            asked = [texts[place] for place in short]
            self._append(max(asked, key=len))
            bits[short] = self._questions.count_bits(self._buf, self._size, asked)
        return bits

    def _append(self, data: bytes) -> NDArray[np.uint8]:
        """Return what is known, then `data`."""
        size = self._size + len(data)
        if size > len(self._buf):
            self._buf = _make_room(self._buf[: self._size], size + _ROOM_BYTES)
        self._buf[self._size : size] = np.frombuffer(data, np.uint8)
        return self._buf[:size]


def count_memory(recipe: Recipe) -> int:
    """Return the bytes of a memory: its tables, and the copy that it goes back to."""
    return 2 * recipe.memory_bytes()


def _join(net: storage.Network, own: storage.Scratch) -> tuple[NDArray[np.int64], storage.Network, storage.Scratch]:
    """Return (a block, net and own with their small changing tables in it), so that one copy puts back all of them."""
    notes = [name for name in own._fields if name not in ("meter", "trace", "temper")]
    parts = [*(getattr(net, name) for name in _SMALL), *(getattr(own, name) for name in notes)]
    starts = np.cumsum([0, *(-(-part.nbytes // LINE_BYTES) * LINE_BYTES for part in parts)])
    block = filled(int(starts[-1]) // 8, 0, np.int64)
    raw, views = block.view(np.uint8), []
    for part, start in zip(parts, starts[:-1].tolist(), strict=True):
        view = raw[start : start + part.nbytes].view(part.dtype).reshape(part.shape)
        view[...] = part
        views.append(view)
    tables, scratch = views[: len(_SMALL)], views[len(_SMALL) :]
    return (
        block,
        net._replace(**dict(zip(_SMALL, tables, strict=True))),
        own._replace(**dict(zip(notes, scratch, strict=True))),
    )


def _make_room(known: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return uint8[size] that begins with what is known."""
    buf = filled(size, 0, np.uint8)
    buf[: len(known)] = known
    return buf


def _run(net: storage.Network, own: storage.Scratch, buf: NDArray[np.uint8], first: int, start: int) -> None:
    """Read buf[first:], and measure buf[start:]."""
    code = np.zeros(2 * (len(buf) - start) + engine.MARGIN, np.uint8)
    with wrapping():
        engine.code_block(False, buf, start, code, net, own, None, first)
