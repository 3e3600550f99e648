"""Many short questions to one network that goes back after each to where it was.

Contexts are hashes of bytes, so that the lines of large tables that a text will touch are known before it is read. A
text of a page touches some thousand lines of tables of megabytes: noting and putting back those alone is quick, and the
network finds what was just noted in the nearest memory. One call asks all questions, as calls have a price too.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multum.bits.adaptive import REFINE_POINTS
from multum.bits.kernels import wrapping
from multum.mixing.engine import MARGIN
from multum.mixing.features import EXPECTED, FOLLOWERS1, FOLLOWERS2, STRANDS
from multum.mixing.recipe import Recipe
from multum.mixing.storage import Network, Scratch, is_simple
from multum.mixing.strands import TABLES as STRAND_TABLES
from multum.similarity.asking.noting import SLOT_WORDS, ask_all

# What follows from more than the bytes: from matches, or from tables of followers, which noting would change.
_UNFORESEEN = frozenset([EXPECTED, FOLLOWERS1, FOLLOWERS2, *range(STRANDS + 1, STRANDS + 1 + STRAND_TABLES)])
# Texts are short up to this share of the tables; past it, copying tables in order is quicker than lines here and there.
_SHARE = 4


def can_foresee(recipe: Recipe, net: Network) -> bool:
    """Return whether the lines that a network will touch follow from bytes alone, and it is a simple one."""
    return is_simple(net) and recipe.structure.used().isdisjoint(_UNFORESEEN) and recipe.sure_length == 0


class Questions:
    """Asks a network about short texts.

    own: the notes of the run that brought `net` to where it is, with a trace. small, kept: one block of all else that a
    run changes, and its copy, as int64.
    """

    def __init__(self, net: Network, own: Scratch, small: NDArray[np.int64], kept: NDArray[np.int64]) -> None:
        self._net, self._own, self._small, self._kept = net, own, small, kept
        self._tables = (
            net.slots.view(np.int64).reshape(-1, SLOT_WORDS),
            net.heads.reshape(-1),
            net.refinements.reshape(-1, REFINE_POINTS),
        )

    @property
    def longest_bytes(self) -> int:
        """The bytes of a text that is still short."""
        byte = 2 * len(self._net.contexts) * 8 * SLOT_WORDS + 8 * len(self._net.refiners) * 2 * REFINE_POINTS
        return sum(table.nbytes for table in self._tables) // (_SHARE * byte)

    def count_bits(self, buf: NDArray[np.uint8], known_bytes: int, texts: Sequence[bytes]) -> NDArray[np.float64]:
        """Return float64[n]: the bits of each text after buf[:known_bytes]; the network stays as it is.

        buf: with room for the longest of the texts, each a short one.
        """
        longest = max(map(len, texts), default=0)
        places = np.zeros(len(texts), np.int64)
        own = self._own._replace(trace=np.zeros(longest + 1, np.int64))
        with wrapping():
            ask_all(
                np.frombuffer(bytearray(b"".join(texts)), np.uint8),
                np.cumsum([len(text) for text in texts], dtype=np.int64),
                *(buf, known_bytes, np.zeros(2 * longest + MARGIN, np.uint8)),
                *(self._net, own, own.features.copy(), own.state.copy()),
                *(self._small, self._kept, self._tables, self._make_notes(longest), places),
            )
        bits: NDArray[np.float64] = 8.0 * (places >> 32) - np.log2(places & 0xFFFFFFFF) + np.log2(0xFFFFFFFF)
        return bits

    def _make_notes(self, size_bytes: int) -> tuple[NDArray[np.integer], ...]:
        """Return room for places and contents of slots, heads and refinements that so many bytes touch."""
        contexts, matches, refiners = map(len, (self._net.contexts, self._net.matches, self._net.refiners))
        # and of the byte before them: its last bit is still to be learnt
        slots, heads, rows = contexts * (2 * size_bytes + 1), matches * size_bytes, refiners * (8 * size_bytes + 1)
        return (
            *(np.zeros(slots, np.int64), np.zeros((slots, SLOT_WORDS), np.int64)),
            *(np.zeros(heads, np.int64), np.zeros(heads, np.int32)),
            *(np.zeros(rows, np.int64), np.zeros((rows, REFINE_POINTS), np.uint16)),
        )
