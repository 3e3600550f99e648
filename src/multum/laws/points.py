"""Points that a law is fitted to: positive numbers, one unit a column, and the account of what was left out.

Invariant: every column and the target have one finite positive value for each point.
"""

import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.laws.columns import KNOWN, convert_target, find_columns, find_target, read_number, simplify
from multum.laws.jets import Array
from multum.laws.reading import Record, read_records

# FLOPs a parameter and token: two forward, four backward. Source: Kaplan et al. 2020 (2001.08361), section 2.1.
FLOPS_A_PARAMETER = 6.0
# C / (6 N D) that differ by more than this between rows of one table are a matter of units, not of counting.
_UNITS_APART = 100.0
_SHOWN = 5
# The field that names a run, of which there may be several points: as it was trained, and rounded.
_RUN = "run"
# Nothing of a run is larger, or smaller than one over it; products of a few such numbers are still numbers.
_FARTHEST = 1e60


@dataclass(frozen=True)
class Dropped:
    """Rows that were left out, and why. places: where they stand."""

    reason: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        """Return it for people."""
        shown = ", ".join(self.places[:_SHOWN]) + (", ..." if len(self.places) > _SHOWN else "")
        return f"dropped {len(self.places)} {'row' if len(self.places) == 1 else 'rows'} {self.reason}: {shown}"


@dataclass(frozen=True)
class Points:
    """Runs as numbers.

    columns: float64[n] each. target: float64[n], or None where there is nothing to fit. unit: of the target, nats,
    bits or none, and name its field. amounts: what D counts, tokens or bytes. places: where each row stood. runs: the
    run that each point is of, where several may be of one; empty where nothing tells. notes: what was assumed.
    """

    columns: dict[str, Array]
    target: Array | None
    unit: str
    amounts: str
    places: tuple[str, ...]
    name: str = ""
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.places)

    @property
    def log_target(self) -> Array:
        """The logarithm of the target. Raises UsageError where there is none."""
        if self.target is None:
            raise UsageError("the points have no loss to fit; name its column with --target COLUMN")
        return np.log(self.target)

    @property
    def compute(self) -> Array:
        """What orders points from small to large: C, or 6 N D, or the product of what grows."""
        if "C" in self.columns:
            return self.columns["C"]
        if "N" in self.columns and "D" in self.columns:
            return FLOPS_A_PARAMETER * self.columns["N"] * self.columns["D"]
        growing = [column for name, column in self.columns.items() if name not in ("H", "P", "Pa", "Pkv", "Q")]
        return np.asarray(np.prod(growing or list(self.columns.values()), axis=0))

    def take(self, chosen: NDArray[Any]) -> "Points":
        """Return the points at `chosen`, places or a mask."""
        places = tuple(np.array(self.places, object)[chosen])
        columns = {name: column[chosen] for name, column in self.columns.items()}
        target = None if self.target is None else self.target[chosen]
        runs = tuple(np.array(self.runs, object)[chosen]) if self.runs else ()
        return replace(self, columns=columns, target=target, places=places, runs=runs)

    def number_runs(self) -> NDArray[np.intp]:
        """Return the number of the program that each point is of, from 0 on, [points]; without names one a point.

        A program is known by the name of its run and by what it was trained on: one name may stand for a whole study.
        """
        if not self.runs:
            return np.arange(len(self))
        names = np.unique(np.array(self.runs), return_inverse=True)[1]
        trained = [self.columns[name] for name in ("N", "D", "C", "U") if name in self.columns]
        return np.unique(np.stack([names, *trained]), axis=1, return_inverse=True)[1]

    def note(self, *notes: str) -> "Points":
        """Return the points with more said of them."""
        return replace(self, notes=(*self.notes, *notes))

    def leave_out(self, dropped: Dropped, kept: NDArray[Any]) -> "Points":
        """Return the points `kept`, with the account of the others."""
        return replace(self.take(kept), dropped=(*self.dropped, dropped))


def read_points(
    sources: "Sequence[str | os.PathLike[str] | Mapping[str, Any]]",
    *,
    columns: Mapping[str, str] | None = None,
    target: str | None = None,
    unit: str | None = None,
    over: Iterable[str] = (),
    only: Collection[str] | None = None,
    optional_target: bool = False,
) -> Points:
    """Return the points in `sources`; see `read_records`.

    columns: column of the law -> field of the records, which overrule guesses from names. target: the field that the
    law predicts. unit: nats, bits, perplexity or none. over: further fields to take. only: columns to take where
    others are there too. optional_target: where a row has none the points have none; then no row may be dropped, so
    that they stay the rows of the sources.
    Raises UsageError for what cannot be told, FormatError, MissingExtra, OSError.
    """
    records = read_records(sources)
    fields = find_columns(records, columns or {}, over)
    name, unit = find_target(records, target, unit)
    fields = {column: field for column, field in fields.items() if field != name and (only is None or column in only)}
    if name is not None and optional_target and not all(_has_number(record, name) for record in records):
        name = None
    if name is None and not optional_target:
        raise UsageError(f"no field looks like a loss; name it with --target, from {_list_names(records)}")
    if not fields:
        raise UsageError(f"no field looks like N, D or C; name them with --column N=FIELD, from {_list_names(records)}")
    fields, notes = _leave_partial(records, fields, columns or {})
    points = _make_points(records, fields, name, unit, merge=not optional_target).note(*notes)
    if optional_target and points.dropped:
        raise UsageError(f"every row must have all its numbers here; {'; '.join(map(str, points.dropped))}")
    return _check_units(_derive(points), fields)


def _has_number(record: Record, name: str) -> bool:
    value = read_number(record.find(name))
    return value is not None and math.isfinite(value) and value > 0


def _list_names(records: Sequence[Record]) -> str:
    return ", ".join(dict.fromkeys(repr(name) for record in records for name in record.fields))


def _leave_partial(
    records: Sequence[Record], fields: Mapping[str, str], asked: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return the fields without guessed ones that only some rows have, and notes of these; N and D are never left."""
    kept, notes = dict(fields), []
    for column, field in fields.items():
        missing = sum(record.find(field) is None for record in records)
        if missing and column in KNOWN and column not in ("N", "D", *asked) and (column != "C" or "D" in fields):
            del kept[column]
            notes.append(
                f"{column} is not used: {missing} rows have no '{field}'; ask for it with --column to drop them"
            )
    return kept, notes


def _make_points(
    records: Sequence[Record], fields: Mapping[str, str], target: str | None, unit: str, merge: bool
) -> Points:
    """Return the rows that have every column; tell of the others. Raises UsageError when none is left.

    merge: a row that repeats another exactly is dropped.
    """
    kept: dict[tuple[float, ...], Record] = {}
    out: dict[str, list[str]] = {}
    wanted = {**fields, **({} if target is None else {"": target})}
    for record in records:
        values = [read_number(record.find(field)) for field in wanted.values()]
        if target is not None and values[-1] is not None:
            values[-1] = convert_target(values[-1], unit)
        reason = _find_fault(dict(zip(wanted.values(), values, strict=True)))
        row = tuple(value or 0.0 for value in values)
        if reason is None and merge and row in kept:
            reason = "that repeat another exactly"
        if reason is not None:
            out.setdefault(reason, []).append(record.place)
        else:
            kept[row if merge else (*row, len(kept))] = record
    dropped = tuple(Dropped(reason, tuple(places)) for reason, places in out.items())
    if not kept:
        raise UsageError(f"no row can be used; {'; '.join(map(str, dropped))}")
    table = np.array(list(kept), np.float64).T  # unmerged rows end with their number
    return Points(
        dict(zip(fields, table, strict=False)),
        None if target is None else table[len(fields)],
        "nats" if unit == "perplexity" else unit,
        "bytes" if "bytes" in simplify(fields.get("D", "")) else "tokens",
        tuple(record.place for record in kept.values()),
        target or "",
        dropped,
        runs=_name_runs(list(kept.values())),
    )


def _name_runs(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the run of each row, as ladders name them; nothing where some rows have no name."""
    names = [record.find(_RUN) for record in records]
    return tuple(map(str, names)) if None not in names else ()


def _find_fault(values: Mapping[str, float | None]) -> str | None:
    """Return why a row cannot be used, or None."""
    for name, value in values.items():
        if value is None:
            return f"without a number in '{name}'"
        if not math.isfinite(value):
            return f"with NaN or infinity in '{name}'"
        if value <= 0:
            return f"with '{name}' not above zero"
        if not 1 / _FARTHEST <= value <= _FARTHEST:
            return f"with '{name}' beyond what anybody counts, {value:.3g}"
    return None


def _derive(points: Points) -> Points:
    """Return the points with D where N and C tell it, and with unique data no more than data."""
    columns = dict(points.columns)
    notes = []
    if "D" not in columns and "N" in columns and "C" in columns:
        columns["D"] = columns["C"] / (FLOPS_A_PARAMETER * columns["N"])
        notes.append("D is taken to be C / (6 N)")
    if "U" in columns and "D" in columns and _look_swapped(columns["U"], columns["D"]):
        columns["U"], columns["D"] = columns["D"], columns["U"]
        notes.append("every row has more unique data than data, so U and D are taken to be the other way round")
    return replace(points, columns=columns).note(*notes)


def _look_swapped(unique: Array, data: Array) -> bool:
    """Return whether unique data is nowhere less than data and differs: nobody has more unique data than data."""
    return bool((unique >= data).all() and (unique > data).any() and len(set(unique.tolist())) > 1)


def _check_units(points: Points, fields: Mapping[str, str]) -> Points:
    """Raise UsageError when C, N and D of some rows are in other units than those of the rest."""
    if not {"N", "D", "C"} <= set(points.columns) or "D" not in fields:
        return points
    ratio = points.columns["C"] / (points.columns["N"] * points.columns["D"])
    middle = np.median(ratio)
    odd = (ratio > _UNITS_APART * middle) | (ratio < middle / _UNITS_APART)
    if odd.any():
        places = ", ".join(np.array(points.places, object)[odd][:_SHOWN])
        raise UsageError(
            f"mixed units: C / (N D) of most rows is about {middle:.3g}, of {odd.sum()} rows more than"
            f" {_UNITS_APART:.0f} times that or less: {places}; write all rows in the same units"
        )
    return points


def split_largest(points: Points, share: str) -> tuple[Points, Points]:
    """Return (the rest, the points of the largest compute). share: such as `largest:20%` or `largest:5`."""
    count = _read_share(share, "largest", len(points))
    order = np.argsort(points.compute, kind="stable")
    kept, held = np.sort(order[: len(points) - count]), np.sort(order[len(points) - count :])
    return points.take(kept), points.take(held)


def drop_highest(points: Points, share: str) -> Points:
    """Return the points without those of the highest target. share: such as `highest:5` or `highest:2%`."""
    count = _read_share(share, "highest", len(points))
    order = np.argsort(points.log_target, kind="stable")
    kept, out = np.sort(order[: len(points) - count]), np.sort(order[len(points) - count :])
    return points.leave_out(Dropped("of the highest loss, as asked", points.take(out).places), kept)


def _read_share(share: str, word: str, count: int) -> int:
    """Return how many points `word:20%` or `word:5` is, of `count`. Raises UsageError."""
    head, _, number = share.partition(":")
    value = read_number(number.removesuffix("%"))
    if head != word or value is None or not 0 < value < math.inf:
        raise UsageError(f"'{share}' is not understood; write for instance {word}:20% or {word}:5")
    found = round(count * value / 100) if number.endswith("%") else round(value)
    if not 0 < found < count:
        raise UsageError(f"'{share}' of {count} points is {found}; at least one must go and one must stay")
    return found
