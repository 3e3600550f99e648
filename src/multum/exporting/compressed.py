"""Directories of packed integers, the `compressed-tensors` format, which transformers and inference servers load.

Invariant: what loads from the directory has bit for bit the values that the network in memory was given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import MissingExtra, MultumError, UsageError
from multum.exporting.graphs import silenced
from multum.neural.networks import load_network
from multum.neural.sources import find_source
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import Weight, find_weights
from multum.reduction.changing import Progress
from multum.reduction.choices import Rounding
from multum.reduction.rounding import quantize
from multum.shrinking.models import Model, equals
from multum.tensors.grids import Grid, read_steps

# Widths that servers have kernels for.
WIDTHS = (4, 8)
_FORMAT = "pack-quantized"


def import_compressed() -> None:
    """Load what packs integers. Raises MissingExtra."""
    try:
        with silenced():
            import compressed_tensors  # noqa: F401 - only whether it is there
    except ImportError as missing:
        raise MissingExtra(f"packed integers need {missing.name}; pip install 'multum[compressed]'") from missing


def check_packable(rounding: Rounding) -> None:
    """Raise UsageError for integers that the format, or what reads it, does not have."""
    if rounding.bits not in WIDTHS or not rounding.symmetric:
        raise UsageError(
            f"compressed-tensors takes symmetric integers of {' or '.join(map(str, WIDTHS))} bits, not {rounding};"
            " write for instance rtn:4:64:symmetric"
        )
    if rounding.rank:
        raise UsageError(
            f"compressed-tensors has no layers beside integers, which {rounding} wants; leave rank={rounding.rank} out"
        )


def round_linear(
    model: Model, rounding: Rounding, batches: Sequence[Batch] | None, progress: Progress | None
) -> dict[str, Grid]:
    """Give the linear layers of a model's network values of few bits; return the integers, by the layers' names.

    Raises UsageError for a network without linear layers, and for a rounding that needs data where there are none.
    """
    weights, _ = find_weights(model.module)
    chosen = [weight for weight in weights if _is_linear(weight)]
    if not chosen:
        raise UsageError(f"'{model.name}' has no linear layers, which alone compressed-tensors rounds; use --to onnx")
    done = quantize(model.module, rounding, batches, weights=chosen, progress=progress)
    return {name.removesuffix(".weight"): grid for name, grid in done.grids.items()}


def _is_linear(weight: Weight) -> bool:
    return all(type(use.module) is nn.Linear for use in weight.uses)


def write_packed(model: Model, grids: Mapping[str, Grid], rounding: Rounding, folder: Path) -> None:
    """Write the network of `model` into `folder`, linear layers in `grids` packed; the network is used up."""
    from compressed_tensors import ModelCompressor
    from compressed_tensors.quantization import apply_quantization_config

    module: Any = model.module
    model.write_rest(folder)
    with silenced():
        apply_quantization_config(module, _describe(module, grids, rounding))
        for name, grid in grids.items():
            layer = module.get_submodule(name)
            layer.weight_scale.data.copy_(_read_scales(grid, layer.out_features))
        compressor = ModelCompressor.from_pretrained_model(module, quantization_format=_FORMAT)
        compressor.compress_model(module)
        _store_as_before(model)
        module.save_pretrained(folder)
        compressor.update_config(str(folder))


def _describe(module: nn.Module, grids: Mapping[str, Grid], rounding: Rounding) -> Any:
    """Return the library's description of what is rounded, and how."""
    from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme

    group: dict[str, Any] = {"strategy": "channel"}  # one step of all outputs is that of each
    if isinstance(rounding.group, int):
        group = {"strategy": "group", "group_size": rounding.group}
    arguments = QuantizationArgs(num_bits=rounding.bits, type="int", symmetric=True, **group)
    linear = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    return QuantizationConfig(
        config_groups={"group_0": QuantizationScheme(targets=["Linear"], weights=arguments)},
        ignore=[name for name in linear if name not in grids],
        quantization_status="compressed",
        format=_FORMAT,
    )


def _read_scales(grid: Grid, outputs: int) -> Tensor:
    """Return float32[outputs, groups]: a grid has its groups as rows."""
    return torch.from_numpy(read_steps(grid.rows, grid.fine)).view(outputs, -1)


def _store_as_before(model: Model) -> None:
    """Give what was not rounded the types that the model's files have: half as many bytes, and the same values."""
    for name, parameter in model.module.named_parameters():
        if name in model.names:
            parameter.data = parameter.data.to(model.stored[model.names[name]].dtype)


def load_again(folder: Path, inputs: Mapping[str, Tensor]) -> nn.Module:
    """Return the network that loads from `folder`, once run on `inputs`: then its integers are unpacked."""
    with silenced(), torch.inference_mode():
        module = load_network(find_source(str(folder)))
        module(**inputs)
    return module


def compare_values(name: str, module: nn.Module, expected: Mapping[str, Tensor]) -> None:
    """Raise MultumError where a parameter of `module` differs in a bit from the one `expected`, by its name."""
    found = dict(module.named_parameters())
    for key, tensor in expected.items():
        if key not in found or not equals(tensor, found[key]):
            raise MultumError(f"'{key}' of '{name}' differs once it was loaded again; please report this")
