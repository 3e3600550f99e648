"""Row lengths, fields and separators that the data may have: a wider look than the one `pack` takes.

A wrong shape costs a trial, so there are several; the account decides.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

_LONGEST_ROW = 1 << 16
_SHORTEST_ROW = 8
_AROUND = 6
_STRIDES = (1, 2, 3, 4, 6, 8, 12, 16)
_SEPARATORS = b",;\t| :\n\0/"

Shape = tuple[int, int, int, int]


def find_shapes(data: bytes, known: Shape, most: int = 24) -> tuple[Shape, ...]:
    """Return shapes (record_bytes, stride, width, big) that the data may have, the likeliest first.

    known: the shape that detection gave. Cost: one Fourier transform of up to 2**18 bytes.
    """
    rows = list(dict.fromkeys([known[0], *_find_rows(np.frombuffer(data, np.uint8))]))
    strides = list(dict.fromkeys([known[1], *(s for s in _STRIDES if s <= 4)]))
    shapes = [known]
    for row in rows[:6]:
        for stride in (*strides, row):
            for width, big in ((1, 0), (2, 0), (2, 1)):
                if stride < 256 and width <= min(2, stride) and (row == stride or row >= stride + width):
                    shapes.append((row, stride, width, big))
    return tuple(dict.fromkeys(shapes))[:most]


def _find_rows(data: NDArray[np.uint8]) -> list[int]:
    """Return the lags at which bytes are more alike than at those around, the best first."""
    window = data[len(data) // 3 : len(data) // 3 + (1 << 18)]
    if len(window) < 64:
        return []
    agreement = _correlate(window, min(_LONGEST_ROW, len(window) // 4))
    padded = np.concatenate([np.full(_AROUND, -1.0), agreement[1:], np.full(_AROUND, -1.0)])
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1).max(axis=1)
    peaks = np.flatnonzero(agreement[1:] >= around) + 1
    found: list[int] = []
    for peak in peaks[np.argsort(-agreement[peaks], kind="stable")]:
        # a row that fits into it evenly and is nearly as good is the row; shorter ones are fields
        fitting = [p for p in peaks if p >= _SHORTEST_ROW and peak % p == 0 and agreement[p] >= 0.9 * agreement[peak]]
        lag = min([peak, *fitting])
        # multiples of a row are rows of rows; a few are kept
        if lag not in found and sum(int(lag) % row == 0 for row in found if row > 1) < 2:
            found.append(int(lag))
        if len(found) == 8:
            break
    return found


def _correlate(data: NDArray[np.uint8], longest: int) -> NDArray[np.float64]:
    """Return float64[longest + 1]: how alike bytes at each distance are, by correlation of value and of being zero."""
    size = 1 << (len(data) + longest).bit_length()
    total = np.zeros(longest + 1)
    for signal in (data.astype(np.float64), (data == 0).astype(np.float64)):
        centred = signal - signal.mean()
        spectrum = np.fft.rfft(centred, size)
        power = np.fft.irfft(spectrum * np.conj(spectrum), size)[: longest + 1]
        total += power / max(power[0], 1e-9)
    return total


def find_separators(data: bytes) -> tuple[int, ...]:
    """Return bytes that may end fields, the commonest first."""
    counts = Counter(data[: 1 << 18])
    return tuple(sorted((byte for byte in _SEPARATORS if counts[byte]), key=lambda byte: -counts[byte])[:5])
