"""Textbook-clear twins of the kernels of multum.bits, in plain Python: slow, and the same bits."""

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction


def encode(bits: Sequence[int], probabilities: Sequence[int]) -> bytes:
    """Return the shortest code of `bits` in the last interval.

    The code is a number in base 256, `size` digits long, in [low, low + width). The
    numbers are as long as they need to be: no carry has to be handled.
    """
    low, width, size = 0, 2**32 - 1, 4
    for bit, p in zip(bits, probabilities, strict=True):
        ones = width * p // 65536  # the lower part of the interval is for a one
        low, width = (low, ones) if bit else (low + ones, width - ones)
        while width < 2**24:
            low, width, size = low * 256, width * 256, size + 1
    return _shortest(low, width, size)


def decode(code: bytes, probabilities: Sequence[int]) -> list[int]:
    """Return the bits whose intervals the number `code` lies in; zeros follow its end."""
    low, width, size = 0, 2**32 - 1, 4
    bits = []
    for p in probabilities:
        number = int.from_bytes(code[:size].ljust(size, b"\0"), "big")
        ones = width * p // 65536
        bits.append(int(number < low + ones))
        low, width = (low, ones) if bits[-1] else (low + ones, width - ones)
        while width < 2**24:
            low, width, size = low * 256, width * 256, size + 1
    return bits


def encode_symbols(symbols: Sequence[int], tables: Sequence[Sequence[int]]) -> bytes:
    """Return the shortest code of `symbols` in the last interval, each under its row of frequencies of 2**24.

    The code is a number in base 256, `size` digits long, in [low, low + width). The
    numbers are as long as they need to be: no carry has to be handled.
    """
    low, width, size = 0, 2**56, 7
    for symbol, table in zip(symbols, tables, strict=True):
        low, width = _narrow(low, width, table, symbol)
        while width < 2**48:
            low, width, size = low * 256, width * 256, size + 1
    return _shortest(low, width, size)


def decode_symbols(code: bytes, tables: Sequence[Sequence[int]]) -> list[int]:
    """Return the symbols whose intervals the number `code` lies in; zeros follow its end."""
    low, width, size = 0, 2**56, 7
    symbols = []
    for table in tables:
        number = int.from_bytes(code[:size].ljust(size, b"\0"), "big")
        intervals = [_narrow(low, width, table, k) if table[k] else (0, 0) for k in range(len(table))]
        symbols.append(next(k for k, (a, w) in enumerate(intervals) if a <= number < a + w))
        low, width = intervals[symbols[-1]]
        while width < 2**48:
            low, width, size = low * 256, width * 256, size + 1
    return symbols


def _narrow(low: int, width: int, table: Sequence[int], symbol: int) -> tuple[int, int]:
    """Return the part of an interval that belongs to `symbol`; what division leaves goes to the last one."""
    start, unit = sum(table[:symbol]), width // 2**24
    is_last = start + table[symbol] == 2**24
    return low + unit * start, width - unit * start if is_last else unit * table[symbol]


def _shortest(low: int, width: int, size: int) -> bytes:
    """Return the fewest digits that with zeros behind them are a number in [low, low + width)."""
    digits, number = 0, 0
    while (number := -(-low // 256 ** (size - digits)) * 256 ** (size - digits)) >= low + width:
        digits += 1
    return number.to_bytes(size, "big")[:digits]


def ideal_bits(bits: Sequence[int], probabilities: Sequence[int]) -> float:
    """Return the information content: the sum of -log2 of what each bit was given."""
    return -sum(math.log2((p if bit else 65536 - p) / 65536) for bit, p in zip(bits, probabilities, strict=True))


def squash(stretch: int) -> int:
    """Return 65536 / (1 + exp(-stretch / 256)), rounded, within 1 and 65535."""
    with localcontext() as context:
        context.prec = 60
        p = 65536 / (1 + (Decimal(-stretch) / 256).exp())
        return min(max(math.floor(p + Decimal("0.5")), 1), 65535)


def stretch(interval: int) -> int:
    """Return 256 ln(p / (1 - p)) for the middle p of one of 4096 intervals, rounded away from 0."""
    with localcontext() as context:
        context.prec = 60
        p = (Decimal(interval) + Decimal("0.5")) / 4096
        exact = 256 * (p / (1 - p)).ln()
        return math.ceil(exact) if exact > 0 else math.floor(exact)


def learn(entry: tuple[int, int], bit: int, limit: int) -> tuple[int, int]:
    """Return the map entry (22-bit probability, count) after `bit`: a running mean while the count grows."""
    p, count = entry
    step = math.floor(Fraction(2**16) / (count + Fraction(3, 2)))  # of 2**16
    p += math.floor(Fraction((2**22 if bit else 0) - p) * step / 2**16)
    return p, min(count + 1, max(limit, count))


def refine(row: Sequence[int], at: int) -> tuple[int, int]:
    """Return (row interpolated at a stretch, number of the nearer point); points are a nat apart, from -12."""
    place = Fraction(at, 256) + 12
    left = math.floor(place)
    share = place - left
    return math.floor(row[left] * (1 - share) + row[left + 1] * share), left + (share >= Fraction(1, 2))
