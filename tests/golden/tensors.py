"""Golden archives of tensors: `python -m tests.golden.tensors` writes those that are not there yet."""

import io
import tempfile
from pathlib import Path

import multum
from multum.tensors.grids import Grid
from tests.archive.checkpoints import Tensors, make_grid, model, safetensors

FOLDER = Path(__file__).parent / "tensors1"
BASE = safetensors(model(1))


GRIDDED = "gridded.safetensors"
Golden = tuple[bytes, int, bool, dict[str, Grid]]


def contents() -> dict[str, Golden]:
    """Return content, level, whether there is a base, and the grids of each golden archive by name."""
    kinds = model(1)
    again = {**kinds, "again": kinds["embedding"], "kernel again": kinds["kernel"]}
    grid = make_grid()
    gridded: Tensors = {"w": ("BF16", grid.codes.shape, grid.values().tobytes()), "norm": kinds["norm"]}
    return {
        "kinds": (safetensors(kinds, b"and more"), 1, False, {}),
        "repeats": (safetensors(again), 5, False, {}),
        "differences": (safetensors(model(1, 2**-9)), 9, True, {}),
        "grids": (safetensors(gridded), 5, False, {"w": grid}),
    }


def pack_golden(data: bytes, level: int, compared: bool, grids: dict[str, Grid]) -> bytes:
    """Return the archive without metadata."""
    target = io.BytesIO()
    with tempfile.TemporaryDirectory() as name:
        base = write_base(Path(name)) if compared else None
        source = Path(name) / GRIDDED
        source.write_bytes(data)
        multum.pack(source, target, level, 1, metadata=False, base=base, grids={GRIDDED: grids} if grids else None)
    return target.getvalue()


def write_base(folder: Path) -> Path:
    """Write the base and return its path."""
    path = folder / "base.safetensors"
    path.write_bytes(BASE)
    return path


def main() -> None:
    """Write what is missing; what is there stays as it is."""
    FOLDER.mkdir(exist_ok=True)
    for name, golden in contents().items():
        path = FOLDER / f"{name}.mtm"
        if not path.exists():
            path.write_bytes(pack_golden(*golden))


if __name__ == "__main__":
    main()
