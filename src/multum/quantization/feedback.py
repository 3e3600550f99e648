"""Rounding a matrix to integers so that each column's error is made good by the columns after it.

Invariant: every weight's step is the reciprocal root of what its error costs once the later columns have made good
what they can, so that all errors cost the same on average: the reverse water-filling of rate-distortion theory. Only
where errors would be as large as the weights of a matrix are they to cost less there.
Sources: Frantar and others, "OPTQ" (2023), section 3, for the feedback; Lifar, Savkin, Ordentlich and Polyanskiy,
"WaterSIC" (2026), for steps that follow the Cholesky factor.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from multum.quantization.rounding import Columns
from multum.quantization.sensitivities import Sensitivity
from multum.tensors.grids import STEP_OCTAVES, read_steps

# Steps are 2 ** (n / 8): a finer choice gains nothing, and costs bits.
FINE = 3
# Added to the diagonal, in shares of its mean: data seldom span all directions.
_DAMPING = 0.003
_HARDER = 10.0
_TRIES = 4
_BLOCK = 64
_MOST_ROWS = 8192
LARGEST_CODE = 32767
# Noise beyond this share of a matrix's signal grows by so much of an octave for each of everything's.
_NOISE, _FOLLOWS = 0.1, 0.1
# A smaller signal is that of a matrix on which no prediction depends.
_SILENT = 1e-30


@dataclass(frozen=True, eq=False)
class Ground:
    """What rounding a matrix [R, C] has to know, at whatever step.

    order: int64[C], the columns as they are rounded. feedback: float32[C, C], unit upper triangular: what later columns
    take over of a column's error. rows: float64[R], columns: float64[C]: base-2 logarithms of the steps, together, at
    which an error costs 1; columns in the order of rounding. damping: added to the diagonal, in shares of its mean;
    infinite where only the diagonal is used. flat: whether all columns have one step. most: the largest code.
    """

    order: Tensor
    feedback: Tensor
    rows: Tensor
    columns: Tensor
    damping: float
    flat: bool = False
    most: int = LARGEST_CODE

    @property
    def column_steps(self) -> Tensor:
        """Float64[C]: logarithms of the steps of columns, in the order of rounding."""
        return self.columns.mean().expand_as(self.columns) if self.flat else self.columns

    def pick_rows(self, rows: Tensor) -> "Ground":
        """Return the ground of some of the rows: the codes of a row depend on no other row, but for their rates."""
        return replace(self, rows=self.rows[rows])


@dataclass(frozen=True, eq=False)
class Rounded:
    """codes: int16[R, C]. rows: int16[R], columns: int16[C]: steps of 2 ** (n / 2 ** FINE). loss: nats a prediction."""

    codes: Tensor
    rows: Tensor
    columns: Tensor
    loss: float


def prepare(sensitivity: Sensitivity, flat: bool = False, most: int = LARGEST_CODE) -> Ground:
    """Return the ground of a matrix from what its errors cost; see Ground."""
    cost = shrink_towards_diagonal(sensitivity.columns.double(), sensitivity.positions)
    order = torch.argsort(cost.diagonal(), descending=True, stable=True)
    factor, damping = factorise(cost[order][:, order])
    spread = factor.diagonal()
    # an error of column c costs 1 / spread[c] ** 2 once the later ones have made it good
    return Ground(
        order,
        (factor / spread[:, None]).float().contiguous(),
        -0.5 * torch.log2(sensitivity.rows.clamp_min(torch.finfo(torch.float64).tiny)),
        torch.log2(spread),
        damping,
        flat,
        most,
    )


def shrink_towards_diagonal(cost: Tensor, positions: int) -> Tensor:
    """Return second moments, float64[C, C], with as little correlation as so many positions leave it in doubt.

    Without that, feedback trusts directions that a few thousand tokens happened not to take.
    Source: Chen, Wiesel, Eldar and Hero, "Shrinkage Algorithms for MMSE Covariance Estimation" (2010), equation 23
    (OAS), for the matrix of correlations.
    """
    size = len(cost)
    spread = cost.diagonal().clamp_min(torch.finfo(torch.float64).tiny).sqrt()
    squares = float((cost / spread[:, None] / spread).square().sum())
    beyond = (positions + 1 - 2 / size) * (squares - size)
    share = ((1 - 2 / size) * squares + size**2) / beyond if beyond > 0 else 1.0
    share = min(1.0, max(0.0, share))
    return (1 - share) * cost + share * torch.diag(cost.diagonal())


def factorise(cost: Tensor) -> tuple[Tensor, float]:
    """Return (the upper Cholesky factor of the inverse of `cost`, damped, the damping). cost: float64[C, C]."""
    mean = float(cost.diagonal().mean())
    if not mean > 0:
        return torch.eye(len(cost), dtype=torch.float64), 0.0
    damping = _DAMPING
    for _ in range(_TRIES):
        damped = cost + damping * mean * torch.eye(len(cost), dtype=torch.float64)
        lower, failed = torch.linalg.cholesky_ex(damped)
        if not failed:
            upper, failed = torch.linalg.cholesky_ex(torch.cholesky_inverse(lower), upper=True)
            if not failed:
                return upper, damping
        damping *= _HARDER
    # nothing but the diagonal can be trusted
    return torch.diag((cost.diagonal().clamp_min(0) + damping * mean).rsqrt()), math.inf


def measure_signal(matrix: Tensor, ground: Ground) -> float:
    """Return the mean square of float32[R, C], in steps at which an error costs 1."""
    by_column, by_row = torch.exp2(-2 * ground.columns).float(), torch.exp2(-2 * ground.rows)
    parts = zip(matrix.split(_MOST_ROWS), by_row.split(_MOST_ROWS), strict=True)
    return sum(float((part[:, ground.order].square() @ by_column).double() @ at) for part, at in parts) / matrix.numel()


def limit_noise(step: float, signal: float) -> float:
    """Return the step of a matrix where all have `step` in common: finer where errors would be as large as the weights.

    What an error costs is known for small errors only. Taken at its word, it clears whole layers that look as if they
    did nothing, and predictions break. signal: see measure_signal.
    """
    if signal < _SILENT:
        return step
    noise = 2.0 ** (2 * step) / 12  # the mean square of what is rounded off
    return step - (1 - _FOLLOWS) / 2 * math.log2(1 + noise / (_NOISE * signal))


def round_matrix(matrix: Tensor, ground: Ground, step: float) -> Rounded:
    """Return the integers of float32[R, C]. step: the base-2 logarithm of the root of what an error of one step costs.

    An octave more of it is about a bit less a weight.
    """
    parts = [_round_rows(*part, step) for part in _cut_rows(matrix, ground)]
    codes, rows = (torch.cat(pieces) for pieces in zip(*((part.codes, part.rows) for part in parts), strict=True))
    return Rounded(codes, rows, parts[0].columns, sum(part.loss for part in parts))


def _cut_rows(matrix: Tensor, ground: Ground) -> Iterator[tuple[Tensor, Ground]]:
    """Yield (rows of the matrix, their ground): a table of words is large beside what feedback needs."""
    for start in range(0, len(matrix), _MOST_ROWS):
        stop = min(start + _MOST_ROWS, len(matrix))
        yield matrix[start:stop], ground.pick_rows(torch.arange(start, stop))


def _round_rows(matrix: Tensor, ground: Ground, step: float) -> Rounded:
    """Return the integers of some rows of a matrix."""
    columns = _grid_exponents(ground.column_steps)
    steps = _read_steps(columns)
    ordered = matrix[:, ground.order]
    # what a row's largest code can reach: what it cannot, no later column makes good
    reach = torch.log2((ordered / steps).abs().amax(1).clamp_min(1e-30).double() / (ground.most - 0.5))
    rows = _grid_exponents(torch.maximum(ground.rows + step, reach + 2.0**-FINE))
    scaled = ordered / _read_steps(rows)[:, None]
    rounding = Columns(scaled, steps, ground.most)
    # what an error of one row step costs, but for its column
    costs = torch.exp2(2 * (rows.double() / 2**FINE - ground.rows))
    loss = 0.0
    for start in range(0, scaled.shape[1], _BLOCK):
        end = min(start + _BLOCK, scaled.shape[1])
        errors = rounding.round(start, end, ground.feedback)
        squares = (errors.double() * torch.exp2(-ground.columns[start:end])).square().sum(1)
        loss += float((costs * squares).sum()) / 2
        if end < scaled.shape[1]:
            scaled[:, end:].addmm_(errors, ground.feedback[start:end, end:], alpha=-1)
    back = torch.argsort(ground.order)
    return Rounded(rounding.codes[:, back], rows, columns[back], loss)


def _read_steps(exponents: Tensor) -> Tensor:
    return torch.from_numpy(read_steps(exponents.numpy(), FINE))


def _grid_exponents(logs: Tensor) -> Tensor:
    """Return int16: logarithms of steps in units of 1 / 2 ** FINE of an octave."""
    scaled: Tensor = logs.clamp(-STEP_OCTAVES, STEP_OCTAVES) * 2**FINE
    return scaled.round().to(torch.int16)
