"""Pieces of the data on which recipes are tried, and what a trial says about the whole.

Invariant: a sample is a function of the data, its size and the row length alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from multum.archive.recipes import KeptRecipe
from multum.formats.transforms import apply_transforms
from multum.mixing import measure, preset

PIECE_BYTES = 1 << 17


@dataclass(frozen=True)
class Sample:
    """Bytes to try recipes on, contiguous pieces spread over the data; whole_bytes: the length of all of it."""

    data: bytes
    whole_bytes: int

    @property
    def is_whole(self) -> bool:
        """Whether the sample is all of the data."""
        return len(self.data) == self.whole_bytes

    @cached_property
    def _transformed(self) -> dict[bytes, bytes]:
        return {b"": self.data}

    def after(self, transforms: bytes) -> bytes:
        """Return the sample after `transforms`."""
        if transforms not in self._transformed:
            self._transformed[transforms] = apply_transforms(transforms, self.data)
        return self._transformed[transforms]


def draw_sample(data: bytes, size_bytes: int, row_bytes: int = 1) -> Sample:
    """Return a sample of about `size_bytes` of `data`; all of it when that is little more.

    Pieces begin at multiples of row_bytes in the data as in the sample, so that columns stay columns.
    """
    if size_bytes * 5 >= len(data) * 4:
        return Sample(data, len(data))
    pieces = max(1, min(4, size_bytes // PIECE_BYTES))
    piece_bytes = max(1, size_bytes // pieces // row_bytes) * row_bytes
    gap = (len(data) - piece_bytes) // pieces
    # the middle of each of `pieces` equal parts of the data
    starts = [(gap * k + gap // 2) // row_bytes * row_bytes for k in range(pieces)]
    return Sample(b"".join(data[start : start + piece_bytes] for start in starts), len(data))


def estimate_bits(kept: KeptRecipe, sample: Sample) -> float:
    """Return about how many bits the code of the whole data would take.

    The data beyond the sample is taken to cost what the sample's second half does: by then a network has learnt
    some of what it will know.
    """
    data = sample.after(kept.transforms)
    bits = measure(data, kept.recipe.scaled(len(data)))
    total = float(bits.sum())
    if sample.is_whole or not len(bits):
        return total
    later = bits[len(bits) // 2 :]
    return total + float(np.mean(later)) * (sample.whole_bytes - len(data))


def compile_kernels() -> None:
    """Have all that trials run compiled, which takes seconds once on a machine and is no part of a budget."""
    plain = b"much in little"
    measure(plain, preset(9, "binary").scaled(len(plain)))


def program_bits(kept: KeptRecipe) -> int:
    """Return the bits that the recipe takes in an archive."""
    return 8 * len(kept.recipe.to_bytes())
