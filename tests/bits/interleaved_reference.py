"""The textbook-clear twin of the interleaved coder, in plain Python: a stack of words and one number at a time."""

from collections.abc import Sequence
from itertools import accumulate

TOTAL = 4096
ESCAPE = 255

# what it is: low, shift and frequencies
Table = tuple[int, int, Sequence[int]]


def encode(numbers: Sequence[int], tables: Sequence[Table]) -> bytes:
    """Return the code of `numbers`, each under a table of its own; the last number is coded first."""
    lanes = min(8, 1 + len(numbers) // 4096)
    states, stack = [2**16] * lanes, list[int]()
    for i in reversed(range(len(numbers))):
        low, shift, frequencies = tables[i]
        quotient, raw = divmod(numbers[i], 2**shift)
        symbol, x = quotient - low, states[i % lanes]
        if not 0 <= symbol < ESCAPE or frequencies[symbol] == 0:
            symbol = ESCAPE
            x = _push(x, quotient % 2**16, 1, 2**16, stack)
        x = _push(x, sum(frequencies[:symbol]), frequencies[symbol], TOTAL, stack, spare=2**shift)
        states[i % lanes] = x * 2**shift + raw
    words = states + stack[::-1]
    sizes = [4] * lanes + [2] * len(stack)
    return b"".join(word.to_bytes(size, "little") for word, size in zip(words, sizes, strict=True))


def _push(x: int, start: int, frequency: int, total: int, stack: list[int], spare: int = 1) -> int:
    """Return the state with a part of the range put on it; it is below 2**32 // spare."""
    if x * total * spare >= 2**32 * frequency:
        stack.append(x % 2**16)
        x //= 2**16
    return x // frequency * total + x % frequency + start


def decode(code: bytes, tables: Sequence[Table]) -> list[int] | None:
    """Return the numbers that `encode` coded, one for each table, or None when `code` is not the code of any."""
    lanes = min(8, 1 + len(tables) // 4096)
    if len(code) < 4 * lanes or len(code) % 2:
        return None
    states = [int.from_bytes(code[4 * k : 4 * k + 4], "little") for k in range(lanes)]
    stack = [int.from_bytes(code[k : k + 2], "little") for k in range(4 * lanes, len(code), 2)][::-1]
    if min(states) < 2**16:
        return None
    numbers = []
    try:
        for i, (low, shift, frequencies) in enumerate(tables):
            x, raw = divmod(states[i % lanes], 2**shift)
            x, slot = divmod(x, TOTAL)
            symbol = next(s for s, end in enumerate(accumulate(frequencies)) if end > slot)
            x = _refill(x * frequencies[symbol] + slot - sum(frequencies[:symbol]), stack)
            quotient = low + symbol
            if symbol == ESCAPE:
                quotient = (x + 2**15) % 2**16 - 2**15
                x = _refill(x // 2**16, stack)
            numbers.append((quotient * 2**shift + raw + 2**15) % 2**16 - 2**15)
            states[i % lanes] = x
    except IndexError:
        return None
    return None if stack or set(states) != {2**16} else numbers


def _refill(x: int, stack: list[int]) -> int:
    return x * 2**16 + stack.pop() if x < 2**16 else x
