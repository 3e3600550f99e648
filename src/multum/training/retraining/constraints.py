"""Weights of fewer values while they train: zeros that stay, and integers whose steps learn.

Both are parametrizations: a layer computes with what they make of its weight, and gradients reach the weight behind.
Invariant: zero stays zero, whatever follows; and steps are those that a grid of a file has.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from multum.quantization.weights import EMBEDDING, Use, Weight, find_weights
from multum.reduction.choices import RTN, Rounding
from multum.reduction.heads import find_head
from multum.reduction.scales import Scales, choose_scales
from multum.tensors.grids import FINEST


class Kept(nn.Module):
    """A weight where `mask` is true, zero elsewhere. mask: bool, of the shape of the weight."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with its zeros."""
        return weight * self.mask


class Stepped(nn.Module):
    """A weight as integers times steps, one for each output, that learn with it.

    Gradients pass rounding as if it were not there, and end where the integers do. octaves: float32[outputs], the
    logarithms of the steps; they are rounded to those of a grid as the weights are to integers.
    Source: Esser et al. 2020, "Learned step size quantization", here by logarithms; Bengio, Leonard and Courville 2013.
    """

    def __init__(self, weight: Weight, bits: int) -> None:
        """Begin with the steps that lose least of the weight as it is."""
        super().__init__()
        matrix = weight.read()
        scales = choose_scales(matrix, torch.ones(matrix.shape[1]), Rounding(RTN, bits, symmetric=True))
        self.bits, self._axes = bits, _find_axes(weight)
        self.octaves = nn.Parameter(scales.exponents[:, 0].float() / 2**FINEST)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight's nearest values."""
        half = 2 ** (self.bits - 1)
        steps = _round(self.octaves * 2**FINEST).div(2**FINEST).exp2().view(self._axes)
        return _round((weight / steps).clamp(-half, half - 1)) * steps

    @torch.no_grad()
    def read_scales(self, columns: int) -> Scales:
        """Return the steps as a file has them, for a matrix of so many columns."""
        exponents = (self.octaves * 2**FINEST).round().to(torch.int16)[:, None]
        return Scales(exponents, torch.full(exponents.shape, 2.0 ** (self.bits - 1)), columns, self.bits)


def _round(values: Tensor) -> Tensor:
    """Return `values` rounded, with the gradient of `values` themselves."""
    return values + (values.round() - values).detach()


def _find_axes(weight: Weight) -> tuple[int, ...]:
    """Return the shape in which a number for each output multiplies the parameter."""
    others = [1] * (weight.parameter.ndim - 1)
    return (*others, -1) if weight.transposed else (-1, *others)


def choose_weights(module: nn.Module, weights: Sequence[Weight] | None = None) -> list[Weight]:
    """Return the matrices that are constrained: not tables of words, and not the heads that predict words.

    weights: those of find_weights that may be; None for all.
    """
    head = find_head(module)
    found = find_weights(module)[0] if weights is None else weights
    return [weight for weight in found if not any(_reads_words(use, head) for use in weight.uses)]


def _reads_words(use: Use, head: Any) -> bool:
    return use.kind == EMBEDDING or use.module is head


def keep_zeros(weights: Sequence[Weight], *, all_matrices: bool) -> None:
    """Let zeros of `weights` stay while the others train; all_matrices: mask those without any as well."""
    for weight in weights:
        mask = weight.parameter.detach() != 0
        if all_matrices or not bool(mask.all()):
            _constrain(weight, Kept(mask))


def use_steps(weights: Sequence[Weight], bits: int) -> None:
    """Let `weights` train as integers of so many bits."""
    for weight in weights:
        _constrain(weight, Stepped(weight, bits))


def _constrain(weight: Weight, made: nn.Module) -> None:
    """Put `made` before every use of `weight`."""
    for use in weight.uses:
        parametrize.register_parametrization(use.module, "weight", made)


def list_kept(module: nn.Module) -> list[tuple[Kept, Tensor]]:
    """Return each mask in `module` with the weight behind it, tied ones once."""
    found: dict[int, tuple[Kept, Tensor]] = {}
    for part in module.modules():
        if isinstance(part, parametrize.ParametrizationList):
            found |= {id(one): (one, part.original.detach()) for one in part if isinstance(one, Kept)}
    return list(found.values())


def find_stepped(module: nn.Module) -> Stepped | None:
    """Return what makes integers of the weight of a layer, None where nothing does."""
    if not parametrize.is_parametrized(module, "weight"):
        return None
    made: Any = module.parametrizations
    return next((one for one in made.weight if isinstance(one, Stepped)), None)
