"""Checkpoints: one safetensors file with everything a run needs to go on, its JSON in the same file's header.

One file, written whole and renamed, is what makes a checkpoint atomic: a kill at any moment leaves the last one.
No pickle. Tensors: "module.NAME", "optimizer.NAME.KEY" and, where a better one than the present is known,
"best.NAME"; the header's "multum" is the JSON of everything else.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from multum.archive.targets import whole_file
from multum.errors import FormatError
from multum.training.processes import gather_tensor, scatter_like

CHECKPOINT = "checkpoint.safetensors"
VERSION = 1


def collect_module(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of the weights and buffers of `module`, whole, on the CPU; all processes must call."""
    state = module.state_dict()
    return {name: gather_tensor(tensor).detach().cpu().clone() for name, tensor in state.items()}


def restore_module(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Set weights and buffers. Raises FormatError when names or shapes differ."""
    state = module.state_dict()
    if state.keys() != tensors.keys() or any(state[name].shape != tensors[name].shape for name in state):
        raise FormatError("the checkpoint is of a program of another shape; start again without --resume")
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(scatter_like(tensors[name].to(tensor.device), tensor))


def collect_optimizers(module: nn.Module, optimizers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return the optimizers' tensors by "parameter.key", whole, on the CPU; all processes must call."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in module.named_parameters()}
    return {
        f"{names[parameter]}.{key}": gather_tensor(tensor).detach().cpu().clone()
        for optimizer in optimizers
        for parameter, state in optimizer.state.items()
        for key, tensor in state.items()
    }


def restore_optimizers(module: nn.Module, optimizers: list[torch.optim.Optimizer], tensors: dict[str, Tensor]) -> None:
    """Set the optimizers' state to what `collect_optimizers` returned."""
    parameters = dict(module.named_parameters())
    owners = {p: o for o in optimizers for group in o.param_groups for p in group["params"]}
    for full, tensor in tensors.items():
        name, _, key = full.rpartition(".")
        parameter = parameters[name]
        placed = tensor.to(parameter.device) if tensor.ndim else tensor
        owners[parameter].state[parameter][key] = scatter_like(placed, parameter) if tensor.ndim else placed


def write_checkpoint(folder: Path, tensors: dict[str, dict[str, Tensor]], facts: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder`. tensors: by kind ("module", ...) and name. Raises OSError."""
    flat = {f"{kind}.{name}": tensor.contiguous() for kind, named in tensors.items() for name, tensor in named.items()}
    code = save(flat, metadata={"multum": json.dumps({"version": VERSION} | facts)})
    with whole_file(str(folder / CHECKPOINT), force=True, traits=None) as file:
        file.write(code)


def discard_leftovers(folder: Path) -> None:
    """Remove what a process that was killed while it wrote a checkpoint left in `folder`."""
    for path in folder.glob(".multum-*.tmp"):
        path.unlink(missing_ok=True)


def read_checkpoint(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Return what `write_checkpoint` was given. Raises FormatError, OSError."""
    path = folder / CHECKPOINT
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["multum"])
            flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, KeyError, ValueError) as error:
        raise FormatError(f"'{path}' is not a checkpoint of a run: {error}; start again without --resume") from error
    if facts.get("version") != VERSION:
        raise FormatError(f"'{path}' has checkpoint version {facts.get('version')}; this Multum reads {VERSION}")
    tensors: dict[str, dict[str, Tensor]] = {}
    for full, tensor in flat.items():
        kind, _, name = full.partition(".")
        tensors.setdefault(kind, {})[name] = tensor
    return tensors, facts
