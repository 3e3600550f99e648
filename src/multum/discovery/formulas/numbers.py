"""Constants of formulas: named exactly where a name is shorter than the digits it replaces.

A named constant is a fraction times a power of pi times a square root: 1/(4*pi), sqrt(2*pi)/3, 8*pi/3. A name is
believed only when it agrees with the number to more bits than it takes to write it down.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# A double has this many; a number that nobody can name is written with so many as its doubt leaves.
DOUBLE_BITS = 53
# A name that fits by chance in one of 2**6 tries is no name.
_MARGIN_BITS = 6.0
_LARGEST_PART = 100_000
_PI_POWERS = (0, 1, -1, 2, -2, 3, -3, 4, -4)
_RADICANDS = (1, 2, 3, 5, 6, 7, 10)


@dataclass(frozen=True)
class Constant:
    """A number. fraction, pi_power, radicand: numerator/denominator * pi**pi_power * sqrt(radicand); or no fraction.

    pi_power counts halves: 1 is sqrt(pi), 2 is pi. e_power: times e to that. digit_bits: what an unnamed one takes.
    """

    value: float
    fraction: tuple[int, int] | None = None
    pi_power: int = 0
    radicand: int = 1
    e_power: int = 0
    digit_bits: int = DOUBLE_BITS

    @property
    def named(self) -> bool:
        """Whether it is known exactly."""
        return self.fraction is not None

    @property
    def bits(self) -> float:
        """What it takes to write it down: one bit for the kind, then its parts in prefix codes."""
        if self.fraction is None:
            return 1.0 + self.digit_bits + 5.0  # the exponent's
        parts = count_bits(self.fraction[0]) + count_bits(self.fraction[1] - 1)
        extra = (
            2 * abs(self.pi_power) + 2 * abs(self.e_power) + (math.log2(self.radicand) + 1 if self.radicand > 1 else 0)
        )
        return 1.0 + parts + 1.0 + extra


def count_bits(number: int) -> float:
    """Return the bits of an integer in a prefix code: sign, length in unary, digits."""
    if number == 0:
        return 1.0
    return 2.0 * math.floor(math.log2(abs(number))) + 2.0 + (number < 0)


def make_fraction(numerator: int, denominator: int = 1) -> Constant:
    """Return an exact fraction in lowest terms."""
    common = math.gcd(numerator, denominator)
    return _make(numerator // common, denominator // common, 0, 1, 0)


def make_pi(numerator: int, denominator: int = 1, power: int = 1) -> Constant:
    """Return a fraction in lowest terms times a power of pi."""
    return _make(numerator, denominator, 2 * power, 1, 0)


@lru_cache(maxsize=4096)
def _make(numerator: int, denominator: int, pi_power: int, radicand: int, e_power: int) -> Constant:
    factor = math.pi ** (pi_power / 2) * math.sqrt(radicand) * math.e**e_power
    return Constant(numerator / denominator * factor, (numerator, denominator), pi_power, radicand, e_power)


def name_number(value: float, doubt: float) -> Constant:
    """Return the constant that `value` is, known to within `doubt`: by name if that is short, else by its digits."""
    if not math.isfinite(value) or value == 0:
        return Constant(value, (0, 1)) if value == 0 else Constant(value)
    relative = min(max(doubt / abs(value), 2.0**-50), 1.0)
    if abs(value) <= doubt:
        return make_fraction(0)
    known_bits = -math.log2(relative)
    best: Constant | None = None
    for pi_power, radicand, e_power in _list_factors():
        found = _fit_fraction(value, relative, pi_power, radicand, e_power)
        if found is not None and (best is None or found.bits < best.bits):
            best = found
    # What a chance agreement would take: the bits of the name beside the sign and the size, which any number has.
    if best is not None and best.bits + _MARGIN_BITS - _free_bits(best) <= known_bits:
        return best
    return Constant(value, digit_bits=min(DOUBLE_BITS, math.ceil(known_bits) + 2))


def _free_bits(constant: Constant) -> float:
    """Return what even 1 costs: names pay only for what they say beyond it, and a small integer says little."""
    assert constant.fraction is not None
    size = abs(math.log2(abs(constant.value))) if constant.value else 0.0
    return 3.0 + min(size, 6.0)


@lru_cache(maxsize=1)
def _list_factors() -> tuple[tuple[int, int, int], ...]:
    """Return (halves of powers of pi, radicand, power of e), simple ones first."""
    plain = [(power, 1, 0) for power in (0, 2, -2, 4, -4, 6, -6, 8, -8)]
    roots = [(power, radicand, 0) for radicand in _RADICANDS[1:] for power in (0, 2, -2, 1, -1)]
    halves = [(power, 1, 0) for power in (1, -1, 3, -3)]
    return (*plain, *halves, *roots, (0, 1, 1), (0, 1, -1))


def _fit_fraction(value: float, relative: float, pi_power: int, radicand: int, e_power: int) -> Constant | None:
    """Return the simplest fraction times the factor within the doubt, by continued fractions, or None."""
    target = value / (math.pi ** (pi_power / 2) * math.sqrt(radicand) * math.e**e_power)
    size = abs(target)
    before, last = (0, 1), (1, 0)
    rest = size
    for _ in range(12):
        whole = math.floor(rest)
        before, last = last, (whole * last[0] + before[0], whole * last[1] + before[1])
        if last[0] > _LARGEST_PART or last[1] > _LARGEST_PART:
            return None
        if last[0] and abs(last[0] / last[1] - size) <= relative * size:
            return _make(last[0] if target > 0 else -last[0], last[1], pi_power, radicand, e_power)
        if rest - whole < 1e-12:
            return None
        rest = 1 / (rest - whole)
    return None


def snap_exponent(value: float, doubt: float, largest: int = 6) -> tuple[int, int] | None:
    """Return the simplest fraction within `doubt` of an exponent, its denominator up to `largest`, or None."""
    for denominator in range(1, largest + 1):
        numerator = round(value * denominator)
        if abs(numerator / denominator - value) <= doubt:
            return numerator, denominator
    return None


def round_digits(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", digits: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return values rounded to so many significant digits, for comparison of what was computed in different ways."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        return np.where(values == 0, 0.0, np.round(values * scale) / scale)
