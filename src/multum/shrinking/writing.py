"""A model as an archive: a folder with dense weights, of which those on a grid are coded as integers.

Invariant: the bytes depend on the model, its grids and the options alone: no times, no paths, no order of files.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import torch
from torch import Tensor

from multum.archive.packing import pack
from multum.archive.targets import scratch_folder
from multum.evaluation.online import Sink
from multum.neural.sources import DESCRIPTION
from multum.shrinking.models import Model
from multum.shrinking.passes import read_values

if TYPE_CHECKING:
    from multum.tensors.grids import Grid

# Tokenizers are most of what is not weights: higher levels save a twentieth of them and take twice as long to read.
_LEVEL = 1
# What a tensor costs beside its codes, about: its line in the file's header, a block's header, its place in the index.
_TENSOR_BYTES = 96


def write_archive(
    model: Model,
    grids: "dict[str, Grid]",
    about: dict[str, Any],
    target: BinaryIO,
    threads: int | None = None,
    memory_limit: int | None = None,
    *,
    verify: bool = True,
) -> int:
    """Write the archive of `model` to `target`; return its length in bytes.

    grids: by the names of the file's tensors. about: what multum.json says of the shrink. verify: decode it back.
    """
    with scratch_folder("shrink") as name:
        folder = Path(name)
        write_folder(model, grids, about, folder)
        given = {model.weights_name: grids} if grids else None
        report = pack(
            folder, target, _LEVEL, threads, metadata=False, memory_limit=memory_limit, grids=given, verify=verify
        )
    return report.archive_bytes


def write_folder(model: Model, grids: "dict[str, Grid]", about: dict[str, Any], folder: Path) -> None:
    """Write `model` with the values of `grids` into the empty `folder`, as `transformers` would find it."""
    from safetensors.torch import save_file

    model.write_rest(folder)
    tensors = {name: _read_tensor(name, tensor, grids) for name, tensor in model.stored.items()}
    save_file(tensors, folder / model.weights_name, metadata={"format": "pt"})
    facts = model.read_facts() | {"shrunken": about}
    (folder / DESCRIPTION).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")
    _forget_times(folder.iterdir())


def _read_tensor(name: str, stored: Tensor, grids: "dict[str, Grid]") -> Tensor:
    return read_values(grids[name], stored) if name in grids else stored.contiguous()


def _forget_times(paths: Iterable[Path]) -> None:
    """Make modes and times the same everywhere."""
    for path in paths:
        path.chmod(0o644)
        os.utime(path, (0, 0))


def measure_rest_bytes(
    model: Model, coded: Iterable[str], about: dict[str, Any], threads: int | None, fixed: "dict[str, Grid]"
) -> int:
    """Return about how many bytes an archive of `model` has beside the codes of the tensors named in `coded`.

    fixed: grids of others.
    """
    names = set(coded)
    rest = {name: tensor for name, tensor in model.stored.items() if name not in names}
    kept = replace(model, stored=rest or {"none": torch.zeros(0)}, names={}, files=())
    target = Sink()
    size_bytes = write_archive(kept, fixed, about, target, threads, verify=False)  # type: ignore[arg-type]
    return size_bytes + _TENSOR_BYTES * len(names)
