"""The length of a code: how many bits some data takes under a program, and how that is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CodeLength:
    """Bits of data under a program.

    bits: a whole number when it is the length of a code that was made (measured), a fraction
    when it was computed from probabilities (estimated). tokens: how many symbols were
    predicted. byte_bits: float32[raw bytes], what each byte took, or None when nobody asked.
    stray_bytes: bytes that a program over text had to spell one by one.
    """

    bits: float
    tokens: int
    byte_bits: NDArray[np.float32] | None = None
    stray_bytes: int = 0

    @property
    def measured(self) -> bool:
        """Whether `bits` is the length of a code that was made."""
        return isinstance(self.bits, int)
