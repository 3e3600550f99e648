"""Code lengths of what patterns are made of: counts that are learnt while they are coded, whole numbers, spelled words.

Every length here is that of a code that a decoder follows step by step; nothing is an estimate.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import lru_cache
from math import lgamma, log, log2
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

_NATS = 1 / log(2)
# How likely what is new stays, however much was seen: never, sometimes, nearly always. A code names the one it takes.
DISCOUNTS = (0.0, 0.5, 0.96875)
# Characters that words are spelled in; a word takes the first that has all of its own.
_ALPHABETS = (
    "0123456789",
    "0123456789abcdefABCDEF",
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-/:",
)
_SETS = tuple(map(frozenset, _ALPHABETS))
# Bits of a character of each, and of a byte of any other word.
CHARACTER_BITS = (*(log2(len(alphabet)) for alphabet in _ALPHABETS), 8.0)


def log2_factorial(n: int) -> float:
    """Return log2(n!)."""
    return lgamma(n + 1) * _NATS


def code_counts(counts: Collection[int], discount: float = 0.0) -> float:
    """Return the bits of a sequence whose symbols come so often, each count over zero; their order does not matter.

    After n symbols, k of them different, a new one comes with chance (1 + discount k) / (n + 1), and one that was seen
    c times with (c - discount) / (n + 1). What a new one is, is not in it.
    Source: Pitman and Yor (1997); with no discount, Blackwell and MacQueen (1973).
    """
    total, kinds = sum(counts), len(counts)
    bits = log2_factorial(total)
    if discount:
        bits -= kinds * log2(discount) + (lgamma(1 / discount + kinds) - lgamma(1 / discount)) * _NATS
    base = lgamma(1 - discount)
    for count, times in Counter(counts).items():
        bits -= times * (lgamma(count - discount) - base) * _NATS
    return bits


def code_presence(times: int, rows: int) -> float:
    """Return the bits of which of so many rows have something that `times` of them have; none for what none has.

    After n rows, k of them with it, the next one has it with chance (k + 1) / (n + 2). Source: Laplace (1774).
    """
    if not times:
        return 0.0
    return log2_factorial(rows + 1) - log2_factorial(times) - log2_factorial(rows - times)


def compare_counts(total: int, total_after: int, changes: Iterable[tuple[int, int]]) -> float:
    """Return how many bits less `code_counts` is where the sum of counts and some of them change; 0 is for none."""
    bits = log2_factorial(total) - log2_factorial(total_after)
    for was, now in changes:
        bits += (log2_factorial(now - 1) if now else 0.0) - (log2_factorial(was - 1) if was else 0.0)
    return bits


def share_counts(counts: Mapping[Key, int], name: Callable[[Key], float]) -> dict[Key, float]:
    """Return the bits of each time that a symbol comes, such that their sum is what `code_counts` says.

    name: the bits of what a symbol is, told the first time it comes.
    """
    total = sum(counts.values())
    each = log2_factorial(total) / max(total, 1)
    return {key: each + (name(key) - log2_factorial(count - 1)) / count for key, count in counts.items()}


def code_best(counts: Collection[int]) -> float:
    """Return the bits of a sequence under the discount that suits it, and of its name."""
    return log2(len(DISCOUNTS)) + min(code_counts(counts, discount) for discount in DISCOUNTS)


def count_integer(n: int) -> int:
    """Return the bits of a whole number from 1 on. Source: Elias, gamma code (1975)."""
    return 2 * n.bit_length() - 1


@lru_cache(1 << 16)
def measure_word(word: str) -> tuple[int, float]:
    """Return (number of the first alphabet that spells `word`, the bits of its length and characters)."""
    letters = set(word)
    number = next((number for number, alphabet in enumerate(_SETS) if letters <= alphabet), len(_SETS))
    size = len(word) if number < len(_SETS) else len(word.encode("utf-8", "surrogateescape"))
    return number, count_integer(size + 1) + size * CHARACTER_BITS[number]


def spell(words: Iterable[str]) -> float:
    """Return the bits of words, each in its alphabet, named as those before were; the first in one costs its name."""
    bits, alphabets = 0.0, Counter[int]()
    for word in words:
        number, size = measure_word(word)
        alphabets[number] += 1
        bits += size
    return bits + code_counts(alphabets.values()) + len(alphabets) * log2(len(CHARACTER_BITS))
