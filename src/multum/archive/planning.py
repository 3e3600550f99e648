"""Which blocks the tensors of a safetensors file become.

Blocks begin at tensors and at whole rows, so that a tensor is read through the index by itself. A large tensor has
blocks of its own; small ones share one, and its tables, with those after them that are of the same kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from multum.archive.bases import HeldBase
from multum.errors import UsageError
from multum.formats.safetensors import TensorFile, TensorPlace
from multum.tensors.sheets import BYTES, ELEMENTS, Matrix, Sheet

if TYPE_CHECKING:
    from multum.tensors.grids import Grid

# Less than this in all is not worth blocks and tables of its own.
LEAST_BYTES = 1 << 14
_LARGE_BYTES = 1 << 20
_SHEET_BYTES = 4 << 20
_GRID_BYTES = 16 << 20
_MOST_MATRICES = 1 << 10


@dataclass(frozen=True)
class GridRows:
    """Rows of a tensor on a grid. tensor: its name, for messages. start, stop: of the rows."""

    tensor: str
    grid: "Grid"
    start: int
    stop: int


@dataclass(frozen=True)
class Planned:
    """A block to come. sheet: what its bytes are rows of.

    rows: where they lie on a grid. origins: where each matrix begins in the base, which has all of them or none.
    """

    sheet: Sheet
    rows: GridRows | None = None
    origins: tuple[int, ...] = ()

    @property
    def size_bytes(self) -> int:
        """How many bytes of content it takes."""
        return self.sheet.size_bytes


def plan_blocks(
    layout: TensorFile, most_bytes: int, grids: "Mapping[str, Grid]", base: HeldBase | None
) -> Iterator[Planned]:
    """Yield the blocks of the tensors in `layout`, in order and all of their bytes.

    most_bytes: no block is longer. grids: of the tensors that have one, by name. base: where to look for origins.
    Raises UsageError for a grid that does not fit a tensor, or none at all.
    """
    _check_grids(layout, grids)
    sheet_bytes = min(most_bytes, _SHEET_BYTES)
    waiting = Planned(Sheet(*BYTES, ()))
    for place in layout.tensors:
        whole = Planned(view_tensor(place), origins=_find_origins(place, base))
        if not whole.size_bytes:
            continue
        shared = place.name not in grids and whole.size_bytes < min(_LARGE_BYTES, sheet_bytes)
        if waiting.size_bytes and not (shared and _go_together(waiting, whole, sheet_bytes)):
            yield waiting
            waiting = Planned(Sheet(*BYTES, ()))
        if shared:
            waiting = _join(waiting, whole) if waiting.size_bytes else whole
        elif place.name in grids:
            yield from _cut_grid(place, grids[place.name], whole.sheet.width, min(most_bytes, _GRID_BYTES))
        else:
            yield from _cut_rows(whole, sheet_bytes)
    if waiting.size_bytes:
        yield waiting


def _find_origins(place: TensorPlace, base: HeldBase | None) -> tuple[int, ...]:
    """Return where a tensor begins in the base, or nothing."""
    origin = None if base is None else base.find_origin(place)
    return () if origin is None else (origin,)


def _check_grids(layout: TensorFile, grids: "Mapping[str, Grid]") -> None:
    places = {place.name: place for place in layout.tensors}
    for name, grid in grids.items():
        place = places.get(name)
        if place is None:
            raise UsageError(f"there is a grid for tensor {name!r} and no such tensor; tensors are {', '.join(places)}")
        if (grid.dtype, grid.codes.size) != (place.dtype, prod(place.shape)):
            raise UsageError(
                f"tensor {name!r} is {place.dtype} of shape {list(place.shape)}; its grid is {grid.dtype} of shape"
                f" {list(grid.codes.shape)}"
            )


def view_tensor(place: TensorPlace) -> Sheet:
    """Return a tensor as one matrix: split where it is most nearly square, for rows and columns have scales."""
    width, mantissa = ELEMENTS.get(place.dtype, BYTES)
    count = (place.stop - place.start) // width
    splits = [prod(place.shape[:k]) for k in range(1, len(place.shape))] if count else []
    # elements of less than a byte may share one across a split
    whole = [rows for rows in splits if count % rows == 0]
    rows = max(whole, key=lambda rows: min(rows, count // rows), default=1)
    return Sheet(width, mantissa, (Matrix(rows, count // rows),))


def _go_together(waiting: Planned, whole: Planned, most_bytes: int) -> bool:
    """Return whether a tensor may share the block of those that wait."""
    ours, theirs = waiting.sheet, whole.sheet
    return (
        (ours.width, ours.mantissa, bool(waiting.origins)) == (theirs.width, theirs.mantissa, bool(whole.origins))
        and waiting.size_bytes + whole.size_bytes <= most_bytes
        and len(ours.matrices) < _MOST_MATRICES
    )


def _join(waiting: Planned, whole: Planned) -> Planned:
    """Return the block of those that wait and one tensor more."""
    sheet = replace(waiting.sheet, matrices=(*waiting.sheet.matrices, *whole.sheet.matrices))
    return replace(waiting, sheet=sheet, origins=(*waiting.origins, *whole.origins))


def _cut_rows(whole: Planned, most_bytes: int) -> Iterator[Planned]:
    """Yield blocks of rows of one large matrix; of a row that is longer than a block, blocks of its columns."""
    (matrix,), width, start = whole.sheet.matrices, whole.sheet.width, 0
    if width * matrix.columns > most_bytes:
        parts = [Matrix(1, count) for count in _share(matrix.count, most_bytes // width)]
    else:
        most_rows = most_bytes // (width * matrix.columns)
        parts = [Matrix(rows, matrix.columns) for rows in _share(matrix.rows, most_rows)]
    for part in parts:
        origins = tuple(origin + start for origin in whole.origins)
        yield replace(whole, sheet=replace(whole.sheet, matrices=(part,)), origins=origins)
        start += width * part.count


def _cut_grid(place: TensorPlace, grid: "Grid", width: int, most_bytes: int) -> Iterator[Planned]:
    """Yield blocks of the rows of `grid`. Raises UsageError for rows that are longer than a block."""
    rows, columns = grid.codes.shape
    if width * columns > most_bytes:
        raise UsageError(
            f"tensor {place.name!r} has a grid with rows of {width * columns} bytes; at most {most_bytes} are allowed"
        )
    start = 0
    for count in _share(rows, most_bytes // (width * columns)):
        sheet = Sheet(*ELEMENTS[place.dtype], (Matrix(count, columns),))
        yield Planned(sheet, GridRows(place.name, grid, start, start + count))
        start += count


def _share(total: int, most: int) -> Iterator[int]:
    """Yield the sizes of the fewest parts of `total` of which none is over `most`, as even as can be."""
    parts = -(-total // most)
    for k in range(parts):
        yield total * (k + 1) // parts - total * k // parts
