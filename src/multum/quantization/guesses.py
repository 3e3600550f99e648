"""What errors of a matrix may cost when no data tell."""

import torch
from torch import Tensor

from multum.quantization.sensitivities import Sensitivity


def guess_sensitivity(matrix: Tensor) -> Sensitivity:
    """Return the sensitivity of a matrix, float32[outputs, inputs], of which only the values are known.

    An error costs what it changes of the matrix's outputs, as a share of their mean square; all matrices matter
    alike, and their inputs too.
    """
    outputs, inputs = matrix.shape
    rows = torch.full((outputs,), 1 / outputs, dtype=torch.float64)
    power = float(matrix.double().square().mean().clamp_min(1e-30))
    return Sensitivity(rows, torch.eye(inputs) / (power * inputs))
