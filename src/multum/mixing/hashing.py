"""The hash that contexts and features are made with; part of the archive format."""

from multum.bits.kernels import part

_MULTIPLIER = 0x2545F4914F6CDD1D
_MASK = (1 << 62) - 1


@part
def mix(a: int, b: int) -> int:
    """Return a 62-bit hash of two non-negative integers."""
    h = ((a + b + 1) * _MULTIPLIER) & _MASK
    return h ^ (h >> 29)
