"""A law: a fitted form with all that is needed to predict and to plan, and the file it lies in.

Invariant: what a law says follows from its file alone; the points it was fitted to are not needed any more.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from multum.archive.targets import whole_file
from multum.laws.formulas import Formula, parse
from multum.laws.jets import Array
from multum.laws.objective import predict_log, to_theta

# Of the file; a law of another version is refused.
VERSION = 2


@dataclass(frozen=True)
class HoldOut:
    """How well the law predicts points that it was not fitted to.

    share: which they are, such as `largest:20%`. points: how many. error: the mean of |prediction / target - 1|.
    coverage: the share of them inside their 80 % intervals. reach: their largest compute over the largest fitted.
    """

    share: str
    points: int
    error: float
    coverage: float
    reach: float


@dataclass(frozen=True)
class RunnerUp:
    """A form that was fitted too. bits: its description length less that of the law's form. error: as of HoldOut."""

    form: str
    bits: float
    objective: float
    error: float | None


@dataclass(frozen=True)
class Law:
    """A scaling law.

    form, formula: see `make_form`. parameters, standard_errors, intervals: by name; intervals are of 80 %.
    expected: the parameters that it predicts and plans with, see `expect`.
    objective: the sum of Huber losses with `delta`. bits: description length. points: how many it was fitted to; their
    mean of |prediction / target - 1| is `error`. target: what it predicts, in `unit`; amounts: what D counts. ranges:
    of each column, and of "compute". draws: expected parameters [n][p] of resampled points. noise, drift: see `Trust`.
    warnings: to be minded. refusals: why it is not to be extrapolated. notes: what was assumed and left out.
    """

    form: str
    formula: str
    floor: str | None
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    expected: dict[str, float]
    objective: float
    delta: float
    bits: float
    points: int
    error: float
    target: str
    unit: str
    amounts: str
    ranges: dict[str, tuple[float, float]]
    draws: list[list[float]]
    noise: float
    drift: float
    holdout: HoldOut | None = None
    runners_up: tuple[RunnerUp, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def parsed(self) -> Formula:
        """The formula as a tree."""
        return parse(self.formula, [name for name in self.ranges if name != "compute"])

    @property
    def columns(self) -> tuple[str, ...]:
        """What it depends on."""
        return self.parsed.columns

    @property
    def theta(self) -> Array:
        """The parameters that are expected, as they were fitted, [1, p]."""
        return to_theta(self.parsed, np.array([[self.expected[one.name] for one in self.parsed.parameters]]))

    def predict_log(self, columns: Mapping[str, Array]) -> Array:
        """Return the logarithm of what the law says, [points]; NaN or infinite where it says nothing."""
        said: Array = predict_log(self.parsed, columns, self.theta)[0]
        return said

    def predict_draws(self, columns: Mapping[str, Array]) -> Array:
        """Return what the law would say, had other points been drawn: logarithms [draws, points]."""
        return predict_log(self.parsed, columns, to_theta(self.parsed, np.array(self.draws)))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values without the draws; infinite ends of intervals are None."""
        fields = asdict(self)
        del fields["draws"]
        holdout = None if self.holdout is None else self.holdout.error
        said = {"holdout_error": holdout, "warnings": [*self.refusals, *self.warnings]}
        plain: dict[str, Any] = replace_infinite(fields | said)
        return plain

    def write(self, target: "str | os.PathLike[str]", force: bool = False) -> None:
        """Write the law to a file, whole or not at all. Raises UsageError when it exists, OSError."""
        fields = {"multum_law": VERSION} | asdict(self)
        text = json.dumps(replace_infinite(fields), ensure_ascii=False)
        with whole_file(os.fspath(target), force, None) as file:
            file.write(text.encode() + b"\n")


def replace_infinite(value: Any) -> Any:
    """Return a value as JSON can have it: no end is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: replace_infinite(one) for key, one in value.items()}
    return [replace_infinite(one) for one in value] if isinstance(value, list | tuple) else value
