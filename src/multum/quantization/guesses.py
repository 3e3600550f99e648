"""What errors of a matrix may cost when no data tell."""

import torch
from torch import Tensor

from multum.quantization.sensitivities import Sensitivity


def guess_sensitivity(matrix: Tensor) -> Sensitivity:
    """Return the sensitivity of a matrix, float32[outputs, inputs], of which only the values are known.

    An error costs its share of the mean square of its row, so that all weights take about as many bits.
    """
    costs = 1 / matrix.double().square().mean(1).clamp_min(1e-30)
    inputs = matrix.shape[1]
    return Sensitivity(costs / costs.sum(), float(costs.sum()) * torch.eye(inputs), inputs)
