"""`plan`: what a budget buys, by a law: how many parameters, trained on how much, at what loss."""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from multum.errors import UsageError
from multum.laws.files import open_law
from multum.laws.jets import Array
from multum.laws.joint import EPOCHS, Account, Joint, check_units, find_cheapest, find_crossover
from multum.laws.law import Law, replace_infinite
from multum.laws.optima import ALL_DATA, find_budget, find_optimum, list_sizes, spread_fixed
from multum.laws.points import FLOPS_A_PARAMETER
from multum.laws.predicting import predict_rows

# Bytes a parameter takes while it is trained: weight, gradient, and Adam's two averages, in 32 bits each.
TRAINING_BYTES = 16.0


@dataclass(frozen=True)
class Plan:
    """What a budget buys.

    N: parameters; N_low, N_high: of an 80 % interval, None where it was not looked for. D: tokens (or bytes) to train
    on, repeats counted; epochs: D over the unique data, 1 where that is not said. bits: of a weight, None where the law
    tells nothing of them. loss, low, high: expected, with its 80 % interval. half, double: the loss with half and with
    double the parameters for the same budget. compute: FLOPs. method: how the optimum was found. account: for a budget
    of bytes, program and code. crossover_bytes: see `find_crossover`. notes: what is to be minded.
    """

    N: float
    D: float
    epochs: float
    bits: float | None
    loss: float
    low: float
    high: float
    half: float | None
    double: float | None
    N_low: float | None
    N_high: float | None
    compute: float
    method: str
    unit: str
    extrapolated: bool
    account: Account | None = None
    crossover_bytes: float | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        plain: dict[str, Any] = replace_infinite(asdict(self))
        return plain


@dataclass(frozen=True)
class Budget:
    """What may be spent; one of them. See `plan`."""

    compute: float | None = None
    memory_bytes: float | None = None
    archive_bytes: float | None = None
    time_s: float | None = None
    device_flops: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None and name != "device_flops"}
        if len(given) != 1:
            raise UsageError(
                "a plan has one budget: compute, memory, bytes, or time with the device's FLOPs a second; got"
                f" {', '.join(given) or 'none'}"
            )
        if (self.time_s is None) != (self.device_flops is None):
            raise UsageError("a budget of time needs the FLOPs a second that the device reaches, and only that does")
        for name, value in asdict(self).items():
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"a budget of {value} {name} is not possible; give more than 0")

    @property
    def flops(self) -> float | None:
        """The compute, said or told by time; None for other budgets."""
        return self.time_s * self.device_flops if self.time_s and self.device_flops else self.compute


def plan(
    law: "str | os.PathLike[str] | Law",
    *,
    compute: float | None = None,
    memory_bytes: float | None = None,
    archive_bytes: float | None = None,
    time_s: float | None = None,
    device_flops: float | None = None,
    data: float | None = None,
    bits: float | None = None,
    epochs: float | None = None,
    rival_bpb: float | None = None,
    at: Mapping[str, float] | None = None,
    anyway: bool = False,
) -> Plan:
    """Return what a budget buys by `law`, a file that `law` wrote or a Law.

    compute: training FLOPs, 6 N D. memory_bytes: of training, 16 bytes a parameter. time_s, device_flops: seconds, and
    the FLOPs a second that the device reaches. archive_bytes: of program and code of `data` bytes, trained no longer
    than it takes. data: unique tokens (or bytes) at hand. bits: of a weight; by default the best where the law tells.
    epochs: how often data may be repeated, for archive_bytes [4]. rival_bpb: bits per byte that a program must beat,
    such as those of `pack -9`, to say from how much data on it does. at: values of the law's other columns.
    anyway: plan beyond the law's points even where it gives reasons not to.
    Raises UsageError, FormatError, OSError.
    """
    opened = open_law(law)
    budget = Budget(compute, memory_bytes, archive_bytes, time_s, device_flops)
    _check_amounts(data=data, bits=bits, epochs=epochs, rival_bpb=rival_bpb)
    if archive_bytes is not None:
        joint = _open_joint(opened, data, epochs, bits, at)
        return _plan_bytes(joint, archive_bytes, rival_bpb, anyway)
    if rival_bpb is not None or epochs is not None:
        raise UsageError("a rival's rate and epochs are for budgets of bytes")
    fixed = _fix_columns(opened, data, bits, at)
    flops = budget.flops
    if flops is None:
        assert memory_bytes is not None, "one budget is given"
        return _plan_memory(opened, memory_bytes / TRAINING_BYTES, fixed, anyway)
    return _plan_compute(opened, flops, fixed, anyway)


def _check_amounts(**given: float | None) -> None:
    """Raise UsageError for what is not above zero."""
    for name, value in given.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name} is {value}; it must be above 0")


def _fix_columns(law: Law, data: float | None, bits: float | None, at: Mapping[str, float] | None) -> dict[str, float]:
    """Return the values of the law's columns other than N and D. Raises UsageError for one that is not said."""
    fixed = dict(at or {})
    _check_amounts(**fixed)
    if data is not None:
        fixed["U"] = data
    for name in law.columns:
        if name in ("P", "Pa", "Pkv", "Q") and name not in fixed:
            fixed[name] = bits or law.ranges[name][1]
        if name == "U" and name not in fixed:
            raise UsageError(
                "the law knows what repeated data is worth; say how much unique data there is, with --data"
            )
        if name not in ("N", "D", "C", *fixed):
            raise UsageError(f"the law depends on {name}; give its value with --at {name}=VALUE (at={{'{name}': ...}})")
    return fixed


def _plan_compute(law: Law, flops: float, fixed: dict[str, float], anyway: bool) -> Plan:
    """Return the best N and D for a number of FLOPs."""
    found = find_optimum(law, flops, fixed)
    notes = []
    if found.method == ALL_DATA:
        notes.append("the data at hand ends before the optimum; the law does not tell what repeating it is worth")
    low, high = _bracket_size(law, flops, fixed) if found.method != ALL_DATA else (None, None)
    columns = spread_fixed(found.n * np.array([1.0, 0.5, 2.0]), flops, fixed)
    if found.method == ALL_DATA:  # half the size has no more data
        columns["D"] = np.minimum(columns["D"], found.d)
    rows = predict_rows(law, columns, anyway=anyway)
    return Plan(
        N=found.n,
        D=found.d,
        epochs=_count_epochs(found.d, fixed),
        bits=_tell_bits(fixed),
        loss=rows[0].predicted,
        low=rows[0].low,
        high=rows[0].high,
        half=rows[1].predicted,
        double=rows[2].predicted,
        N_low=low,
        N_high=high,
        compute=flops,
        method=found.method,
        unit=law.unit,
        extrapolated=rows[0].extrapolated,
        notes=tuple(notes),
    )


def _bracket_size(law: Law, flops: float, fixed: Mapping[str, float]) -> tuple[float, float]:
    """Return an 80 % interval of the best N: the best ones of the law's draws."""
    sizes = list_sizes(flops)
    losses = law.predict_draws(spread_fixed(sizes, flops, fixed))
    best = sizes[np.argmin(np.where(np.isfinite(losses), losses, np.inf), axis=1)]
    low, high = np.quantile(best, (0.1, 0.9))
    return float(low), float(high)


def _plan_memory(law: Law, n: float, fixed: dict[str, float], anyway: bool) -> Plan:
    """Return how long to train `n` parameters: to the end of the data, or as long as the compute is spent best so."""
    if "U" in fixed and law.form != "data-constrained":
        d, method = fixed["U"], ALL_DATA
    else:
        d, method = find_budget(law, n, fixed) / (FLOPS_A_PARAMETER * n), "the budget this size is best for"
    compute = FLOPS_A_PARAMETER * n * d
    sizes, amounts = n * np.array([1.0, 0.5]), np.array([d, d])
    columns = {name: np.full(2, value) for name, value in fixed.items()}
    rows = predict_rows(
        law, columns | {"N": sizes, "D": amounts, "C": FLOPS_A_PARAMETER * sizes * amounts}, anyway=anyway
    )
    return Plan(
        N=n,
        D=d,
        epochs=_count_epochs(d, fixed),
        bits=_tell_bits(fixed),
        loss=rows[0].predicted,
        low=rows[0].low,
        high=rows[0].high,
        half=rows[1].predicted,
        double=None,  # twice the size does not fit
        N_low=None,
        N_high=None,
        compute=compute,
        method=method,
        unit=law.unit,
        extrapolated=rows[0].extrapolated,
    )


def _open_joint(
    law: Law, data: float | None, epochs: float | None, bits: float | None, at: Mapping[str, float] | None
) -> Joint:
    """Return what is asked of the law. Raises UsageError where it cannot tell bytes."""
    check_units(law)
    if data is None:
        raise UsageError("a budget of bytes is for program and code of some data; say how many bytes, with --data")
    fixed = dict(at or {})
    missing = [name for name in law.columns if name not in ("N", "D", "U", "C", "P", "Q", *fixed)]
    if missing:
        raise UsageError(f"the law depends on {missing[0]}; give its value with --at {missing[0]}=VALUE")
    return Joint(law, data, epochs or EPOCHS, bits, fixed)


def _plan_bytes(joint: Joint, archive_bytes: float, rival_bpb: float | None, anyway: bool) -> Plan:
    """Return the program that is trained least and yet fits, with its data, into a number of bytes."""
    law = joint.law
    account = find_cheapest(joint, archive_bytes)
    sizes = account.n * np.array([1.0, 0.5, 2.0])
    columns = _spread_account(joint, account, sizes)
    rows = predict_rows(law, columns, anyway=anyway)
    crossover = None if rival_bpb is None else find_crossover(joint, rival_bpb)
    notes = []
    if not {"P", "Q"} & set(law.columns):
        notes.append(f"the law does not tell what fewer bits a weight cost; {account.bits:g} are counted")
    if rival_bpb is not None and crossover is None:
        notes.append(f"no amount of data makes a program better than {rival_bpb:g} bits per byte")
    return Plan(
        N=account.n,
        D=account.d,
        epochs=account.d / joint.data,
        bits=account.bits,
        loss=rows[0].predicted,
        low=rows[0].low,
        high=rows[0].high,
        half=rows[1].predicted,
        double=rows[2].predicted,
        N_low=None,
        N_high=None,
        compute=account.flops,
        method="search",
        unit=law.unit,
        extrapolated=rows[0].extrapolated,
        account=account,
        crossover_bytes=crossover,
        notes=tuple(notes),
    )


def _spread_account(joint: Joint, account: Account, sizes: Array) -> dict[str, Array]:
    """Return the columns of programs of these sizes for the same training compute."""
    columns = spread_fixed(sizes, account.flops, joint.fixed or {})
    for name, value in (("U", joint.data), ("P", account.bits), ("Q", account.bits)):
        columns.setdefault(name, np.full(len(sizes), value))
    return columns


def _count_epochs(d: float, fixed: Mapping[str, float]) -> float:
    return d / fixed["U"] if "U" in fixed else 1.0


def _tell_bits(fixed: Mapping[str, float]) -> float | None:
    return fixed.get("Q", fixed.get("P"))
