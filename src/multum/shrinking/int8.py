"""Linear layers in 8-bit integers: where a machine multiplies them faster, a small model is a fast one as well.

Weights are rounded again, to 8 bits with a step a row, and what comes in is rounded too, with a step a token: close to
the dense network, not equal to it. A few inputs are far larger than all others and would make every step coarse: they
stay as they are. The others are scaled against their weights, so that what is rounded is evenly spread. With data to
calibrate on, which inputs are large and how far the others reach is found once, for all that comes; else anew for each
token, or for all that comes in at once.
Sources: Dettmers and others, "LLM.int8()" (2022), section 3, for the large inputs; Xiao and others, "SmoothQuant"
(2023), section 4, for scales, here from the weights alone.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import UsageError
from multum.neural.clips import attach_again, list_clips
from multum.quantization.sensitivities import Batch
from multum.shrinking.measuring import measure_running
from multum.shrinking.reports import Running

_LARGEST = 127
# Inputs that stay as they are: one in so many.
_ONE_IN = 32
# How far scales of inputs follow the sizes of their weights.
_FOLLOW = 0.5
# What has a step of its own: each token, or all that comes in; or nothing, once calibrated.
TOKEN, TENSOR, STATIC = "token", "tensor", "static"
STEPS = (TOKEN, TENSOR, STATIC)


class Int8Linear(nn.Module):
    """A linear layer whose product is one of 8-bit integers.

    codes: int8[inputs, outputs], so that an input's weights lie together; steps: float32[outputs]; scales:
    float32[inputs], by which inputs are multiplied. large: int64[n], the inputs that stay as they are, and reach:
    float32[], the largest of the others, where both are known beforehand; None where they are looked for in what comes.
    """

    codes: Tensor
    steps: Tensor
    scales: Tensor
    large: Tensor | None
    reach: Tensor | None

    def __init__(self, dense: nn.Linear, sizes: Tensor | None = None, *, by_token: bool = True) -> None:
        """sizes: float32[inputs], the largest that each was; None for unknown. by_token: a step for each token."""
        super().__init__()
        self._by_token = by_token
        weight = dense.weight.detach().float()
        scales = _choose_scales(weight)
        codes, steps = _round_rows(weight / scales)
        self.register_buffer("codes", codes.T.contiguous())
        self.register_buffer("steps", steps[:, 0])
        self.register_buffer("scales", scales)
        self.bias = dense.bias
        known = None if sizes is None else (sizes * scales).topk(len(scales) // _ONE_IN)
        self.register_buffer("large", None if known is None else known.indices)
        self.register_buffer("reach", None if sizes is None else _find_reach(sizes * scales, known))

    @property
    def weight(self) -> Tensor:
        """The weights as float32[outputs, inputs]; some networks look at their type."""
        return self.codes.T * self.steps[:, None] * self.scales

    def forward(self, inputs: Tensor) -> Tensor:
        """Return float[..., outputs]."""
        read = inputs.flatten(0, -2).float() * self.scales  # [tokens, inputs]
        large = read.abs().amax(0).topk(read.shape[1] // _ONE_IN).indices if self.large is None else self.large
        kept = read[:, large]
        codes, steps = self._round(read.index_fill(1, large, 0.0))  # [tokens, inputs], [tokens or 1, 1]
        product = torch._int_mm(codes, self.codes)  # int32[tokens, outputs], exact
        outputs = (product * steps).addmm_(kept, self.codes[large].float()).mul_(self.steps)
        if self.bias is not None:
            outputs += self.bias
        return outputs.view(*inputs.shape[:-1], -1).to(inputs.dtype)

    def _round(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """Return (int8[tokens, inputs], float32[tokens or 1, 1]): what comes in, as codes and steps."""
        if self.reach is not None:
            steps = (self.reach / _LARGEST).view(1, 1)
        elif self._by_token:
            return _round_rows(read)
        else:
            steps = _divide_by_largest(read.abs().amax().view(1, 1))
        return (read / steps).round().clamp(-_LARGEST, _LARGEST).to(torch.int8), steps


def _choose_scales(weight: Tensor) -> Tensor:
    """Return float32[inputs]: what inputs are multiplied by, and their weights, [outputs, inputs], divided."""
    sizes = weight.square().mean(0).sqrt().clamp_min(torch.finfo(torch.float32).tiny)
    return (_FOLLOW * (sizes.log() - sizes.log().mean())).exp()


def _round_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return (int8[n, m], float32[n, 1]): the rows as codes and steps."""
    steps = _divide_by_largest(rows.abs().amax(dim=1, keepdim=True))
    return (rows / steps).round().to(torch.int8), steps


def _divide_by_largest(sizes: Tensor) -> Tensor:
    """Return steps whose codes reach as far as `sizes`."""
    return sizes.clamp(min=torch.finfo(torch.float32).tiny * _LARGEST) / _LARGEST


def _find_reach(sizes: Tensor, known: Any) -> Tensor:
    """Return float32[]: the largest of the inputs that do not stay as they are, never 0."""
    return sizes.index_fill(0, known.indices, 0.0).amax().clamp(min=torch.finfo(torch.float32).tiny * _LARGEST)


def make_int8(module: nn.Module, steps: str = TOKEN, data: Sequence[Batch] | None = None) -> nn.Module:
    """Return a copy of `module` with its linear layers in 8-bit integers; what is no linear layer is shared.

    steps: one of STEPS. data: batches, each the named arguments of a call of `module`, which STATIC calibrates on;
    layers that they do not reach have a step for each token. Raises UsageError.
    """
    if steps not in STEPS:
        raise UsageError(f"'{steps}' is nothing that has a step of 8-bit inputs; allowed is {', '.join(STEPS)}")
    if (steps == STATIC) != bool(data):
        raise UsageError("static steps are calibrated on data, others without any: give both or none")
    sizes = _measure_inputs(module, data) if data else {}
    shared: dict[int, Any] = {id(one): one for one in [*module.parameters(), *module.buffers()]}
    made = copy.deepcopy(module, shared)
    for name, part in list(made.named_modules()):
        if type(part) is nn.Linear:
            made.set_submodule(name, Int8Linear(part, sizes.get(name), by_token=steps != TENSOR))
    attach_again(made, list_clips(module))
    return made.eval()


@torch.inference_mode()
def _measure_inputs(module: nn.Module, data: Sequence[Batch]) -> dict[str, Tensor]:
    """Return float32[inputs] of each linear layer that `data` reach: the largest that each input was."""
    sizes: dict[str, Tensor] = {}

    def note(name: str, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        largest = inputs[0].detach().float().flatten(0, -2).abs().amax(0)
        sizes[name] = torch.maximum(sizes[name], largest) if name in sizes else largest

    handles = [
        part.register_forward_pre_hook(partial(note, name))
        for name, part in module.named_modules()
        if type(part) is nn.Linear
    ]
    try:
        for batch in data:
            module(**{name: value for name, value in batch.items() if name != "labels"})
    finally:
        for handle in handles:
            handle.remove()
    return sizes


def measure_int8(module: nn.Module, inputs: Mapping[str, Tensor], told: str) -> tuple[nn.Module, Running] | None:
    """Return the copy in 8-bit integers and what running it takes; None where this machine or network cannot."""
    try:
        made = make_int8(module)
        return made, measure_running(made, inputs, told)
    except (RuntimeError, NotImplementedError):  # torch has no integer product for this machine or these shapes
        return None
