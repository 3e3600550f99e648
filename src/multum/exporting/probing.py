"""Inputs that a network is traced with and compared on, and how far two networks are apart on them."""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import MultumError, UsageError
from multum.exporting.reports import Comparison
from multum.neural.loading import quiet
from multum.neural.networks import LANGUAGE
from multum.shrinking.measuring import make_probe
from multum.shrinking.models import Model

Inputs = dict[str, Tensor]
# (rows, tokens) of two probes. Both sizes differ, so that a graph which took one for fixed is found out.
_TRACED, _OTHER = (2, 24), (3, 17)
OUTPUTS = ("logits", "last_hidden_state")


def make_probes(model: Model) -> tuple[Inputs, Inputs]:
    """Return inputs of two shapes that the network of `model` reads, drawn by chance that is always the same.

    Raises UsageError for a network of which nobody knows what it reads.
    """
    found = None if model.source is None else make_probe(model.config, model.source)
    if found is None:
        raise UsageError(
            f"nobody knows what '{model.name}' reads, which a graph is made with; export its weights with"
            " --to safetensors"
        )
    chance = torch.Generator().manual_seed(0)
    first, second = (_draw(model, found[0], shape, chance) for shape in (_TRACED, _OTHER))
    return first, second


def _draw(model: Model, probe: Mapping[str, Tensor], shape: tuple[int, int], chance: torch.Generator) -> Inputs:
    rows, tokens = shape
    if "pixel_values" in probe:
        return {"pixel_values": torch.randn(rows, *probe["pixel_values"].shape[1:], generator=chance)}
    width = min(tokens, probe["input_ids"].shape[1])
    ids = torch.randint(int(model.config.vocab_size), (rows, width), generator=chance)
    if model.kind == LANGUAGE or "attention_mask" not in inspect.signature(model.module.forward).parameters:
        return {"input_ids": ids}  # what a causal network reads needs no padding
    mask = torch.ones_like(ids)
    mask[-1, width // 2 :] = 0
    return {"input_ids": ids, "attention_mask": mask}


def name_output(module: nn.Module, inputs: Mapping[str, Tensor]) -> str:
    """Return what the network's output is called, one of OUTPUTS. Raises UsageError for another."""
    with torch.inference_mode(), quiet():
        told = module(**inputs)
    for name in OUTPUTS:
        if getattr(told, name, None) is not None:
            return name
    raise UsageError(f"a {type(module).__name__} gives neither {' nor '.join(OUTPUTS)}, and others are not exported")


@torch.inference_mode()
def compare_outputs(
    module: nn.Module, other: Any, output: str, probes: Sequence[Inputs], tolerance: float
) -> Comparison:
    """Return how far `other` is from `module` on `probes`. Raises MultumError where it is more than `tolerance`."""
    apart, size = 0.0, 0.0
    with quiet():
        for inputs in probes:
            exact, near = getattr(module(**inputs), output).double(), getattr(other(**inputs), output).double()
            apart += float((exact - near).square().sum())
            size += float(exact.square().sum())
    difference = math.sqrt(apart / max(size, 1e-300))
    if not difference <= tolerance:
        raise MultumError(
            f"the outputs of what was written differ from the network's by {difference:.3g} of their size, allowed is"
            f" {tolerance:g}; nothing was kept: export float32, or other integers"
        )
    return Comparison(difference, tolerance, f"{len(probes)} batches")
