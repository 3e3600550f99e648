"""The arithmetic of multum.inference on tensors, for many rows at once and on any device.

Everything is int64 and elementwise, or a sum or product that is exact in any order. Invariant: each function gives the
integers that the part of its name in multum.inference gives, whatever the device.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from multum.inference.rows import LIMIT, SCALE_BITS

_ONE = 1 << 30
_SQUARE_BITS = 23


class Quantized(NamedTuple):
    """Rows of integers, [..., n], that stand for values * m * 2**e; m in [2**30, 2**31). m, e: [..., 1]."""

    values: Tensor
    m: Tensor
    e: Tensor


@cache
def _list_powers(device: torch.device) -> Tensor:
    return torch.ones(63, dtype=torch.int64, device=device) << torch.arange(63, device=device)


def bit_length(x: Tensor) -> Tensor:
    """Return the bits of each x >= 0: how many powers of two are no larger."""
    return torch.bucketize(x.contiguous(), _list_powers(x.device), right=True)


def shift(x: Tensor, up: Tensor) -> Tensor:
    """Return x * 2**up rounded down, for `up` of either sign."""
    return (x >> (-up).clamp(min=0)) << up.clamp(min=0)


def clip(x: Tensor) -> Tensor:
    """Return x, or the nearest of +-LIMIT."""
    return x.clamp(-LIMIT, LIMIT)


def root(x: Tensor) -> Tensor:
    """Return floor(sqrt(x)) for 0 <= x < 2**62.

    A root in floating point is off by less than one, whichever way it rounds; comparisons of squares correct it.
    """
    r = x.double().sqrt().long()
    r -= (r * r > x).long()
    return r + ((r + 1) * (r + 1) <= x).long()


def normalise(m: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scale (m, e), m > 0, with m in [2**30, 2**31)."""
    over = bit_length(m) - 31
    return shift(m, -over), e + over


def quantize(values: Tensor, reach: int) -> Quantized:
    """Return rows of int64 as integers up to +-reach and their scales; a row of zeros has the smallest there is."""
    most = values.abs().amax(-1, keepdim=True)
    over = bit_length(most) - 30
    inverse = (reach << 45) // (shift(most, -over) + 1)  # below 2**31
    q = (shift(values, -over) * inverse + (1 << 44)) >> 45
    m, e = normalise((1 << 61) // inverse, over - 16)
    nothing = most == 0
    return Quantized(q, torch.where(nothing, _ONE, m), torch.where(nothing, -62, e))


def normalise_rows(rows: Tensor, gains: Tensor, down: int, epsilon: int, reach: int) -> Quantized:
    """Return rows * gains / sqrt(mean(rows**2) + epsilon), quantized.

    rows: [..., n] of at most 31 bits. gains: [n] below 2**15 in units of 2**-down. epsilon: in squared units of the
    rows, 16 fraction bits.
    """
    over = (bit_length(rows.abs().amax(-1, keepdim=True)) - _SQUARE_BITS).clamp(min=-8)
    x = shift(rows, -over)
    added = torch.full_like(over, epsilon) >> (16 + 2 * over)
    mean = (x * x).sum(-1, keepdim=True) // rows.shape[-1] + added + 1
    up = (61 - bit_length(mean)) >> 1
    q, m, e = quantize(x * gains, reach)
    return Quantized(q, *normalise((m << 30) // root(mean << (2 * up)), e - down + up - 30))


def rescale(sums: Tensor, scales: Tensor, row: Quantized, down: int) -> Tensor:
    """Return the fixed-point numbers that sums of products with `row` stand for, not yet clipped.

    sums: [..., n] of 32 bits. scales: [n] below 2**16, of the columns. down: bits by which the matrix's scales and
    the fixed point are apart.
    """
    right = (down - row.e).clamp(1, 62)
    half = torch.ones_like(right) << (right - 1)
    return (((sums * scales) >> SCALE_BITS) * row.m + half) >> right


def narrow(x: Tensor, measure: Tensor) -> tuple[Tensor, Tensor]:
    """Return (rows of 16 bits, the bits that each lost): as many as leave 15 of its `measure`, [..., 1]."""
    down = (bit_length(measure) - 15).clamp(min=0)
    half = (torch.ones_like(down) << down) >> 1
    return ((x + half) >> down).clamp(max=32767), down


def exp2_fixed(x: Tensor) -> Tensor:
    """Return 2**(x / 2**16) with 30 fraction bits, for x <= 0."""
    t = x & 65535
    p = 9609550 + ((2033403 * t) >> 16)
    for coefficient in (59979580, 257850314, 744268966, 1073741715):
        p = coefficient + ((p * t) >> 16)
    return p >> (-(x >> 16)).clamp(max=62)


def open_gate(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x / 2**16)) with 30 fraction bits."""
    power = exp2_fixed(-((x.abs() * 1549082005) >> 30))
    share = 1564410010 - ((_ONE + power) >> 1)
    for _ in range(3):
        share = (share * ((_ONE << 1) - (((_ONE + power) * share) >> 30))) >> 30
    return torch.where(x >= 0, share, _ONE - share)


def _rise(t: Tensor) -> Tensor:
    square = (t * t) >> 30
    p = -5018824 + ((162856 * square) >> 30)
    for coefficient in (85566398, -693598305, 1686629706):
        p = coefficient + ((p * square) >> 30)
    return (p * t) >> 30


def wave(turn: Tensor) -> tuple[Tensor, Tensor]:
    """Return (cosine, sine) of angles, 30 fraction bits each. turn: in units of 2**-32 turn."""
    quarter, rest = (turn >> 30) & 3, turn & (_ONE - 1)
    up, down = _rise(rest), _rise(_ONE - rest)
    odd = (quarter & 1) == 1
    cosine, sine = torch.where(odd, up, down), torch.where(odd, down, up)
    return (
        torch.where((quarter == 1) | (quarter == 2), -cosine, cosine),
        torch.where(quarter >= 2, -sine, sine),
    )
