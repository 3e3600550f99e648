"""Small data that a search has something to find in."""

import numpy as np


def waves(rows: int) -> bytes:
    """Return rows of 24 big-endian fields, smooth along rows and columns, with a little noise."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:rows, 0:24]
    surface = 9000 + 3000 * np.sin(y / 9) + 2000 * np.cos(x / 5 + y / 17) + rng.integers(-3, 4, (rows, 24))
    return bytes(surface.astype(">u2").tobytes())


def table(lines: int) -> bytes:
    """Return a table in text where a code tells its name and its number."""
    rng = np.random.default_rng(6)
    names = [f"{'abcdefgh'[k % 8]}{k * 7919 % 10007}" for k in range(60)]
    out = []
    for line in range(lines):
        code = int(rng.integers(0, 60))
        out.append(f"{line},{code:02},{rng.integers(0, 9)},{names[code]},{1000 + code * 37}\n")
    return "".join(out).encode()
