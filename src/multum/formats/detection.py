"""Find out what a block of bytes is, from integer statistics of samples.

Nothing here decides whether data comes back equal: a wrong guess costs bits only.
Invariant: the finding is a function of the bytes alone, on every machine.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_WINDOW = 1 << 15
_WINDOWS = 4
_SEPARATORS = b",;\t| :"
_MAX_LAG = 6144
_POSITIONS = 4096
# letters A, C, G, T, N in both cases and the line ends between them
_NUCLEOTIDES = np.frombuffer(b"ACGTNacgtn\r\n", np.uint8)


class Family(StrEnum):
    """What a block was taken for."""

    RANDOM = "random"
    TEXT = "text"
    LINES = "lines"
    CJK = "cjk"
    GENOME = "genome"
    RECORD = "record"
    BINARY = "binary"


@dataclass(frozen=True)
class Finding:
    """What a block is taken for, and its measures.

    separator: the byte that divides fields (lines). markup, code: whether the text
    looks like either. record_bytes, stride, width, big: row length, distance of
    neighbouring fields, bytes of a field, high byte first (records). x86: whether it
    holds machine code with relative addresses.
    """

    family: Family
    separator: int = 32
    markup: bool = False
    code: bool = False
    record_bytes: int = 1
    stride: int = 1
    width: int = 1
    big: bool = False
    x86: bool = False


Bytes = NDArray[np.uint8]


def detect(data: bytes) -> Finding:
    """Return what `data` is taken for. Cost: about 50 ms, whatever the length."""
    sample = _sample(np.frombuffer(data, np.uint8))
    if len(sample) < 64:
        return Finding(Family.TEXT if _is_text(sample) else Family.BINARY)
    counts = np.bincount(sample, minlength=256)
    if int(counts[_NUCLEOTIDES].sum()) * 50 >= len(sample) * 49 and (counts > 0).sum() < 12:
        return Finding(Family.GENOME)
    if _is_text(sample):
        return _text(sample, counts)
    if _is_random(sample, counts):
        return Finding(Family.RANDOM)
    return _binary(sample)


def _sample(data: Bytes) -> Bytes:
    """Return the data, or four windows spread over it when it is long."""
    if len(data) <= _WINDOW * _WINDOWS:
        return data
    starts = [(len(data) - _WINDOW) * k // (_WINDOWS - 1) & ~4095 for k in range(_WINDOWS)]
    return np.concatenate([data[s : s + _WINDOW] for s in starts])


def _is_text(sample: Bytes) -> bool:
    """Return whether nearly all bytes are printable, line ends or tabs, or well-formed UTF-8."""
    counts = np.bincount(sample, minlength=256)
    control = int(counts[1:32].sum() - counts[[9, 10, 12, 13, 27]].sum() + counts[127])
    high = int(counts[128:].sum())
    if int(counts[0]) * 6 > len(sample):  # a little padding, as in a tar of texts, is no objection
        return False
    if control * 500 > len(sample):
        return False
    if high * 10 < len(sample):
        return True
    broken = sample.tobytes().decode("utf-8", errors="replace").count("�")
    return broken * 50 < high


def _is_random(sample: Bytes, counts: NDArray[np.int64]) -> bool:
    """Return whether neither the bytes nor their pairs leave anything to gain.

    Judged by collisions: bytes (and pairs) of random data meet as often as chance has it.
    """
    n = len(sample)
    if n < 4096:
        return False
    squares = int((counts * counts).sum()) - n
    # expected n (n - 1) / 256; its standard deviation is about n / sqrt(128)
    if abs(squares * 256 - n * (n - 1)) > 256 * 6 * n // 11:
        return False
    for lag in (1, 2, 3, 4):
        equal = int((sample[lag:] == sample[:-lag]).sum())
        if abs(equal * 256 - n) > 256 * 5 * _root(n) // 16:
            return False
    return True


def _root(n: int) -> int:
    """Return the integer square root of n."""
    return int(np.sqrt(n))


def _text(sample: Bytes, counts: NDArray[np.int64]) -> Finding:
    n = len(sample)
    if int(counts[0xE0:0xF0].sum()) * 6 > n:
        return Finding(Family.CJK)
    markup = int(counts[ord("<")]) * 250 > n
    code = int(counts[list(b"{}();=_")].sum()) * 25 > n
    separator, share = _separator(sample.tobytes())
    family = Family.LINES if share >= 25 else Family.TEXT
    return Finding(family, separator=separator, markup=markup, code=code)


def _separator(text: bytes) -> tuple[int, int]:
    """Return (the byte that divides lines into fields most evenly, per cent of neighbouring lines that agree)."""
    lines = [line for line in text.split(b"\n") if line][1:-1]
    if len(lines) < 8:
        return 32, 0
    best = (0, 32)
    for separator in _SEPARATORS:
        numbers = [line.count(separator) for line in lines]
        same = sum(a == b and a >= 2 for a, b in pairwise(numbers))
        # the first of equals wins: the list is in order of preference
        share = 100 * same // (len(lines) - 1)
        if share > best[0] + 10:
            best = (share, separator)
    return best[1], best[0]


def _binary(sample: Bytes) -> Finding:
    x86 = _has_relative_calls(sample)
    record_bytes, stride = _record(sample)
    if record_bytes == 1:
        return Finding(Family.BINARY, x86=x86)
    width, big = _field(sample, stride)
    if record_bytes != stride and record_bytes < stride + width:
        record_bytes = stride
    return Finding(Family.RECORD, record_bytes=record_bytes, stride=stride, width=width, big=big, x86=x86)


def _has_relative_calls(sample: Bytes) -> bool:
    """Return whether calls and jumps with a short signed distance are common, and go to common places.

    In machine code many calls have one target and few one distance; in tables that look like it, it is the other
    way round.
    """
    near = (sample[4:] == 0) | (sample[4:] == 255)
    opcode = (sample[:-4] & 0xFE) == 0xE8
    calls = np.flatnonzero(opcode & near)
    if len(calls) * 400 <= len(sample) or int(opcode.sum()) >= 3 * len(calls):
        return False
    low, middle, high = (sample[calls + 1 + k].astype(np.int64) for k in range(3))
    distances = low | middle << 8 | high << 16
    targets = (distances + calls) & 0xFFFFFF
    return len(np.unique(targets)) < len(np.unique(distances))


def _lag_costs(sample: Bytes, lags: range) -> NDArray[np.int64]:
    """Return, for each lag, how unlike bytes at that distance are: a capped sum of differences."""
    first = lags[-1]
    step = max(1, (len(sample) - first) // _POSITIONS)
    positions = np.arange(first, len(sample), step | 1, dtype=np.int64)[:_POSITIONS]
    here = sample[positions].astype(np.int16)
    costs = [np.minimum(np.abs(here - sample[positions - lag]), 48).sum() for lag in lags]
    return np.array(costs, np.int64)


def _shortest(costs: NDArray[np.int64], lags: range) -> int:
    """Return the lag of least cost, or a divisor of it that is nearly as good."""
    best = int(costs.argmin())
    for i, lag in enumerate(lags):
        if lags[best] % lag == 0 and int(costs[i]) * 100 <= int(costs[best]) * 106:
            return lag
    return lags[best]


def _record(sample: Bytes) -> tuple[int, int]:
    """Return (row length, distance of neighbouring fields), both 1 when there is no period.

    The stride is the short lag that predicts best. The row is the long one that does,
    if it stands out among the long ones.
    """
    longest = min(_MAX_LAG, len(sample) // 4)
    lags = range(1, longest + 1)
    costs = _lag_costs(sample, lags)
    typical = int(np.median(costs))
    stride = _shortest(costs[:32], lags[:32])
    if int(costs[stride - 1]) * 100 > typical * 92:
        stride = 1
    far = max(16, 3 * stride)
    if far >= longest:  # too short for a row
        return stride, stride
    row = _shortest(costs[far:], lags[far:])
    if int(costs[row - 1]) * 100 > int(np.median(costs[far:])) * 85:
        row = stride
    return row, stride


def _field(sample: Bytes, stride: int) -> tuple[int, bool]:
    """Return (bytes of a field: 1 or 2, whether the high byte comes first)."""
    if stride % 2:
        return 1, False
    rows = sample[: len(sample) // stride * stride].reshape(-1, stride).astype(np.int16)
    changes = np.abs(rows[1:] - rows[:-1])
    changes = np.minimum(changes, 256 - changes).sum(axis=0).astype(np.int64)
    even, odd = int(changes[0::2].sum()), int(changes[1::2].sum())
    if even * 3 < odd * 2:
        return 2, True
    if odd * 3 < even * 2:
        return 2, False
    return 1, False
