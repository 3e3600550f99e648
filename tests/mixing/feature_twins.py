"""Twins of the features that keep a state, written from docs/CODING.md: slow, and the same numbers."""

from collections import defaultdict
from collections.abc import Iterator

ORDERS = (11, 12, 14, 16, 18, 20, 24)
LIMIT = 99_999

# Of each cell its check and four counts.
Table = defaultdict[int, tuple[int, tuple[int, ...]]]


def mix(a: int, b: int) -> int:
    """Return the hash of two numbers."""
    h = (a + b + 1) * 0x2545F4914F6CDD1D % 2**62
    return h ^ (h >> 29)


def clip(value: int, low: int, high: int) -> int:
    """Return value within bounds."""
    return min(max(value, low), high)


class Strands:
    """Counts of what followed the last bases, on both strands; `slot_bits` as in a recipe."""

    def __init__(self, slot_bits: int) -> None:
        self.slot_bits = slot_bits
        self.bases: list[int] = []
        self.tables: list[Table] = [defaultdict(lambda: (0, (0, 0, 0, 0))) for _ in ORDERS]

    def read(self, c: int) -> list[int]:
        """Take a byte in; return STRANDS1 to STRANDS7."""
        before = self.bases[-25:]
        self.bases.append((c >> 1) & 3)
        now = self.bases[-25:]
        other = [base ^ 2 for base in reversed(now)]
        for n, table in zip(ORDERS, self.tables, strict=True):
            self._count(table, pad(before, n), now[-1], n)
            came = now[-1 - n] if len(now) > n else 0
            self._count(table, (other + [0] * n)[:n], came ^ 2, n)
        found = []
        for n, table in zip(ORDERS, self.tables, strict=True):
            cell, check = self._place(pad(now, n), n)
            counts = table[cell][1] if table[cell][0] == check else (0,) * 4
            found.append(sum(16**b * count for b, count in enumerate(counts)))
        return found

    def _place(self, context: list[int], n: int) -> tuple[int, int]:
        number = 0
        for base in context:
            number = 4 * number + base
        if 2 * n <= self.slot_bits:
            return number, 0
        h = mix(number, n)
        return (h >> 16) % 2**self.slot_bits, (h >> 44) & 0xFFFF

    def _count(self, table: Table, context: list[int], base: int, n: int) -> None:
        cell, check = self._place(context, n)
        counts = list(table[cell][1] if table[cell][0] == check else (0,) * 4)
        if n >= 16:
            counts = [min(k + 1, 15) if b == base else k // 2 for b, k in enumerate(counts)]
        elif counts[base] == 15:
            counts = [11 if b == base else k // 2 for b, k in enumerate(counts)]
        else:
            counts[base] += 1
        table[cell] = (check, tuple(counts))


def pad(bases: list[int], n: int) -> list[int]:
    """Return the last n bases, 0 before the start."""
    return ([0] * n + bases)[-n:]


def read_table(data: bytes, separator: int) -> Iterator[tuple[list[int], dict[int, int]]]:
    """Yield the seven features of tables after each byte, and the texts of fields."""
    line = line_before = field_start = field = fields_before = text = fields_same = 0
    same = 0
    column = by_field = in_number = number = left = 0
    differences = [0] * 64
    starts, old_starts = [0] * 256, [0] * 256
    texts: dict[int, int] = {}

    def above(q: int) -> int:
        return data[q] if 0 <= q < line else 10

    def differ(d: int, c: int, a: int) -> int:
        if c == ord("."):
            return d
        if not chr(c).isascii() or not chr(c).isdigit():
            return 0
        return clip(10 * d + c - 48 - (a - 48 if 48 <= a <= 57 else 0), -LIMIT, LIMIT)

    for pos in range(1, len(data) + 1):
        c = data[pos - 1]
        a = above(line_before + pos - 1 - line)
        b = above(old_starts[field] + pos - 1 - field_start)
        if 48 <= c <= 57 or (c == ord(".") and in_number):
            in_number = 1
        elif in_number:
            in_number, left, differences[number] = 0, column, column
            number = min(number + 1, 63)
        if c == 10:
            number = left = 0
        column, by_field = differ(column, c, a), differ(by_field, c, b)
        if c != b:
            same = 0
        if c in (10, separator):
            if field < 128:
                texts[field] = text
            fields_same = (2 * fields_same + same) & 0xFFF
            if c == 10:
                reach = max(field + 1, fields_before)
                old_starts[:reach] = [starts[k] if k <= field else 0 for k in range(reach)]
                fields_before, line_before, line, field = field + 1, line, pos, -1
            field = min(field + 1, 255)
            starts[field] = field_start = pos
            text, same = 0, 1
        else:
            text = mix(text, c)
        h = old_starts[field] + pos - field_start if field < fields_before else line
        over = above(line_before + pos - line)
        yield (
            [
                field,
                256 * above(h) + above(h + 1),
                fields_same,
                mix(column + LIMIT, over),
                mix(by_field + LIMIT, above(h)),
                mix(left + LIMIT, number),
                mix(differences[number] + LIMIT, number),
            ],
            texts,
        )


class Learner:
    """One channel of the learnt prediction."""

    def __init__(self) -> None:
        self.w, self.r = [0] * 16, [0] * 16
        self.m = [[0] * 16 for _ in range(16)]

    def teach(self, x: list[int], miss: int) -> None:
        """Take in that the prediction from x missed by so much."""
        self.r = [r + xi * miss - (r >> 10) for r, xi in zip(self.r, x, strict=True)]
        self.m = [
            [m + xi * xj - (m >> 10) for m, xj in zip(row, x, strict=True)] for row, xi in zip(self.m, x, strict=True)
        ]
        for _ in range(3):
            k = max(range(16), key=lambda i: (abs(self.r[i]), -i))
            d = (self.r[k] << 16) // (self.m[k][k] + 64)
            d = clip(d, -(2**18) - self.w[k], 2**18 - self.w[k])
            self.w[k] += d
            self.r = [r - ((m * d) >> 16) for r, m in zip(self.r, self.m[k], strict=True)]


def predict_fields(data: bytes, n: int, stride: int, width: int, big: int) -> Iterator[tuple[int, int, int]]:
    """Yield (guess, error, slow error) at each field but the first; n: record_bytes."""
    learners = [Learner() for _ in range(4)]
    x, base, guess, channel, error, slow = [0] * 16, 0, 0, 0, 0, 0

    def value(q: int) -> int:
        return int.from_bytes(data[q : q + width], "big" if big else "little") if q >= 0 else 0

    def reach(k: int) -> int:
        if k >= 12 and stride > width:
            far = width + n if n > stride else 2 * (width + stride)
            return (width, width + stride, far, 2 * width)[k - 12]
        if n <= stride:
            return (k + 2) * stride
        row = [n + j * stride for j in range(-2, 3)] + [2 * n + j * stride for j in range(-1, 2)] + [3 * n]
        ends = [5 * stride, 6 * stride, n + 3 * stride, n - 3 * stride]
        return ([2 * stride, 3 * stride, 4 * stride, *row, *ends])[k]

    for s in range(width, len(data) - width + 1, width):
        v = value(s - width)
        e = 256 * min(abs((16 * v - guess + 8) >> 4), 4095)
        error += (e - error) >> 2
        slow += (e - slow) >> 5
        learner = learners[channel]
        learner.teach(x, v - base - (sum(a * b for a, b in zip(x, learner.w, strict=True)) >> 16))
        base = value(s - stride)
        backs = [stride if reach(k) < width else reach(k) for k in range(16)]
        x = [clip(value(s - back) - base, -32768, 32768) for back in backs]
        channel = s % stride // width % 4
        total = sum(a * b for a, b in zip(x, learners[channel].w, strict=True))
        guess = clip(16 * base + (total >> 12), 0, 16 * (256**width - 1))
        yield guess, error, slow
