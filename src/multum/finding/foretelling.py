"""A short ladder before programs are trained: its law says which size, at how many bits a weight, deserves the time.

What the law says is an estimate of the program alone; whether the program wins is still decided by its archive.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multum.errors import MissingExtra, UsageError
from multum.finding.candidates import Account
from multum.ladders.ladder import ladder
from multum.ladders.reports import LadderReport
from multum.laws.law import Law
from multum.laws.points import FLOPS_A_PARAMETER

# Of the time for training; and the seconds below which a ladder tells nothing.
_SHARE, _LEAST_S = 0.15, 180.0
# Data repeated more often is worth less than the law, which saw none repeated so often, would say.
_MOST_EPOCHS = 4.0
# A program shares its bytes with the network that learns as it codes: of a bit that it saves alone half is saved. (Five
# programs of 2.353 to 1.873 bits per byte alone came to 1.975 to 1.762 beside level 9, which alone took 2.078.)
_WORTH = 0.5
# Sizes among which the best is looked for: from a ladder's smallest to so many times its largest.
_BEYOND, _SIZES = 10.0, 101


@dataclass(frozen=True)
class Choice:
    """What deserves the time. weights, bits: of the program. account: what the law expects. left_s: for training."""

    weights: int
    bits: float
    account: Account
    left_s: float


def foretell(data: bytes, time_s: float, precisions: Sequence[float], folder: str, threads: int) -> Choice | None:
    """Return the size and the bits a weight, of `precisions`, to which `time_s` seconds of training should go.

    None where that is too little time for a ladder as well, or the ladder's law is not to be trusted.
    """
    if _SHARE * time_s < _LEAST_S:
        return None
    target = Path(folder) / "ladder"
    try:
        report = ladder(io.BytesIO(data), target, time_s=_SHARE * time_s, bits=precisions, workers=threads)
    except (UsageError, MissingExtra):
        return None
    if report.law is None or report.law.refusals or not {"N", "D"} <= set(report.law.columns):
        return None
    return choose(report, report.law, len(data), time_s - report.time_s, precisions, threads)


def choose(
    report: LadderReport, law: Law, raw_bytes: int, left_s: float, precisions: Sequence[float], threads: int
) -> Choice:
    """Return the size and bits with the least total by the law, trained for `left_s` seconds on so many threads."""
    largest = max(report.points, key=lambda point: point.parameters)
    flops = largest.flops / largest.time_s * threads * left_s
    smallest = min(point.parameters for point in report.points)
    n = np.geomspace(smallest, _BEYOND * largest.parameters, _SIZES)[:, None]  # [sizes, 1]
    bits = np.array(precisions, np.float64)[None]  # [1, precisions]
    d = np.minimum(flops / (FLOPS_A_PARAMETER * n), _MOST_EPOCHS * raw_bytes)
    shape = np.broadcast_shapes(n.shape, bits.shape)
    columns = {
        name: np.broadcast_to(column, shape).ravel()
        for name, column in {"N": n, "D": d, "Q": bits, "U": np.minimum(d, raw_bytes)}.items()
    }
    code_bits = raw_bytes * np.exp(law.predict_log(columns))
    program_bits = columns["N"] * columns["Q"]
    best = int(np.argmin(program_bits + _WORTH * code_bits))
    weights, precision = round(float(columns["N"][best])), float(columns["Q"][best])
    code, program = float(code_bits[best]), float(program_bits[best])
    name = f"by a ladder's law: {weights:,} weights at {precision:g} bits, alone"
    return Choice(weights, precision, Account(name, program, code, program + code, measured=False), left_s)
