"""Layers with fewer channels than the class that made them gave them.

A folder's description names them with their sizes, so that a network of full size becomes narrow before it takes the
values: a network that no config describes has nothing else that could tell.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from multum.errors import FormatError

# Layers that may become narrower, and how they call how much they make and, where that is another number, read.
_SIZES: tuple[tuple[Any, str, str], ...] = (
    (nn.Conv1d | nn.Conv2d, "out_channels", "in_channels"),
    (nn.Linear, "out_features", "in_features"),
    (_BatchNorm, "num_features", ""),
    (nn.PReLU, "num_parameters", ""),
)


def is_depthwise(layer: Any) -> bool:
    """Return whether a layer is a convolution whose channels each read one of their own."""
    return isinstance(layer, nn.Conv1d | nn.Conv2d) and 1 < layer.groups == layer.in_channels == layer.out_channels


def find_names(layer: Any) -> tuple[str, ...]:
    """Return how `layer` calls its sizes: (makes, reads), or (makes,) where it reads as much; () for no such layer."""
    found = next(((makes, reads) for kind, makes, reads in _SIZES if isinstance(layer, kind)), ("", ""))
    if isinstance(layer, nn.PReLU) and layer.num_parameters == 1:
        return ()  # one value for all channels
    return tuple(name for name in (found[:1] if is_depthwise(layer) else found) if name)


def read_sizes(layer: Any) -> tuple[int, ...]:
    """Return the sizes of `layer`, as find_names has them."""
    return tuple(int(getattr(layer, name)) for name in find_names(layer))


def narrow(module: nn.Module, sizes: Mapping[str, Sequence[int]]) -> None:
    """Make layers of `module` narrower; they keep the first of their values. sizes: see read_sizes, by layers' names.

    Raises FormatError for sizes that the layers cannot have.
    """
    layers: dict[str, Any] = dict(module.named_modules())
    for name, asked in sizes.items():
        own = read_sizes(layers[name]) if name in layers else ()
        if not (own and _fits(asked, own)):
            raise FormatError(f"the network cannot have a layer '{name}' of {asked}; its own is {list(own)}")
        _narrow_layer(layers[name], asked)


def _fits(asked: Any, own: tuple[int, ...]) -> bool:
    """Return whether sizes that a file tells are those of a layer that may be narrower."""
    if not isinstance(asked, list | tuple) or len(asked) != len(own):
        return False
    return all(type(new) is int and 0 < new <= old for new, old in zip(asked, own, strict=True))


def _narrow_layer(layer: Any, sizes: Sequence[int]) -> None:
    names = find_names(layer)
    if is_depthwise(layer):
        layer.groups = layer.in_channels = sizes[0]
    for name, size in zip(names, sizes, strict=True):
        setattr(layer, name, size)
    places = tuple(slice(size) for size in sizes)
    for name, tensor in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
        values = tensor.detach()[places[: tensor.ndim]].clone()
        put = nn.Parameter(values, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else values
        setattr(layer, name, put)


@torch.no_grad()
def keep_channels(module: nn.Module, kept: Mapping[str, Sequence[Tensor]]) -> dict[str, list[int]]:
    """Leave layers of `module` only some of their channels; return their sizes then.

    kept: by the names of layers, the numbers of those that stay, int64, of each of its sizes.
    """
    state: dict[str, Tensor] = {}
    for name, axes in kept.items():
        layer = module.get_submodule(name)
        for own, tensor in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            for axis, numbers in enumerate(axes[: tensor.ndim]):
                tensor = tensor.index_select(axis, numbers)
            state[f"{name}.{own}"] = tensor
    sizes = {name: [len(numbers) for numbers in axes] for name, axes in kept.items()}
    narrow(module, sizes)
    for name, tensor in state.items():
        owner, _, own = name.rpartition(".")
        getattr(module.get_submodule(owner), own).copy_(tensor)
    return sizes
