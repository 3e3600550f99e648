"""Codes for the tests of grids."""

import numpy as np
from numpy.typing import NDArray


def draw_codes(rows: int, columns: int, spread: float = 2.0, seed: int = 0) -> NDArray[np.int16]:
    """Return normal codes that are independent."""
    rng = np.random.default_rng(seed)
    return np.rint(spread * rng.standard_normal((rows, columns))).astype(np.int16)


def draw_together(rows: int, columns: int, seed: int = 0) -> NDArray[np.int16]:
    """Return codes whose columns share a few causes."""
    rng = np.random.default_rng(seed)
    causes = rng.standard_normal((rows, 4)) @ rng.standard_normal((4, columns))
    return np.rint(2 * causes + rng.standard_normal((rows, columns)) + 5).astype(np.int16)
