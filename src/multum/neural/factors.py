"""Layers as two smaller ones: what a matrix of low rank does, in fewer weights and fewer products.

Or as integers and two such layers beside them, which make good what rounding lost. A folder's description names the
layers that are such, and its file carries all parts of each. The file has a name of its own, because transformers,
which knows of no halves, would give a layer that it misses random weights.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import FormatError
from multum.neural.sources import FACTORED, FACTORED_WEIGHTS, Source

# Names of the halves, as they are in a network and behind the layer's name in a file.
HALVES = ("0.weight", "1.weight")
# Of a layer of integers with halves beside it: the name of the layer itself.
ROUNDED = "2"
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


class Corrected(Factored):
    """A layer of integers, and beside it two halves that make good what rounding lost: the third part is the layer."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the layer makes of `inputs`, and what the halves add to it."""
        first, second, rounded = (self[place] for place in range(3))
        found: Tensor = rounded(inputs) + second(first(inputs))
        return found

    @property
    def weight(self) -> Tensor:
        """The layer's matrix, [outputs, *inputs]: integers and product."""
        product = super().weight
        values = self.get_parameter(f"{ROUNDED}.weight")
        return product + (values.T if is_transposed(self[2]) else values)

    @property
    def bias(self) -> Tensor | None:
        """The layer's bias, which it keeps."""
        rounded: Any = self[2]
        found: Tensor | None = rounded.bias
        return found


def is_transposed(layer: Any) -> bool:
    """Return whether a layer holds [inputs, outputs], as the Conv1D of transformers does."""
    return type(layer).__name__ == "Conv1D"


def multiply_halves(first: Tensor, second: Tensor) -> Tensor:
    """Return float32[outputs, *inputs]. first: [rank, *inputs]. second: [outputs, rank], or with axes of 1 behind."""
    return (second.flatten(1).float() @ first.flatten(1).float()).reshape(len(second), *first.shape[1:])


def halve(layer: Any, rank: int, bias: bool) -> tuple[nn.Module, nn.Module]:
    """Return two layers, with any weights, that together can take the place of a linear layer or a convolution."""
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        kind: Any = type(layer)
        places = {name: getattr(layer, name) for name in _PLACES}
        first = kind(layer.in_channels, rank, layer.kernel_size, bias=False, **places)
        second = kind(rank, layer.out_channels, 1, bias=bias)
    else:
        outputs, inputs = layer.weight.shape[::-1] if is_transposed(layer) else layer.weight.shape
        first, second = nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=bias)
    return first, second


@torch.no_grad()
def put_halves(module: nn.Module, name: str, first: Tensor, second: Tensor, rounded: Tensor | None = None) -> None:
    """Put two halves in place of the layer `name` of a network, whose bias stays. first, second: their weights.

    rounded: what the layer's own weights become, which then stays and has the halves beside it; None for no layer.
    """
    layer: Any = module.get_submodule(name)
    whole = rounded is None and layer.bias is not None
    halves = halve(layer, len(first), whole)
    made = Factored(*halves) if rounded is None else Corrected(*halves, layer)
    made.to(layer.weight.dtype).train(layer.training)
    for half, values in zip(HALVES, (first, second), strict=True):
        parameter = made.get_parameter(half)
        parameter.copy_(values.reshape(parameter.shape))
    if whole:
        made.get_parameter("1.bias").copy_(layer.bias)
    if rounded is not None:
        layer.weight.copy_(rounded)
    module.set_submodule(name, made)


def list_factored(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the layers of a network that are in halves."""
    return tuple(name for name, part in module.named_modules() if isinstance(part, Factored))


@torch.no_grad()
def make_whole(module: nn.Module) -> None:
    """Put one layer in place of each that is in halves, for whom wants one matrix a layer."""
    for name in list_factored(module):
        halves: Any = module.get_submodule(name)
        whole: Any = halves[2] if isinstance(halves, Corrected) else _make_layer(halves)
        weight = halves.weight  # [outputs, *inputs]
        whole.weight.copy_(weight.T if is_transposed(whole) else weight)
        if halves.bias is not None:
            whole.bias.copy_(halves.bias)
        module.set_submodule(name, whole.train(halves.training))


def _make_layer(halves: Any) -> Any:
    """Return a layer, with any weights, that can take the place of two halves."""
    first, second = halves
    outputs = second.weight.shape[0]
    if isinstance(first, nn.Linear):
        return nn.Linear(first.in_features, outputs, bias=halves.bias is not None)
    places = {key: getattr(first, key) for key in ("kernel_size", *_PLACES)}
    return type(first)(first.in_channels, outputs, bias=halves.bias is not None, **places)


def refit(module: nn.Module, layers: Mapping[str, Mapping[str, Any]], stored: Mapping[str, Tensor]) -> None:
    """Put the halves that `stored` holds in place of a network's layers, or beside them.

    layers: by their names in the network, each with "name", that in the file; "rounded" where a layer of integers
    stays.
    """
    for layer, told in layers.items():
        first, second = (stored[f"{told['name']}.{half}"] for half in HALVES)
        rounded = stored[f"{told['name']}.{ROUNDED}.weight"] if told.get("rounded") else None
        put_halves(module, layer, first, second, rounded)


def multiply_out(layers: Mapping[str, Mapping[str, Any]], stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a file with one matrix in place of the parts of each layer, in the halves' type.

    layers: as for refit; "transposed" says whether the file of the whole layer has [inputs, outputs].
    Raises FormatError for a file without them.
    """
    dense = dict(stored)
    for told in layers.values():
        name, rounded = told["name"], bool(told.get("rounded"))
        parts = (*HALVES, *([f"{ROUNDED}.weight"] if rounded else []))
        found = [dense.pop(f"{name}.{part}", None) for part in parts]
        if any(one is None for one in found):
            raise FormatError(f"the file lacks the halves of '{name}'; it is damaged")
        dense[f"{name}.weight"] = _join(*found, transposed=bool(told.get("transposed")))  # type: ignore[arg-type]
        bias = dense.pop(f"{name}.{ROUNDED if rounded else '1'}.bias", None)
        if bias is not None:
            dense[f"{name}.bias"] = bias
    return dense


def _join(first: Tensor, second: Tensor, rounded: Tensor | None = None, *, transposed: bool) -> Tensor:
    """Return the matrix of a layer as a whole one has it in its file, in the halves' type."""
    product = multiply_halves(first, second)
    whole = product.T if transposed else product
    if rounded is not None:
        whole = whole + rounded.float()
    return whole.to(first.dtype).contiguous()


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
