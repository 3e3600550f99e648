"""`export`: a small model as other tools want it, loaded again and compared bit for bit.

torch loads when it is called.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.models import holds_model, model_folder
from multum.archive.targets import whole_file, whole_folder
from multum.errors import MultumError, UsageError
from multum.neural.loading import import_learn
from multum.neural.networks import load_network
from multum.neural.sources import find_source

if TYPE_CHECKING:
    from torch import Tensor, nn

HUGGINGFACE, SAFETENSORS = "huggingface", "safetensors"
FORMATS = (HUGGINGFACE, SAFETENSORS)
_WEIGHTS = "model.safetensors"
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class ExportReport:
    """What `export` wrote. tensors: how many were compared with those of the archive. size_bytes: of the weights."""

    source: str
    target: str
    format: str
    tensors: int
    size_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return vars(self).copy()


def export(
    source: "str | os.PathLike[str]",
    target: str | Path,
    to: str = HUGGINGFACE,
    *,
    force: bool = False,
    threads: int | None = None,
    memory_limit: int | None = None,
) -> ExportReport:
    """Return the report of the model in the archive `source`, written to `target` for other tools.

    to: "huggingface", a directory that `transformers` loads; or "safetensors", one file. Either is loaded again, and
    its values are compared with those of the archive. force: replace what exists.
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    name, path = os.fspath(source), os.fspath(target)
    if to not in FORMATS:
        raise UsageError(f"'{to}' is no format that models are exported to; give {' or '.join(FORMATS)}")
    if not holds_model(name):
        raise UsageError(f"'{name}' holds no model; give an archive that `multum shrink` wrote")
    import_learn()
    with model_folder(name, threads, memory_limit) as folder:
        write = _export_folder if to == HUGGINGFACE else _export_file
        tensors = write(Path(folder), name, path, force)
    size_bytes = sum(tensor.nbytes for tensor in tensors.values())
    return ExportReport(name, path, to, len(tensors), size_bytes)


def _export_folder(folder: Path, name: str, target: str, force: bool) -> "dict[str, Tensor]":
    """Write a directory; return its tensors, which the network that loads from it has."""
    from multum.shrinking.models import read_files

    if not (folder / "config.json").is_file():
        raise UsageError(f"'{name}' holds weights without a config; export them with --to safetensors")
    with whole_folder(target, force, None) as made:
        shutil.copytree(folder, made, dirs_exist_ok=True)
        stored = read_files(name, (folder / _WEIGHTS,))
        _compare(name, stored, load_network(find_source(made)))
    return stored


def _export_file(folder: Path, name: str, target: str, force: bool) -> "dict[str, Tensor]":
    """Write one file of weights; return its tensors."""
    from multum.shrinking.models import read_files

    stored = read_files(name, (folder / _WEIGHTS,))
    with whole_file(target, force, None) as file, (folder / _WEIGHTS).open("rb") as plain:
        shutil.copyfileobj(plain, file)
        file.seek(0)
        plain.seek(0)
        while piece := plain.read(_PIECE_BYTES):
            if file.read(len(piece)) != piece:
                raise MultumError(f"the weights of '{name}' differ once they were written; please report this")
    return stored


def _compare(name: str, stored: "dict[str, Tensor]", module: "nn.Module") -> None:
    """Raise MultumError when a parameter of the network differs in a bit from the file's tensor of its name."""
    from multum.shrinking.models import equals

    for key, parameter in module.named_parameters():
        if key in stored and not equals(stored[key], parameter):
            raise MultumError(f"'{key}' of '{name}' differs once it was loaded again; please report this")
