"""A model as a directory or a file of weights, with exactly the values that its archive holds."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from multum.archive.targets import scratch_folder, whole_file, whole_folder
from multum.errors import MultumError, UsageError
from multum.neural.factors import multiply_out
from multum.neural.networks import load_network
from multum.neural.sources import FACTORED, FACTORED_WEIGHTS, Source, find_source
from multum.shrinking.models import equals, read_files

WEIGHTS = "model.safetensors"
_PIECE_BYTES = 1 << 20


@contextlib.contextmanager
def whole_layers(folder: str) -> Iterator[str]:
    """Give a folder of the model in `folder` whose layers are in one piece each, for tools that know of no halves.

    It is there until the body ends, or `folder` itself where no layer is in halves. Raises FormatError, OSError.
    """
    source = Source(folder, Path(folder))
    if not (source.folder / FACTORED_WEIGHTS).is_file():
        yield folder
        return
    dense = multiply_out(source.read_json(FACTORED), read_files(folder, source.weight_files))
    with scratch_folder("whole") as made:
        shutil.copytree(folder, made, dirs_exist_ok=True, ignore=shutil.ignore_patterns(FACTORED, FACTORED_WEIGHTS))
        save_file(dense, Path(made) / WEIGHTS, metadata={"format": "pt"})
        yield made


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
