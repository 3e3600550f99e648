"""Reviews whose label one word tells."""

from pathlib import Path

import numpy as np

GOOD, BAD = ["fine", "great", "lovely", "superb"], ["awful", "dull", "poor", "weak"]


def write_reviews(path: Path, count: int, seed: int = 0) -> Path:
    """Write a table whose labels are told by one word among neutral ones."""
    generator = np.random.default_rng(seed)
    rows = ["label,text"]
    for _ in range(count):
        label = int(generator.integers(2))
        words = [*generator.choice(["the", "film", "was", "so", "and"], 5), generator.choice((BAD, GOOD)[label])]
        rows.append(f"{('bad', 'good')[label]},{' '.join(generator.permutation(words))}")
    path.write_text("\n".join(rows) + "\n")
    return path
