"""Compile the kernels once, before test workers start, so that no two of them do the same work side by side.

Run as `python -m tests.warm`; quick when the compiled kernels are already cached.
"""

import io
import tempfile
from pathlib import Path

import multum
from multum.similarity.memory import Memory
from multum.similarity.recipes import lean_recipe
from tests.golden.tensors import BASE, write_base
from tests.small_programs import byte_program


def warm_kernels(levels: tuple[int, ...] = (1, 5, 9)) -> None:
    """Pack a few bytes at each of `levels`, with a program, and tensors: the compiled kernels stay on disk."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        plain.write_bytes(b"multum in parvo, much in little; " * 40)
        for level in levels:
            packed, back = Path(folder) / f"{level}.mtm", Path(folder) / f"{level}.back"
            multum.pack(plain, packed, level=level)
            multum.unpack(packed, back)
        for alone in (True, False):  # a network's own code, that of tokens, and the guided engine
            multum.pack(plain, Path(folder) / f"{alone}.mtm", 1, program=byte_program(), alone=alone)
        for base in (None, write_base(Path(folder))):
            packed, back = Path(folder) / "tensors.mtm", Path(folder) / "tensors.back"
            multum.pack(io.BytesIO(BASE), packed, 1, base=base, force=True)
            multum.unpack(packed, back, base=base, force=True)
    Memory(lean_recipe(0)).count_bits_each([b"multum"])  # an engine that asks many questions in one go


if __name__ == "__main__":
    warm_kernels()
