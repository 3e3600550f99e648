"""What TensorBoard shows of a run: training bits and rate at every few steps, held-out scores."""

from pathlib import Path
from typing import Any

# Every step costs a tenth of a millisecond and a hundred bytes; every tenth is enough for a curve.
EVERY = 10


class Scalars:
    """Writes scalars into `folder`, or nowhere for None (processes other than the first)."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: Any = None

    def add(self, step: int, scalars: dict[str, float]) -> None:
        """Write scalars; those of training only at every tenth step."""
        if self._folder is None or (step % EVERY and any(name.startswith("train/") for name in scalars)):
            return
        writer = self._open()
        for name, value in scalars.items():
            writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()

    def _open(self) -> Any:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            assert self._folder is not None, "without a folder nothing is written"
            self._writer = SummaryWriter(str(self._folder / "runs"))
        return self._writer
