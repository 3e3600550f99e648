"""Steps that follow from more than how far weights reach: from how errors are spread, or from what the inputs are.

Invariant: steps are those of a grid; what has none there, such as zeros between two integers, is left out of the
methods as they were published.
"""

import torch
from torch import Tensor

from multum.reduction.choices import TENSOR, Rounding
from multum.reduction.scales import Scales, choose_scales, find_exponents
from multum.reduction.walking import Moments
from multum.tensors.grids import FINEST, read_steps

# Errors cost by this power of their size; a half-quadratic's weight, and what it grows by each round.
_POWER, _WEIGHT, _GROWTH, _ROUNDS = 0.7, 10.0, 1.01, 20
# How far steps of inputs follow the inputs' sizes: what is tried.
_FOLLOWED = tuple(number / 10 for number in range(10))


def fit_robustly(matrix: Tensor, rounding: Rounding) -> Scales:
    """Return scales of float32[R, C] that mind a few large errors less than many small ones.

    Source: Badri and Shaji, "Half-Quadratic Quantization" (2023), with steps in place of zeros as what is fitted.
    """
    begun = choose_scales(matrix, torch.ones(matrix.shape[1]), rounding)
    if rounding.group == TENSOR:
        values, exponents, zeros = matrix.view(1, 1, -1), begun.exponents[:1], begun.zeros[:1]
    else:
        values, exponents, zeros = matrix.view(len(matrix), -1, begun.size), begun.exponents, begun.zeros
    best = torch.full(exponents.shape, torch.inf)
    steps, least, weight = _read(exponents), -zeros[..., None], _WEIGHT
    for _ in range(_ROUNDS):
        tried = find_exponents(steps)
        width = _read(tried)[..., None]
        codes = torch.minimum(torch.maximum((values / width).round(), least), 2**rounding.bits - 1 + least)
        errors = values / width - codes  # in steps
        loss = ((errors * width).abs() ** _POWER).sum(-1)
        exponents, best = torch.where(loss < best, tried, exponents), torch.minimum(loss, best)
        sizes = errors.abs()
        kept = errors.sign() * (sizes - sizes.clamp_min(1e-6) ** (_POWER - 1) / weight).clamp_min(0)
        # the step that is best once the large errors are set aside
        steps = ((values - kept * width) * codes).sum(-1) / codes.square().sum(-1).clamp_min(1)
        steps = torch.where(steps > 0, steps, width[..., 0])
        weight *= _GROWTH
    shape = begun.exponents.shape
    return Scales(exponents.expand(shape), zeros.expand(shape), begun.size, begun.bits)


def _read(exponents: Tensor) -> Tensor:
    return torch.from_numpy(read_steps(exponents.contiguous().numpy(), FINEST))


def scale_inputs(matrix: Tensor, moments: Moments, rounding: Rounding) -> Scales:
    """Return scales of float32[R, C] whose steps are finer for inputs that are larger, as far as that lowers errors.

    Source: Lin and others, "AWQ" (2024), section 3.2; what is tried is measured by second moments, and the inputs'
    steps stay with the weights.
    """
    cost = moments.columns.float()
    sizes = cost.diagonal().clamp_min(1e-30).sqrt()
    best, found = torch.inf, torch.zeros(len(sizes), dtype=torch.int16)
    for followed in _FOLLOWED:
        columns = find_exponents((sizes / sizes.log().mean().exp()) ** -followed)
        scales = _choose_scaled(matrix, sizes, columns, rounding, (1.0,))
        errors = matrix - scales.round(matrix) * scales.spread()[0]
        loss = float(((errors @ cost) * errors).sum())
        if loss < best:
            best, found = loss, columns
    return _choose_scaled(matrix, sizes, found, rounding)


def _choose_scaled(
    matrix: Tensor, sizes: Tensor, columns: Tensor, rounding: Rounding, *parts: tuple[float, ...]
) -> Scales:
    """Return scales beside given steps of the inputs. sizes: float32[C], of inputs. parts: see choose_scales."""
    steps = _read(columns)
    scales = choose_scales(matrix / steps, (sizes * steps).square(), rounding, *parts)
    return Scales(scales.exponents, scales.zeros, scales.size, scales.bits, columns)
