"""Tables with a planted law."""

from collections.abc import Callable
from typing import Any

import numpy as np

Columns = dict[str, Any]


def draw_columns(ranges: dict[str, tuple[float, float]], rows: int = 120, seed: int = 0) -> Columns:
    """Return columns drawn evenly."""
    generator = np.random.default_rng(seed)
    return {name: generator.uniform(low, high, rows) for name, (low, high) in ranges.items()}


def plant(
    law: Callable[..., Any], ranges: dict[str, tuple[float, float]], rows: int = 120, noise: float = 0.0
) -> Columns:
    """Return columns, and `y` by the law, with noise of that share of its size."""
    columns = draw_columns(ranges, rows)
    y = law(**columns)
    size = float(np.sqrt(np.mean(y * y)))
    return columns | {"y": y + np.random.default_rng(1).normal(0, noise * size, rows) if noise else y}
