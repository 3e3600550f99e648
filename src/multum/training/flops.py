"""What a pass of a network computes, as torch counts it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def count_flops(module: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """Return the FLOPs of one pass forward over `inputs`, one at least; `module` is in evaluation mode after it."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.eval()(**inputs)
    return float(max(1, counter.get_total_flops()))
