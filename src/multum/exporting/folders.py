"""A model as a directory or a file of weights, with exactly the values that its archive holds."""

import shutil
from pathlib import Path

from torch import Tensor, nn

from multum.archive.targets import whole_file, whole_folder
from multum.errors import MultumError, UsageError
from multum.neural.networks import load_network
from multum.neural.sources import find_source
from multum.shrinking.models import equals, read_files

WEIGHTS = "model.safetensors"
_PIECE_BYTES = 1 << 20


def write_directory(folder: Path, name: str, target: str, force: bool) -> dict[str, Tensor]:
    """Write a directory; return its tensors, which the network that loads from it has.

    Raises UsageError for weights without a config, OSError.
    """
    if not (folder / "config.json").is_file():
        raise UsageError(f"'{name}' holds weights without a config; export them with --to safetensors")
    with whole_folder(target, force, None) as made:
        shutil.copytree(folder, made, dirs_exist_ok=True)
        stored = read_files(name, (folder / WEIGHTS,))
        _compare(name, stored, load_network(find_source(made)))
    return stored


def write_weights(folder: Path, name: str, target: str, force: bool) -> dict[str, Tensor]:
    """Write one file of weights; return its tensors. Raises UsageError, OSError."""
    stored = read_files(name, (folder / WEIGHTS,))
    with whole_file(target, force, None) as file, (folder / WEIGHTS).open("rb") as plain:
        shutil.copyfileobj(plain, file)
        file.seek(0)
        plain.seek(0)
        while piece := plain.read(_PIECE_BYTES):
            if file.read(len(piece)) != piece:
                raise MultumError(f"the weights of '{name}' differ once they were written; please report this")
    return stored


def _compare(name: str, stored: dict[str, Tensor], module: nn.Module) -> None:
    """Raise MultumError when a parameter of the network differs in a bit from the file's tensor of its name."""
    for key, parameter in module.named_parameters():
        if key in stored and not equals(stored[key], parameter):
            raise MultumError(f"'{key}' of '{name}' differs once it was loaded again; please report this")
