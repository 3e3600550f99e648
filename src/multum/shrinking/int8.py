"""Linear layers in 8-bit integers: where a machine multiplies them faster, a small model is a fast one as well.

Weights are rounded again, to 8 bits with a step a row, and what comes in is rounded too, with a step a token: close to
the dense network, not equal to it. A few inputs are far larger than all others and would make every step coarse: they
stay as they are. The others are scaled against their weights, so that what is rounded is evenly spread.
Sources: Dettmers and others, "LLM.int8()" (2022), section 3, for the large inputs; Xiao and others, "SmoothQuant"
(2023), section 4, for scales, here from the weights alone.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from multum.shrinking.measuring import measure_running
from multum.shrinking.reports import Running

_LARGEST = 127
# Inputs that stay as they are: one in so many.
_ONE_IN = 32
# How far scales of inputs follow the sizes of their weights.
_FOLLOW = 0.5


class Int8Linear(nn.Module):
    """A linear layer whose product is one of 8-bit integers.

    codes: int8[outputs, inputs]; steps: float32[outputs]; scales: float32[inputs], by which inputs are multiplied.
    """

    codes: Tensor
    steps: Tensor
    scales: Tensor

    def __init__(self, dense: nn.Linear) -> None:
        super().__init__()
        weight = dense.weight.detach().float()
        scales = _choose_scales(weight)
        codes, steps = _round_rows(weight / scales)
        self.register_buffer("codes", codes)
        self.register_buffer("steps", steps[:, 0])
        self.register_buffer("scales", scales)
        self.bias = dense.bias

    @property
    def weight(self) -> Tensor:
        """The weights as float32[outputs, inputs]; some networks look at their type."""
        return self.codes * self.steps[:, None] * self.scales

    def forward(self, inputs: Tensor) -> Tensor:
        """Return float[..., outputs]."""
        read = inputs.flatten(0, -2).float() * self.scales  # [tokens, inputs]
        large = read.abs().amax(0).topk(read.shape[1] // _ONE_IN).indices
        kept = read[:, large]
        codes, steps = _round_rows(read.index_fill(1, large, 0.0))  # [tokens, inputs], [tokens, 1]
        product = torch._int_mm(codes, self.codes.T)  # int32[tokens, outputs], exact
        outputs = (product * steps + kept @ self.codes[:, large].T.float()) * self.steps
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.view(*inputs.shape[:-1], -1).to(inputs.dtype)


def _choose_scales(weight: Tensor) -> Tensor:
    """Return float32[inputs]: what inputs are multiplied by, and their weights, [outputs, inputs], divided."""
    sizes = weight.square().mean(0).sqrt().clamp_min(torch.finfo(torch.float32).tiny)
    return (_FOLLOW * (sizes.log() - sizes.log().mean())).exp()


def _round_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return (int8[n, m], float32[n, 1]): the rows as codes and steps."""
    steps = rows.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny * _LARGEST) / _LARGEST
    return (rows / steps).round().to(torch.int8), steps


def make_int8(module: nn.Module) -> nn.Module:
    """Return a copy of `module` with its linear layers in 8-bit integers; what is no linear layer is shared."""
    shared: dict[int, Any] = {id(one): one for one in [*module.parameters(), *module.buffers()]}
    made = copy.deepcopy(module, shared)
    for name, part in list(made.named_modules()):
        if type(part) is nn.Linear:
            made.set_submodule(name, Int8Linear(part))
    return made.eval()


def measure_int8(module: nn.Module, inputs: Mapping[str, Tensor], told: str) -> tuple[nn.Module, Running] | None:
    """Return the copy in 8-bit integers and what running it takes; None where this machine or network cannot."""
    try:
        made = make_int8(module)
        return made, measure_running(made, inputs, told)
    except (RuntimeError, NotImplementedError):  # torch has no integer product for this machine or these shapes
        return None
