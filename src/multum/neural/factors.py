"""Layers as two smaller ones: what a matrix of low rank does, in fewer weights and fewer products.

A folder's description names the layers that are such, and its file carries both halves of each. The file has a name of
its own, because transformers, which knows of no halves, would give a layer that it misses random weights.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import FormatError
from multum.neural.sources import FACTORED, FACTORED_WEIGHTS, Source

# Names of the halves, as they are in a network and behind the layer's name in a file.
HALVES = ("0.weight", "1.weight")
# What says where a convolution looks.
_PLACES = ("stride", "padding", "dilation", "padding_mode")


class Factored(nn.Sequential):
    """A layer in two halves: the first makes few numbers of what comes in, the second what the layer made of them."""

    @property
    def weight(self) -> Tensor:
        """The layer's matrix, [outputs, *inputs]: the product of the halves."""
        return multiply_halves(self.get_parameter(HALVES[0]), self.get_parameter(HALVES[1]))

    @property
    def bias(self) -> Tensor | None:
        """The layer's bias, which the second half has."""
        second: Any = self[1]
        found: Tensor | None = second.bias
        return found


def multiply_halves(first: Tensor, second: Tensor) -> Tensor:
    """Return float32[outputs, *inputs]. first: [rank, *inputs]. second: [outputs, rank], or with axes of 1 behind."""
    return (second.flatten(1).float() @ first.flatten(1).float()).reshape(len(second), *first.shape[1:])


def halve(layer: Any, rank: int) -> Factored:
    """Return a layer in two halves, with any weights, that can take the place of a linear layer or a convolution."""
    bias = layer.bias is not None
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        kind: Any = type(layer)
        places = {name: getattr(layer, name) for name in _PLACES}
        first = kind(layer.in_channels, rank, layer.kernel_size, bias=False, **places)
        halves = Factored(first, kind(rank, layer.out_channels, 1, bias=bias))
    else:
        outputs, inputs = layer.weight.shape if isinstance(layer, nn.Linear) else layer.weight.shape[::-1]
        halves = Factored(nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=bias))
    return halves.to(layer.weight.dtype).train(layer.training)


@torch.no_grad()
def put_halves(module: nn.Module, name: str, first: Tensor, second: Tensor) -> None:
    """Put two halves in place of the layer `name` of a network, whose bias stays. first, second: their weights."""
    layer: Any = module.get_submodule(name)
    made = halve(layer, len(first))
    for half, values in zip(HALVES, (first, second), strict=True):
        parameter = made.get_parameter(half)
        parameter.copy_(values.reshape(parameter.shape))
    if layer.bias is not None:
        made.get_parameter("1.bias").copy_(layer.bias)
    module.set_submodule(name, made)


def list_factored(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the layers of a network that are in halves."""
    return tuple(name for name, part in module.named_modules() if isinstance(part, Factored))


@torch.no_grad()
def make_whole(module: nn.Module) -> None:
    """Put one layer in place of each that is in halves, for whom wants one matrix a layer."""
    for name in list_factored(module):
        halves: Any = module.get_submodule(name)
        first, second = halves
        outputs = second.weight.shape[0]
        if isinstance(first, nn.Linear):
            whole: Any = nn.Linear(first.in_features, outputs, bias=halves.bias is not None)
        else:
            places = {key: getattr(first, key) for key in ("kernel_size", *_PLACES)}
            whole = type(first)(first.in_channels, outputs, bias=halves.bias is not None, **places)
        whole.weight.copy_(halves.weight)
        if halves.bias is not None:
            whole.bias.copy_(halves.bias)
        module.set_submodule(name, whole.train(halves.training))


def refit(module: nn.Module, layers: Mapping[str, Mapping[str, Any]], stored: Mapping[str, Tensor]) -> None:
    """Put the halves that `stored` holds in place of a network's layers.

    layers: by their names in the network, each with "name", that in the file.
    """
    for layer, told in layers.items():
        put_halves(module, layer, *(stored[f"{told['name']}.{half}"] for half in HALVES))


def multiply_out(layers: Mapping[str, Mapping[str, Any]], stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a file with one matrix in place of the halves of each layer, in the halves' type.

    layers: as for refit; "transposed" says whether the file of the whole layer has [inputs, outputs].
    Raises FormatError for a file without them.
    """
    dense = dict(stored)
    for told in layers.values():
        name = told["name"]
        halves = [dense.pop(f"{name}.{half}", None) for half in HALVES]
        if halves[0] is None or halves[1] is None:
            raise FormatError(f"the file lacks the halves of '{name}'; it is damaged")
        product = multiply_halves(halves[0], halves[1]).to(halves[0].dtype)
        dense[f"{name}.weight"] = product.T.contiguous() if told.get("transposed") else product
        bias = dense.pop(f"{name}.1.bias", None)
        if bias is not None:
            dense[f"{name}.bias"] = bias
    return dense


def load_factored(source: Source, kind: Any) -> tuple[nn.Module, dict[str, Any]]:
    """Return (the network of a folder with layers in halves, what loading tells of missing weights).

    kind: a class of transformers, or its AutoModelForCausalLM.
    """
    from safetensors.torch import load_file
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source.folder, trust_remote_code=False, local_files_only=True)
    layers = source.read_json(FACTORED)
    stored = load_file(source.folder / FACTORED_WEIGHTS)
    known: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)] if kind is AutoModelForCausalLM else kind
    module, told = known.from_pretrained(
        None,
        config=config,
        state_dict=multiply_out(layers, stored),
        output_loading_info=True,
        dtype=torch.float32,
    )
    refit(module, layers, stored)
    return module, told
