"""Weights that stay integers in memory: a layer then reads less of it for each token, which is what writing waits for.

What comes in stays bfloat16, and sums are as exact as there; torch multiplies. Few tokens at a time are faster than in
bfloat16, as the weights pass through the processor only once for each of them; many are not.
  8 bits   a step for each output, and for each word of a table; close to any weights
  4 bits   a step and a least value for each group of 32 to 256 inputs: the integers of `quantize=METHOD:4:GROUP`, or of
           fewer bits, stay what they are, other weights are rounded to the nearest
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from multum.errors import UsageError
from multum.neural.clips import attach_again, list_clips
from multum.reduction.choices import RTN, Rounding
from multum.reduction.heads import find_head
from multum.reduction.scales import RANGES, choose_scales

WEIGHT_BITS = (4, 8)
_LARGEST = 127
_LEVELS = 16  # of 4 bits
# Sizes of groups that the product of 4 bits takes, and what it wants of a layer; it crashes on other shapes.
_GROUPS = (256, 128, 64, 32)
_USUAL_GROUPS = (64, 32)
_SIDE_OUT, _SIDE_IN = 16, 32
# Tokens up to which the product of 8 bits is faster than one in bfloat16 with weights that are unpacked for it.
_FEW = 16
# How far from a step weights may be to lie on a grid: those stored as bfloat16 are a little off.
_OFF_GRID = 0.1
# How much of a group's range steps are tried for, where weights are rounded anew.
_TRIED = RANGES[::4]
# Rows that tell whether it is worth looking at all of them.
_PROBED_ROWS = 16


class EightBitLinear(nn.Module):
    """A linear layer with weights of 8 bits.

    codes: int8[outputs, inputs], outputs filled up to a multiple of 16; steps: bfloat16[outputs], filled up as well.
    """

    codes: Tensor
    steps: Tensor

    def __init__(self, codes: Tensor, steps: Tensor, outputs: int, bias: nn.Parameter | None) -> None:
        """codes, steps: of `round_rows`, which several layers may share."""
        super().__init__()
        self.out_features, self.in_features = outputs, codes.shape[1]
        self.register_buffer("codes", codes)
        self.register_buffer("steps", steps)
        self.bias = bias

    @property
    def weight(self) -> Tensor:
        """The weights as float32[outputs, inputs]; some networks look at them."""
        return (self.codes * self.steps.float()[:, None])[: self.out_features]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return float[..., outputs]."""
        read = inputs.flatten(0, -2).bfloat16()
        if len(read) <= _FEW and self.in_features % _SIDE_IN == 0:
            product = torch._weight_int8pack_mm(read, self.codes, self.steps)
        else:
            product = functional.linear(read, self.codes.bfloat16()) * self.steps
        return _finish(product, self, inputs)


class FourBitLinear(nn.Module):
    """A linear layer with weights of 4 bits.

    codes: uint8[outputs, inputs / 2], as torch lays them out, outputs filled up to a multiple of 16; scales:
    bfloat16[groups, outputs, 2], steps and the values of the integer 8. exact: whether the dense weights lay on a grid.
    """

    codes: Tensor
    scales: Tensor

    def __init__(self, dense: nn.Linear) -> None:
        super().__init__()
        self.out_features, self.in_features = dense.weight.shape
        weight = _fill_up(dense.weight.detach().float())
        found = _read_grid(weight)
        self.exact = found is not None
        codes, steps, least = found or _round(weight)
        self.register_buffer("codes", torch._convert_weight_to_int4pack_for_cpu(codes.int(), 1))
        middle = least + _LEVELS // 2 * steps
        self.register_buffer("scales", torch.stack([steps, middle], -1).transpose(0, 1).contiguous().bfloat16())
        self.bias = dense.bias

    @property
    def weight(self) -> Tensor:
        """The weights as float32[outputs, inputs]; some networks look at them."""
        return self._multiply(torch.eye(self.in_features, dtype=torch.bfloat16)).T[: self.out_features].float()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return float[..., outputs]."""
        return _finish(self._multiply(inputs.flatten(0, -2).bfloat16()), self, inputs)

    def _multiply(self, read: Tensor) -> Tensor:
        """Return bfloat16[tokens, outputs], those filled up included."""
        size = self.in_features // len(self.scales)
        product: Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(read.contiguous(), self.codes, size, self.scales)
        return product


class EightBitTable(nn.Module):
    """A table of words with weights of 8 bits; see EightBitLinear for codes and steps."""

    codes: Tensor
    steps: Tensor

    def __init__(self, dense: nn.Embedding) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = dense.weight.shape
        codes, steps = round_rows(dense.weight)
        self.register_buffer("codes", codes)
        self.register_buffer("steps", steps)
        self._dtype = dense.weight.dtype

    @property
    def weight(self) -> Tensor:
        """The weights as float32[words, width]; some networks look at them."""
        return (self.codes * self.steps.float()[:, None])[: self.num_embeddings]

    def forward(self, words: Tensor) -> Tensor:
        """Return float[..., width]."""
        return (self.codes[words] * self.steps[words][..., None]).to(self._dtype)


def make_weight_only(module: nn.Module, bits: int) -> nn.Module:
    """Return `module` itself, the weights of its linear layers and tables of words now integers of 4 or 8 bits.

    With 4 bits tables, heads that predict words, and layers whose inputs are no multiple of 32 have 8. A module that is
    nothing but one such layer stays as it is. Raises UsageError for other bits, and for networks not on the CPU.
    """
    if bits not in WEIGHT_BITS:
        raise UsageError(f"weights of {bits} bits are not multiplied; allowed is {', '.join(map(str, WEIGHT_BITS))}")
    if any(parameter.device.type != "cpu" for parameter in module.parameters()):
        raise UsageError(f"weights of {bits} bits are multiplied on the CPU; give the device cpu, or leave them out")
    clips = list_clips(module)
    parts = [(name, part) for name, part in module.named_modules(remove_duplicate=False) if name]
    tables = {id(part.weight): EightBitTable(part) for _, part in parts if type(part) is nn.Embedding}
    head = find_head(module)
    layers = {
        id(part): _convert(part, tables.get(id(part.weight)), 8 if part is head else bits)
        for _, part in parts
        if type(part) is nn.Linear
    }
    for name, part in parts:
        if type(part) is nn.Embedding:
            module.set_submodule(name, tables[id(part.weight)])
        elif type(part) is nn.Linear:
            module.set_submodule(name, layers[id(part)])
    attach_again(module, clips)
    return module.eval()


def _convert(dense: nn.Linear, table: EightBitTable | None, bits: int) -> nn.Module:
    """Return a linear layer in integers. table: that of the same weights, if any."""
    if table is not None:
        return EightBitLinear(table.codes, table.steps, dense.out_features, dense.bias)
    if bits == 4 and dense.in_features % _SIDE_IN == 0:
        return FourBitLinear(dense)
    return EightBitLinear(*round_rows(dense.weight), dense.out_features, dense.bias)


def _finish(product: Tensor, layer: EightBitLinear | FourBitLinear, inputs: Tensor) -> Tensor:
    """Return what a layer says for `inputs`, whose product with its weights is [tokens, outputs filled up]."""
    outputs = product[:, : layer.out_features].to(inputs.dtype)
    if layer.bias is not None:
        outputs = outputs + layer.bias.to(inputs.dtype)
    return outputs.view(*inputs.shape[:-1], -1)


def round_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return (int8[rows, columns], bfloat16[rows]): codes and steps, rows filled up to a multiple of 16."""
    rows = _fill_up(weight.detach().float())
    steps = (rows.abs().amax(1).clamp_min(torch.finfo(torch.bfloat16).tiny * _LARGEST) / _LARGEST).bfloat16()
    return (rows / steps.float()[:, None]).round().clamp(-_LARGEST, _LARGEST).to(torch.int8), steps


def _fill_up(weight: Tensor) -> Tensor:
    """Return `weight` with rows of zeros behind it, up to a multiple of 16."""
    return functional.pad(weight, (0, 0, 0, -len(weight) % _SIDE_OUT))


def _round(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the nearest (codes, steps, least values) of float32[R, C]; see `_read_grid`."""
    size = next(size for size in _USUAL_GROUPS if weight.shape[1] % size == 0)
    scales = choose_scales(weight, torch.ones(weight.shape[1]), Rounding(RTN, 4, size), _TRIED)
    codes = scales.round(weight) + scales.zeros.repeat_interleave(size, 1)
    return codes, scales.steps, -scales.zeros * scales.steps


def _read_grid(weight: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return (codes 0 to 15, float32[R, C], steps and least values of groups, float32[R, groups]) that are `weight`.

    The largest groups that all lie on a grid of 16 values are taken; None where there are none.
    """
    for size in (size for size in _GROUPS if weight.shape[1] % size == 0):
        groups = weight.view(len(weight), -1, size)
        if _find_steps(groups[:_PROBED_ROWS]) is None:
            continue
        steps = _find_steps(groups)
        if steps is not None:
            low, high = groups.aminmax(dim=-1)
            # 8 is to stand for 0, or near it, as sums of scales are only as exact as what they sum
            unused = _LEVELS - 1 - ((high - low) / steps).round()
            low = low - torch.minimum((_LEVELS // 2 + low / steps).round().clamp_min(0), unused) * steps
            return ((groups - low[..., None]) / steps[..., None]).round().view_as(weight), steps, low
    return None


def _find_steps(groups: Tensor) -> Tensor | None:
    """Return float32[R, groups]: the coarsest steps that divide all differences within [R, groups, size], up to 15.

    None where a group has none.
    """
    low, high = groups.aminmax(dim=-1)
    above, spans = groups - low[..., None], high - low
    steps = torch.where(spans > 0, 0.0, 1.0)  # of equal weights any step will do
    for count in range(1, _LEVELS):
        tried = spans / count
        codes = above / tried[..., None]
        fits = (codes - codes.round()).abs().amax(-1) < _OFF_GRID
        steps = torch.where((steps == 0) & fits, tried, steps)
        if bool((steps > 0).all()):
            return steps
    return None
