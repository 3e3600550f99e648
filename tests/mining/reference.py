"""An arithmetic coder over fractions, slow and plain, and what code tables and slots are written with by it.

Encoder and decoder share one body: `choose` returns the symbol, given or read.
"""

from collections.abc import Hashable, Mapping
from fractions import Fraction
from math import log2
from typing import Any


class Coder:
    """Narrows an interval by exact fractions. code: the bits to read, None to write."""

    def __init__(self, code: str | None = None) -> None:
        self.low, self.width = Fraction(0), Fraction(1)
        self.value = None if code is None else Fraction(int(code or "0", 2), 1 << len(code))

    def choose(self, weights: Mapping[Any, int], symbol: Any = None) -> Any:
        """Return the symbol, coded by its share of the weights."""
        total, below = sum(weights.values()), 0
        for one, weight in weights.items():
            start = self.low + self.width * below / total
            end = start + self.width * weight / total
            if symbol == one if self.value is None else start <= self.value < end:
                self.low, self.width = start, end - start
                return one
            below += weight
        raise AssertionError(f"{symbol!r} is none of {list(weights)}")

    @property
    def bits(self) -> float:
        """The information that was coded."""
        return log2(self.width.denominator) - log2(self.width.numerator)

    def finish(self) -> str:
        """Return the shortest bits that lie in the interval whatever follows them."""
        size = max(0, int(self.bits)) + 2
        number = -(-self.low.numerator * (1 << size) // self.low.denominator)
        return f"{number:0{size}b}"


class Learnt:
    """Symbols that come again, and new ones, as `code_counts` says without a discount."""

    def __init__(self) -> None:
        self.counts: dict[Hashable, int] = {}

    def code(self, coder: Coder, symbol: Any = None) -> Any:
        """Return the symbol, or None for one that is new and still to be named: `add` it."""
        known = None if symbol is None or symbol not in self.counts else symbol
        found = coder.choose({**self.counts, None: 1}, known)
        if found is not None:
            self.counts[found] += 1
        return found

    def add(self, symbol: Hashable) -> None:
        """Know a new symbol."""
        self.counts[symbol] = 1


def code_integer(coder: Coder, n: int | None = None) -> int:
    """Return a whole number from 1 on, as Elias writes it."""
    size = 0
    while coder.choose({0: 1, 1: 1}, None if n is None else int(size + 1 < n.bit_length())):
        size += 1
    found = 1
    for place in reversed(range(size)):
        found = found << 1 | coder.choose({0: 1, 1: 1}, None if n is None else n >> place & 1)
    return found


ALPHABETS = (
    "0123456789",
    "0123456789abcdefABCDEF",
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-/:",
    "".join(map(chr, range(256))),
)


def code_word(coder: Coder, word: str | None = None) -> str:
    """Return a word by itself: its alphabet, its length, its characters."""
    raw = None if word is None else word.encode("utf-8", "surrogateescape").decode("latin-1")
    number = None if word is None else next(n for n, one in enumerate(ALPHABETS) if n == 3 or set(word) <= set(one))
    alphabet = coder.choose(dict.fromkeys(range(4), 1), number)
    size = code_integer(coder, None if raw is None else len(raw) + 1) - 1
    letters = dict.fromkeys(ALPHABETS[alphabet], 1)
    found = "".join(coder.choose(letters, None if raw is None else raw[place]) for place in range(size))
    return found.encode("latin-1").decode("utf-8", "surrogateescape")
