"""The textbook-clear twin of the grid's decoder, in plain Python: docs/TENSORS.md, line by line."""

from decimal import Decimal, localcontext
from functools import cache

from tests.bits import interleaved_reference

POWERS = (4, 6, 8, 10, 12, 14, 16, 20)
ONE = 2**24


@cache
def exp2_tables() -> tuple[list[int], list[int]]:
    """Return floor(2**30 * 2 ** (k / 2**12)) and floor(2**30 * 2 ** (k / 2**24)) for k in 0 to 4095."""
    with localcontext() as context:
        context.prec = 60
        high, low = (Decimal(2) ** (Decimal(1) / 2**bits) for bits in (12, 24))
        return [int(2**30 * high**k) for k in range(4096)], [int(2**30 * low**k) for k in range(4096)]


def exp2(x: int, bits: int) -> int:
    """Return 2**x for x in parts of 2**-24, in parts of 2**-bits."""
    high, low = exp2_tables()
    whole, fraction = divmod(x, ONE)
    mantissa = high[fraction // 4096] * low[fraction % 4096] // 2**30
    shift = whole + bits - 30
    return mantissa << shift if shift >= 0 else mantissa >> min(-shift, 62)


@cache
def log2(k: int) -> int:
    """Return the logarithm of (2 k + 1) / 32, in parts of 2**-24."""
    whole = (2 * k + 1).bit_length() - 1
    mantissa = (2 * k + 1) * 2 ** (30 - whole)
    for _ in range(24):
        mantissa = mantissa * mantissa // 2**30
        digit = mantissa // 2**31
        mantissa, whole = mantissa // 2**digit, 2 * whole + digit
    return whole - 5 * ONE


@cache
def make_table(power: int, zone: int, phase: int, level: int, zeros: int = 0) -> interleaved_reference.Table:
    """Return a bell's table: low, shift, frequencies."""
    for shift in range(5):
        masses, total = weigh(power, zone, phase, level, shift)
        kept = [q for q, mass in masses.items() if mass * 2**15 >= total]
        if -127 not in kept and 127 not in kept:
            break
    symbols = [masses[q] for q in range(min(kept), max(kept) + 1)]
    counts = [mass // 2**19 | 1 for mass in symbols] + [0] * (255 - len(symbols))
    counts.append(max(total - sum(symbols), 1) // 2**19 | 1)
    if zeros:
        every = sum(counts)
        counts = [count * (16 - zeros) for count in counts]
        counts[-min(kept)] += zeros * every
    return min(kept), shift, share_out(counts)


def weigh(power: int, zone: int, phase: int, level: int, shift: int) -> tuple[dict[int, int], int]:
    """Return (the mass of each quotient's cell, the mass of all pieces)."""
    side = []
    for k in range(2080):
        t = exp2(min(POWERS[power] * (log2(k) - (level - 8 * shift - 48) * ONE // 8) // 8, 6 * ONE), 24)
        side.append(exp2(-(t * 24204406 // ONE), 38))
    pieces = side[::-1] + side
    wider = zone if shift == 0 else 0
    before = 8 // 2**shift + 4 * phase // 2**shift
    masses = {}
    for q in range(-127, 128):
        first, last = 2080 + 16 * q - before, 2080 + 16 * (q + 1) - before
        first += {0: -wider, 1: wider}.get(q, 0)
        last += {0: wider, -1: -wider}.get(q, 0)
        masses[q] = sum(pieces[first:last])
    return masses, sum(pieces)


def share_out(counts: list[int]) -> list[int]:
    """Return frequencies that add up to 4096."""
    used = sum(count > 0 for count in counts)
    shares = [max(1, count * (4096 - used) // sum(counts) - 1) if count else 0 for count in counts]
    while sum(shares) < 4096:
        # such small numbers have different quotients in floating point whenever they differ
        worth = [count / (2 * share + 1) for count, share in zip(counts, shares, strict=True)]
        shares[worth.index(max(worth))] += 1
    return shares


def sign(number: int, bits: int = 16) -> int:
    """Return a number modulo 2**bits as one with a sign."""
    half = 1 << (bits - 1)
    return (number + half) % (2 * half) - half


def decode_lists(data: bytes, lengths: list[int]) -> list[list[int]]:
    """Return the lists in `data`."""
    heads = [data[4 * k : 4 * k + 4] for k in range(len(lengths))]
    bases = [int.from_bytes(head[:2], "little", signed=True) for head in heads]
    told = [k for k, head in enumerate(heads) if head[2:] != b"\xff\0"]
    tables = [make_table(heads[k][2], 0, 0, heads[k][3]) for k in told for _ in range(lengths[k])]
    numbers = interleaved_reference.decode(data[4 * len(heads) :], tables) if told else []
    assert numbers is not None
    lists = []
    for k, length in enumerate(lengths):
        own = [0] * length if k not in told else numbers[:length]
        numbers = numbers if k not in told else numbers[length:]
        lists.append([sign(base_number) for base_number in (bases[k] + number for number in own)])
    return lists


def decode(data: bytes, rows: int, columns: int) -> tuple[list[list[int]], list[int], list[int]]:
    """Return (codes, exponents of rows, exponents of columns) of a payload."""
    fine, power, zone, flags, size = data[1], data[2] % 16, data[2] // 16, data[3], int.from_bytes(data[4:8], "little")
    zeros, flags = flags // 16, flags % 16
    strips = list(range(0, columns, 32)) if flags & 8 else [0]
    widths = [min(32, columns - first) if flags & 8 else columns for first in strips]
    lengths = [rows, columns, rows, columns]
    lengths += [columns] if flags & 4 else []
    lengths += [sum(first * width for first, width in zip(strips, widths, strict=True))] if flags & 8 else []
    row_steps, column_steps, row_levels, column_levels, *more = decode_lists(data[8 : 8 + size], lengths)
    if flags & 1:
        row_levels = [sign(level - (8 * e >> fine)) for level, e in zip(row_levels, row_steps, strict=True)]
    if flags & 2:
        column_levels = [sign(level - (8 * e >> fine)) for level, e in zip(column_levels, column_steps, strict=True)]
    data, coefficients = data[8 + size :], more[1] if flags & 8 else []
    codes: list[list[int]] = [[] for _ in range(rows)]
    for first, width in zip(strips, widths, strict=True):
        part = data
        if first != strips[-1]:
            end = 4 + int.from_bytes(data[:4], "little")
            part, data = data[4:end], data[end:]
        middles = [
            middle_of(codes[r], coefficients[c::width][:first], more[0][first + c]) if flags & 4 else None
            for r in range(rows)
            for c in range(width)
        ]
        levels = [min(max(row_levels[r] + column_levels[first + c], 0), 127) for r in range(rows) for c in range(width)]
        tables = [
            make_table(power, zone, 0, level, zeros) if m is None else make_table(power, 0, m & 3, level & ~1)
            for level, m in zip(levels, middles, strict=True)
        ]
        numbers = interleaved_reference.decode(part, tables)
        assert numbers is not None
        coefficients = coefficients[first * width :]
        for k, (number, m) in enumerate(zip(numbers, middles, strict=True)):
            codes[k // width].append(sign(number + ((m or 0) >> 2)))
    return codes, row_steps, column_steps


def middle_of(before: list[int], coefficients: list[int], middle: int) -> int:
    """Return the middle of a code, by what comes before it in its row."""
    if not coefficients:
        return middle
    total = sign(sum(a * b for a, b in zip(before, coefficients, strict=True)), 32)
    return min(max(middle + ((total + 4) >> 3), -(2**15)), 2**15 - 1)
