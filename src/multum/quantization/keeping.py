"""Grounds in files: more of them than memory holds, and for runs that go on from those before.

Invariant: a ground is read only for the very network, data and options that it was made for, and only when whole.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from multum.errors import FormatError
from multum.quantization.feedback import Ground

if TYPE_CHECKING:
    from torch import nn

# Changes with everything that would make other grounds of the same network and data.
_FORMAT = 1
_KEY_DIGITS = 16


class Grounds:
    """Grounds by number in files of a folder; what of them is not being used takes no memory."""

    def __init__(self, folder: Path, flat: bool, most: int) -> None:
        """flat, most: as in Ground. Raises OSError for a folder that cannot be made."""
        self._folder, self._flat, self._most = folder, flat, most
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, number: int, ground: Ground) -> Ground:
        """Return `ground` as it is in its file now. Raises OSError."""
        from safetensors.torch import save_file

        parts = {name: getattr(ground, name) for name in ("order", "feedback", "rows", "columns")}
        partial = self._folder / f"{number}.{os.getpid()}"
        try:
            save_file(parts | {"damping": torch.tensor(ground.damping, dtype=torch.float64)}, partial)
            partial.replace(self._name(number))
        finally:
            partial.unlink(missing_ok=True)
        return self._load(number)

    def read(self, number: int) -> Ground | None:
        """Return a ground, None where there is none yet. Raises FormatError for a damaged one, OSError."""
        return self._load(number) if self._name(number).is_file() else None

    def _load(self, number: int) -> Ground:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            parts = load_file(self._name(number))
            damping = float(parts.pop("damping"))
            return Ground(**parts, damping=damping, flat=self._flat, most=self._most)
        except (SafetensorError, KeyError, TypeError) as error:
            raise FormatError(
                f"'{self._name(number)}' is damaged ({error}); remove it, and its part of the network is measured again"
            ) from error

    def _name(self, number: int) -> Path:
        return self._folder / f"{number}.safetensors"


def make_key(module: "nn.Module", batches: Sequence[Mapping[str, Tensor]] | None, *options: Any) -> str:
    """Return what tells grounds apart: a digest of all values of a network, of the data it reads, and of options."""
    digest = hashlib.sha256(repr((_FORMAT, options)).encode())
    for named in (module.state_dict(), *(batches or ())):
        for name, tensor in named.items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:_KEY_DIGITS]
