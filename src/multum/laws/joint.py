"""Program and code together: what a program of N weights and the data under it take, in bytes.

    total(N, bits, D) = N bits / 8 + data rate(N, D, bits) / 8

with the rate, in bits per byte, from a law over bytes. It is the account of `multum pack --program`, told beforehand.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from multum.errors import UsageError
from multum.laws.jets import Array
from multum.laws.law import Law
from multum.laws.points import FLOPS_A_PARAMETER

# Repeating data up to four times is nearly as good as fresh data. Source: Muennighoff et al. 2023 (2305.16264).
EPOCHS = 4.0
# Bits a weight where the law does not tell what fewer cost: programs run in eight-bit integers, within 0.02 % of their
# rate in floats.
BITS = 8.0
_LEAST_EPOCHS = 1e-3
_SIZES = 241
_SMALLEST, _LARGEST = 1e2, 1e13
_REFINEMENTS = 6
_HALVINGS = 60


@dataclass(frozen=True)
class Account:
    """A program and the data under it. n: weights. d: bytes trained on, repeats counted. Sizes in bytes."""

    n: float
    d: float
    bits: float
    program_bytes: float
    code_bytes: float

    @property
    def total_bytes(self) -> float:
        """Program and code."""
        return self.program_bytes + self.code_bytes

    @property
    def flops(self) -> float:
        """What training costs."""
        return FLOPS_A_PARAMETER * self.n * self.d


@dataclass(frozen=True)
class Joint:
    """What is asked of a law: data in bytes, how often it may be repeated, bits a weight (None: the best), the rest."""

    law: Law
    data: float
    epochs: float = EPOCHS
    bits: float | None = None
    fixed: Mapping[str, float] | None = None

    def list_bits(self) -> Array:
        """Return the bits a weight to be tried."""
        known = {"P", "Q"} & set(self.law.columns)
        if self.bits is not None or not known:
            return np.array([self.bits or BITS])
        low, high = self.law.ranges[min(known)]
        return np.linspace(low, high, 33)

    def measure(self, n: Array, d: Array, bits: Array) -> Array:
        """Return the total in bytes; infinite where the law says nothing. n, d, bits broadcast to one shape."""
        shape = np.broadcast_shapes(n.shape, d.shape, bits.shape)
        flat = [np.broadcast_to(one, shape).ravel() for one in (n, d, bits)]
        columns = {"N": flat[0], "D": flat[1], "P": flat[2], "Q": flat[2], "C": FLOPS_A_PARAMETER * flat[0] * flat[1]}
        columns["U"] = np.full(len(flat[0]), self.data)
        columns |= {name: np.full(len(flat[0]), value) for name, value in (self.fixed or {}).items()}
        total = flat[0] * flat[2] / 8 + self.data * np.exp(self.law.predict_log(columns)) / 8
        return np.where(np.isfinite(total), total, np.inf).reshape(shape)

    def account(self, n: float, d: float, bits: float) -> Account:
        """Return the account of one program."""
        total = float(self.measure(np.array([n]), np.array([d]), np.array([bits]))[0])
        return Account(n, d, bits, n * bits / 8, total - n * bits / 8)


def check_units(law: Law) -> None:
    """Raise UsageError for a law that is not of bits per byte over N and D."""
    if law.unit != "bits" or law.amounts != "bytes" or not {"N", "D"} <= set(law.columns):
        raise UsageError(
            f"the law is of {law.unit}, over {', '.join(law.columns)} with D in {law.amounts}; bytes of program and"
            " code need one in bits per byte, with N, and D in bytes, such as a law of runs that `multum fit` made"
        )


def find_least(joint: Joint) -> Account:
    """Return the account with the least total: data repeated as often as it may be, the best N and bits."""
    d = joint.data * joint.epochs
    bits = joint.list_bits()
    low, high = _SMALLEST, _LARGEST
    for _ in range(_REFINEMENTS):
        sizes = np.geomspace(low, high, _SIZES)
        totals = joint.measure(sizes[:, None], np.array(d), bits[None, :])
        place, column = divmod(int(np.argmin(totals)), len(bits))
        low, high = sizes[max(0, place - 1)], sizes[min(_SIZES - 1, place + 1)]
    return joint.account(float(sizes[place]), d, float(bits[column]))


def find_cheapest(joint: Joint, budget_bytes: float) -> Account:
    """Return the account within a budget of bytes whose training costs least. Raises UsageError where none is."""
    least = find_least(joint)
    if least.total_bytes > budget_bytes:
        raise UsageError(
            f"{joint.data:,.0f} bytes of data take {least.total_bytes:,.0f} at least, program and code ({least.n:.3g}"
            f" weights of {least.bits:.3g} bits, {joint.epochs:g} epochs), not {budget_bytes:,.0f}"
        )
    bits = joint.list_bits()
    low, high = _SMALLEST, _LARGEST
    for _ in range(_REFINEMENTS):
        sizes = np.geomspace(low, high, _SIZES)
        needed = _find_data(joint, budget_bytes, sizes[:, None], bits[None, :])
        cost = sizes[:, None] * needed
        place, column = divmod(int(np.argmin(cost)), len(bits))
        low, high = sizes[max(0, place - 1)], sizes[min(_SIZES - 1, place + 1)]
    return joint.account(float(sizes[place]), float(needed[place, column]), float(bits[column]))


def _find_data(joint: Joint, budget_bytes: float, n: Array, bits: Array) -> Array:
    """Return the least D at which each program is within the budget; infinite where no D in reach is enough.

    The total falls with D, so that halving finds it, for all programs at once.
    """
    shape = np.broadcast_shapes(n.shape, bits.shape)
    low = np.full(shape, math.log(joint.data * _LEAST_EPOCHS))
    high = np.full(shape, math.log(joint.data * joint.epochs))
    possible = joint.measure(n, np.exp(high), bits) <= budget_bytes
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        enough = joint.measure(n, np.exp(middle), bits) <= budget_bytes
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(possible, np.exp(high), np.inf)


def find_crossover(joint: Joint, rival_bpb: float) -> float | None:
    """Return the bytes of data from which on a fitted program beats `rival_bpb` bits per byte; None for none.

    The more data, the less a byte bears of the program and the longer it was trained on, so the least total per byte
    falls, and passes the rival once.
    """
    low, high = math.log(1e3), math.log(1e16)

    def margin(log_data: float) -> float:
        """Return by how many bits per byte the rival is better."""
        data = math.exp(log_data)
        least = find_least(Joint(joint.law, data, joint.epochs, joint.bits, joint.fixed))
        return 8 * least.total_bytes / data - rival_bpb

    if margin(high) > 0:
        return None
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if margin(middle) > 0 else (low, middle)
    return math.exp(high)
