"""From what a user names to a network in memory, and the tensors that a file of it holds.

Invariant: whatever the network does not know of the files (other types, other names) is written back as it lay there.
"""

import copy
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import FormatError
from multum.neural.loading import foreign_errors, quiet
from multum.neural.networks import LABELS, OTHER, find_kind, load_network, read_config
from multum.neural.sources import DESCRIPTION, FACTORED, FACTORED_WEIGHTS, NARROWED, Source, find_source

SAFETENSORS = ".safetensors"
WEIGHTS, CONFIG = "model.safetensors", "config.json"
# What is carried of a folder beside its weights: never pickles, never code.
_CARRIED = ("*.json", "*.txt", "*.model", "*.jinja")
_INDEX = "model.safetensors.index.json"
_FEW = 16
# Types that a grid has values of; weights of all others stay as they are.
CODED_TYPES = (torch.float32, torch.bfloat16, torch.float16)


@dataclass(eq=False)
class Model:
    """A network and its tensors.

    module: in evaluation mode, on the CPU. stored: what a file of the model holds, by the names there; read from disk
    when it is used. names: of the parameters that are among them, as the file calls each; of tied ones any. files: of
    weights, none for a network that was given in Python. source, config: of a model that `transformers` knows.
    factored: the layers that are in halves; see multum.neural.factors. narrowed: those that are narrower than in the
    network as it came, where no config tells; see multum.neural.narrowing. changes: of config.json.
    """

    name: str
    module: nn.Module
    stored: dict[str, Tensor]
    names: dict[str, str]
    files: tuple[Path, ...] = ()
    source: Source | None = None
    config: Any = None
    factored: dict[str, Any] = field(default_factory=dict)
    narrowed: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What the network predicts: LANGUAGE, LABELS or OTHER."""
        return OTHER if self.config is None else find_kind(self.config)

    @property
    def weights(self) -> int:
        """How many weights the model has, tied ones once."""
        return sum(tensor.numel() for tensor in self.stored.values())

    @property
    def size_bytes(self) -> int:
        """Bytes of the weight files, or of the tensors where there are no files."""
        if self.files:
            return sum(path.stat().st_size for path in self.files)
        return sum(tensor.nbytes for tensor in self.stored.values())

    @property
    def weights_name(self) -> str:
        """How the file of the weights is called."""
        return FACTORED_WEIGHTS if self.factored else WEIGHTS

    def restore(self) -> None:
        """Give the network the values that it came with."""
        with torch.no_grad():
            for name, parameter in self.module.named_parameters():
                if name in self.names:
                    parameter.copy_(self.stored[self.names[name]])

    def write_rest(self, folder: Path) -> None:
        """Write all that belongs to the model but its weights and multum.json into `folder`."""
        if self.factored:
            _write_json(folder / FACTORED, self.factored)
        if self.narrowed:
            _write_json(folder / NARROWED, self.narrowed)
        if self.source is None:
            return
        if self.source.gguf is not None:
            _write_gguf_rest(self.source, self.config, folder)
        else:
            _copy_rest(self.source.folder, folder)
        if self.changes:
            facts = json.loads((folder / CONFIG).read_bytes())
            _write_json(folder / CONFIG, facts | self.changes)

    def read_facts(self) -> dict[str, Any]:
        """Return what multum.json says of the model; of a classifier without one, its task."""
        facts = {} if self.source is None else self.source.read_json(DESCRIPTION)
        return facts or ({"task": "labels"} if self.kind == LABELS else {})


def open_model(model: "str | os.PathLike[str] | nn.Module") -> Model:
    """Return the model that `model` names.

    model: a Hugging Face directory, a hub name, a .gguf file, a .safetensors file, or a network, which is copied.
    Raises UsageError, FormatError, MissingExtra, OSError.
    """
    if isinstance(model, nn.Module):
        return _take_module(copy.deepcopy(model).eval())
    name = os.fspath(model)
    if name.endswith(SAFETENSORS) and os.path.isfile(name):
        return _open_tensors(name)
    source = find_source(name)
    module = load_network(source)
    with quiet(), foreign_errors(source):
        config = read_config(source)
    stored = copy_state(module) if source.gguf is not None else read_files(name, source.weight_files)
    factored = source.read_json(FACTORED)
    return Model(name, module, stored, match_names(module, stored), source.weight_files, source, config, factored)


def _take_module(module: nn.Module) -> Model:
    module = module.to("cpu")
    stored = copy_state(module)
    return Model(type(module).__name__, module, stored, match_names(module, stored))


def copy_state(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the state of `module`, tied tensors once, by their first names."""
    found: dict[tuple[Any, ...], str] = {}
    state = {}
    for name, tensor in module.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride()) if tensor.numel() else (name,)
        if found.setdefault(place, name) == name:
            state[name] = tensor.detach().clone()
    return state


def _open_tensors(path: str) -> Model:
    """Return the matrices of a .safetensors file as a network of layers that nothing connects."""
    files = (Path(path),)
    stored = read_files(path, files)
    module, names = nn.ModuleList(), {}
    for name, tensor in stored.items():
        layer = _wrap_matrix(tensor) if name.endswith("weight") else None
        if layer is not None:
            names[f"{len(module)}.weight"] = name
            module.append(layer)
    return Model(path, module.eval(), stored, names, files)


def _wrap_matrix(tensor: Tensor) -> nn.Module | None:
    """Return a layer with `tensor` as its weight, None for what is no weight of a layer."""
    if tensor.dtype not in CODED_TYPES or tensor.ndim not in (2, 3, 4) or 0 in tensor.shape:
        return None
    outputs, inputs, *sizes = tensor.shape
    kinds: dict[int, Any] = {0: nn.Linear, 1: nn.Conv1d, 2: nn.Conv2d}
    arguments = (inputs, outputs) if not sizes else (inputs, outputs, tuple(sizes))
    layer: nn.Module = kinds[len(sizes)](*arguments, bias=False, device="meta")
    layer.weight = nn.Parameter(tensor.float())
    return layer


def read_files(name: str, paths: tuple[Path, ...]) -> dict[str, Tensor]:
    """Return the tensors of safetensors files. Raises FormatError for files that are none, or cut short."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    stored: dict[str, Tensor] = {}
    for path in paths:
        try:
            stored |= load_file(path)
        except (SafetensorError, ValueError, KeyError) as error:
            raise FormatError(f"'{path}' is no safetensors file, or is damaged: {error}") from error
    if not stored:
        raise FormatError(f"'{name}' holds no tensors")
    return stored


def match_names(module: nn.Module, stored: dict[str, Tensor]) -> dict[str, str]:
    """Return the file's name of each parameter that it holds with the same values.

    Names differ where a newer `transformers` calls parts otherwise, or a head was put on; values decide, so that a
    tensor which loading changes (takes apart, turns) is never written in place of another.
    """
    alike: dict[tuple[Any, ...], list[str]] = {}
    for name, tensor in stored.items():
        alike.setdefault(_describe(tensor), []).append(name)
    names = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        found = [one for one in alike.get(_describe(parameter), []) if equals(stored[one], parameter)]
        if name in found or len(found) == 1:
            names[name] = name if name in found else found[0]
    return names


def _describe(tensor: Tensor) -> tuple[Any, ...]:
    """Return what tensors of the same values have in common, and few others."""
    return *tensor.shape, *tensor.detach().flatten()[:_FEW].double().tolist()


def equals(stored: Tensor, loaded: Tensor) -> bool:
    """Return whether a tensor in memory has the shape and values of one in a file."""
    return stored.shape == loaded.shape and torch.equal(stored.to(loaded.dtype), loaded)


def _copy_rest(source: Path, folder: Path) -> None:
    """Copy what is carried of the folder `source`."""
    for pattern in _CARRIED:
        for path in source.glob(pattern):
            if path.name not in (_INDEX, DESCRIPTION, FACTORED) and path.is_file():
                shutil.copyfile(path, folder / path.name)


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", "utf-8")


def _write_gguf_rest(source: Source, config: Any, folder: Path) -> None:
    """Write the config and the tokenizer that a GGUF file has inside."""
    from transformers import AutoTokenizer

    facts = config.to_dict()
    for key in ("quantization_config", "_name_or_path"):
        facts.pop(key, None)
    _write_json(folder / CONFIG, facts)
    with quiet(), foreign_errors(source):
        tokenizer: Any = AutoTokenizer.from_pretrained(source.folder, gguf_file=source.gguf, local_files_only=True)
        tokenizer.save_pretrained(folder)


def check_finite(model: Model) -> None:
    """Raise FormatError, with its name, for a tensor whose values are not all finite."""
    for name, tensor in model.stored.items():
        if tensor.is_floating_point() and tensor.dtype in CODED_TYPES and not torch.isfinite(tensor).all():
            raise FormatError(f"'{model.name}' is damaged: tensor '{name}' has values that are not finite")
