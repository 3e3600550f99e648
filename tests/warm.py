"""Compile the kernels once, before test workers start, so that no two of them do the same work side by side.

Run as `python -m tests.warm`; quick when the compiled kernels are already cached.
"""

import tempfile
from pathlib import Path

import multum


def warm_kernels(levels: tuple[int, ...] = (1, 5, 9)) -> None:
    """Pack and unpack a few bytes at each of `levels`, which leaves compiled kernels in the on-disk cache."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        plain.write_bytes(b"multum in parvo, much in little; " * 40)
        for level in levels:
            packed, back = Path(folder) / f"{level}.mtm", Path(folder) / f"{level}.back"
            multum.pack(plain, packed, level=level)
            multum.unpack(packed, back)


if __name__ == "__main__":
    warm_kernels()
