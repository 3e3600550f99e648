"""What layers read, as integers of few bits: clipped where a training learned to clip it, then rounded.

A network that was trained so is another function without it, so the clips are told by multum.json, and whatever loads
the network here puts them back.
Source: Choi et al. 2018, "PACT: parameterized clipping activation for quantized neural networks"; for inputs of both
signs the clip reaches as far below zero.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import FormatError
from multum.neural.sources import DESCRIPTION, Source

LEAST_BITS, MOST_BITS = 2, 8
# Where multum.json tells of them: in what it says of a shrink.
_SHRUNKEN, _ACTIVATIONS = "shrunken", "activations"
_NAME = "clip"


@dataclass(frozen=True)
class Reach:
    """How far the inputs of a layer reach: from 0, or from -most where `signed`, to `most`."""

    most: float
    signed: bool


class Clip(nn.Module):
    """Clips and rounds to integers of `bits` bits times a step; gradients pass the rounding."""

    most: Tensor

    def __init__(self, reach: Reach, bits: int, *, learns: bool) -> None:
        super().__init__()
        self.bits, self.signed = bits, reach.signed
        most = torch.tensor(reach.most)
        if learns:
            self.most = nn.Parameter(most)
        else:
            self.register_buffer("most", most, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs on their grid; what is beyond it is at its end, and moves it."""
        most = self.most.clamp_min(torch.finfo(torch.float32).tiny).to(inputs.dtype)
        least = -most if self.signed else torch.zeros_like(most)
        kept = torch.minimum(torch.maximum(inputs, least), most)
        step = most.detach() / (2 ** (self.bits - self.signed) - 1)
        rounded: Tensor = kept + ((kept / step).round() * step - kept).detach()
        return rounded

    def read(self) -> Reach:
        """Return how far it reaches now."""
        return Reach(float(self.most.detach()), self.signed)


def attach_clips(module: nn.Module, reaches: Mapping[str, Reach], bits: int, *, learns: bool = False) -> None:
    """Let the layers of `module` that `reaches` names read integers of so many bits. Raises KeyError for others."""
    parts = dict(module.named_modules())
    for name, reach in reaches.items():
        parts[name].add_module(_NAME, Clip(reach, bits, learns=learns))
        parts[name].register_forward_pre_hook(_clip_inputs)


def _clip_inputs(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    clip: Any = layer.get_submodule(_NAME)
    return clip(inputs[0]), *inputs[1:]


def attach_again(module: nn.Module, clips: Mapping[str, Clip]) -> None:
    """Give `clips` to the layers of `module` that took the place of those that had them."""
    had = list_clips(module)
    for name, clip in clips.items():
        if name not in had:
            attach_clips(module, {name: clip.read()}, clip.bits)


def list_clips(module: nn.Module) -> dict[str, Clip]:
    """Return the clips in `module`, by the names of their layers."""
    found = ((name, part) for name, part in module.named_modules() if isinstance(part, Clip))
    return {name.removesuffix(f".{_NAME}").removesuffix(_NAME): part for name, part in found}


def tell_clips(module: nn.Module) -> dict[str, Any]:
    """Return what multum.json says of a shrunken network's clips: nothing where there are none."""
    clips = list_clips(module)
    if not clips:
        return {}
    told = {name: {"most": clip.read().most, "signed": clip.signed} for name, clip in clips.items()}
    return {_ACTIVATIONS: {"bits": next(iter(clips.values())).bits, "layers": told}}


def restore_clips(module: nn.Module, source: Source) -> None:
    """Put back the clips that the multum.json of `source` tells of. Raises FormatError for some that cannot be."""
    facts = source.read_json(DESCRIPTION).get(_SHRUNKEN, {})
    told = facts.get(_ACTIVATIONS) if isinstance(facts, dict) else None
    if told is None:
        return
    try:
        bits = int(told["bits"])
        reaches = {name: Reach(float(one["most"]), bool(one["signed"])) for name, one in told["layers"].items()}
        if not LEAST_BITS <= bits <= MOST_BITS or not all(math.isfinite(one.most) for one in reaches.values()):
            raise ValueError("bits or reaches are out of range")
        attach_clips(module, reaches, bits)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(
            f"'{source.name}' tells of activations that its network does not have ({error}); shrink it again"
        ) from error
