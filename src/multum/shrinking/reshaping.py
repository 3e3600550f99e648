"""Models whose networks were given other shapes: what their files hold then.

Invariant: a tensor of the network goes to the file in the type that the one it came from has there.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import torch

from multum.errors import UsageError
from multum.neural.factors import HALVES, ROUNDED, Corrected
from multum.reduction.jobs import Removed
from multum.shrinking.models import Model, copy_state

WEIGHT = ".weight"


class Origin(NamedTuple):
    """Where a tensor of a network came from. name: of that tensor in the network. file: how the file calls it now."""

    name: str
    file: str


def store_anew(model: Model, origins: Mapping[str, Origin]) -> None:
    """Have `model` hold the parameters and buffers that its network has now.

    origins: of those with other names than before, by their names. Tensors of the file that stood for nothing in the
    network stay.
    """
    before = dict(model.names) | {name: name for name in model.stored if name in origins or _is_buffer(model, name)}
    replaced = set(before.values()) | {origin.name for origin in origins.values()}
    stored = {name: tensor for name, tensor in model.stored.items() if name not in replaced}
    names = {}
    parameters = dict(model.module.named_parameters(remove_duplicate=False))
    for name, tensor in {**parameters, **dict(model.module.named_buffers())}.items():
        old, file = origins.get(name, Origin(name, before.get(name, "")))
        if old in before:
            dtype = model.stored[before[old]].dtype
            stored[file] = tensor.detach().to(dtype, copy=True)
            if name in parameters:
                names[name] = file
    model.stored, model.names = stored, names


def _is_buffer(model: Model, name: str) -> bool:
    return name in dict(model.module.named_buffers())


def note_halves(model: Model, layers: Mapping[str, bool]) -> None:
    """Have `model` hold the halves that its network has now in place of `layers`, or beside them.

    layers: by name, whether the file of the whole one has [inputs, outputs].
    """
    origins: dict[str, Origin] = {}
    for layer, transposed in layers.items():
        file = model.names[layer + WEIGHT].removesuffix(WEIGHT)
        rounded = isinstance(model.module.get_submodule(layer), Corrected)
        parts = (*HALVES, ROUNDED + WEIGHT) if rounded else HALVES
        origins |= {f"{layer}.{part}": Origin(layer + WEIGHT, f"{file}.{part}") for part in parts}
        if f"{layer}.bias" in model.names:
            bias = f"{ROUNDED if rounded else 1}.bias"
            origins[f"{layer}.{bias}"] = Origin(f"{layer}.bias", f"{file}.{bias}")
        told = {"name": file, "transposed": transposed}
        model.factored[layer] = told | {"rounded": True} if rounded else told
    store_anew(model, origins)
    model.restore()  # halves in the type of the file


def name_all(model: Model) -> None:
    """Have `model` hold its network under the network's own names where the file's names or forms are others."""
    if all(name in model.names for name, _ in model.module.named_parameters()):
        return
    sizes: Counter[torch.dtype] = Counter()
    for tensor in model.stored.values():
        sizes[tensor.dtype] += tensor.numel()
    dtype = sizes.most_common(1)[0][0]
    state = copy_state(model.module)
    model.stored = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    first: dict[int, str] = {}
    parameters = dict(model.module.named_parameters(remove_duplicate=False))
    for name, parameter in parameters.items():
        first.setdefault(id(parameter), name if name in state else "")
    model.names = {name: first[id(parameter)] for name, parameter in parameters.items()}


def note_parts(model: Model, removed: Removed) -> None:
    """Have `model` hold what its network has left. Raises UsageError where nobody knows how a file calls it."""
    model.changes |= removed.changes
    model.narrowed |= removed.sizes
    named = {}
    for name, old in removed.origins.items():
        file = model.names.get(old, old)
        # what a file calls a tensor ends, or begins later, as the network's name does
        before = old.removesuffix(file) if old.endswith(file) else ""
        if not (before or file.endswith(old)):
            raise UsageError(f"the file calls '{old}' '{file}', and no name is known for '{name}'")
        named[name] = Origin(old, name.removeprefix(before) if before else file.removesuffix(old) + name)
    store_anew(model, named)
