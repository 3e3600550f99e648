"""Grids: which runs a ladder has, read from a table or chosen for a budget."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from multum.errors import UsageError
from multum.ladders.rungs import Rung, count_flops
from multum.laws.columns import KNOWN, read_number, simplify
from multum.laws.points import FLOPS_A_PARAMETER
from multum.laws.reading import Record, read_records
from multum.neural.architectures import derive_shape, list_proportioned

# Bytes a weight in a slice of equal compute: from programs too large for their data to programs too small.
RATIOS = (6.0, 16.0, 45.0, 125.0, 350.0)
# Slices, each of so many times the compute of the one below.
_SLICES, _STEP = 5, 3.0
# The least a run of a chosen grid may read: in fewer steps programs learn how often bytes come, and no law.
_LEAST_BYTES = 250_000
# Data repeated more often than this is worth less and less. Source: Muennighoff et al. 2023 (2305.16264).
_MOST_EPOCHS = 4.0
# Fewer runs leave a law of five parameters nothing to be held against.
LEAST_RUNS = 8
_HALVINGS = 40
# The least compute of a largest slice.
_LEAST_FLOPS = 1e9

_FIELDS = {
    "parameters": KNOWN["N"],
    "bytes": KNOWN["D"],
    "flops": KNOWN["C"],
    "epochs": ["epochs"],
    "share": ["share", "subset"],
    "seed": ["seed"],
}
_AMOUNTS = ("bytes", "flops", "epochs")


def read_grid(
    source: "str | os.PathLike[str] | Mapping[str, Any]", training_bytes: int, architecture: str
) -> tuple[Rung, ...]:
    """Return the rungs of a table with a row a run, or of columns by name.

    Columns: params; one of bytes, flops and epochs; share (of the data) and seed where they differ. Names are guessed
    as those of points are. Raises UsageError with the row, FormatError, OSError.
    """
    rungs = [_read_rung(record, training_bytes, architecture) for record in read_records([source])]
    return tuple({rung.name: rung for rung in rungs}.values())


def _read_rung(record: Record, training_bytes: int, architecture: str) -> Rung:
    """Return the rung of a row. Raises UsageError that names the row."""
    values = {field: _read_field(record, field, names) for field, names in _FIELDS.items()}
    given = [field for field in _AMOUNTS if values[field] is not None]
    if values["parameters"] is None or len(given) != 1:
        raise UsageError(
            f"'{record.place}' must have params and one of {', '.join(_AMOUNTS)}; it has {', '.join(record.fields)}"
        )
    share, amount = values["share"] or 1.0, values[given[0]]
    assert amount is not None, "it was given"
    parameters = round(values["parameters"])
    try:
        per_byte = count_flops(derive_shape(parameters, architecture))
        size_bytes = {"bytes": amount, "flops": amount / per_byte, "epochs": amount * share * training_bytes}[given[0]]
        return Rung(parameters, round(size_bytes), architecture, share, round(values["seed"] or 0))
    except UsageError as error:
        raise UsageError(f"'{record.place}': {error}") from error


def _read_field(record: Record, field: str, names: Sequence[str]) -> float | None:
    """Return a number of a row, None where it has none. Raises UsageError for what is no number above zero."""
    value = next((value for name, value in record.fields.items() if simplify(name) in names), None)
    if value is None or value == "":
        return None
    number = read_number(value)
    if number is None or not 0 <= number < math.inf or (number == 0 and field != "seed"):
        raise UsageError(f"'{record.place}' has {value!r} as {field}; a number above zero was expected")
    return number


def choose_grid(
    measure: Callable[[Sequence[Rung]], float], budget: float, training_bytes: int, architecture: str
) -> tuple[Rung, ...]:
    """Return the largest grid of isoFLOP slices that costs no more than `budget` by `measure`.

    The slices of a grid hold programs of several sizes, each trained for the same compute: what is best at a compute
    lies inside, and so do both exponents. Raises UsageError for a budget that buys no ladder.
    """
    low, high = math.log(_LEAST_FLOPS), math.log(_find_most(training_bytes))
    least = _find_least(training_bytes, architecture)
    if measure(least) > budget:
        raise UsageError(
            f"a budget of {budget:.3g} buys no ladder: the least that tells a law are {len(least)} runs for"
            f" {measure(least):.3g}; give more, or a grid of your own"
        )
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        rungs = cut_slices(math.exp(middle), training_bytes, architecture)
        low, high = (middle, high) if measure(rungs) <= budget else (low, middle)
    found = cut_slices(math.exp(low), training_bytes, architecture)
    return found if len(found) >= LEAST_RUNS else least


def _find_least(training_bytes: int, architecture: str) -> tuple[Rung, ...]:
    """Return the smallest grid that has runs enough for a law. Raises UsageError where the data has none."""
    flops = _LEAST_FLOPS
    while flops < _find_most(training_bytes):
        rungs = cut_slices(flops, training_bytes, architecture)
        if len(rungs) >= LEAST_RUNS:
            return rungs
        flops *= 1.25
    raise UsageError(
        f"{training_bytes:,} bytes are too few for a ladder: its runs would only repeat them; give more data, or a grid"
        " of your own"
    )


def _find_most(training_bytes: int) -> float:
    """Return the compute of a slice of which the middle ratio asks for all data, repeated as often as is allowed."""
    return FLOPS_A_PARAMETER * (_MOST_EPOCHS * training_bytes) ** 2 / RATIOS[len(RATIOS) // 2]


def cut_slices(largest_flops: float, training_bytes: int, architecture: str) -> tuple[Rung, ...]:
    """Return the runs of slices whose largest has `largest_flops` a run, the smallest slice first.

    Runs that are too short to mean anything, or would repeat the data too often, are left out.
    """
    rungs = []
    for number in reversed(range(_SLICES)):
        flops = largest_flops / _STEP**number
        for ratio in RATIOS:
            # the program that has about so many bytes for each of its weights at this compute
            parameters = _find_size(math.sqrt(flops / (FLOPS_A_PARAMETER * ratio)), architecture)
            trained_bytes = flops / count_flops(derive_shape(parameters, architecture))
            if _LEAST_BYTES <= trained_bytes <= _MOST_EPOCHS * training_bytes:
                rungs.append(Rung(parameters, round(trained_bytes), architecture))
    return tuple({rung.name: rung for rung in rungs}.values())


def _find_size(wanted: float, architecture: str) -> int:
    """Return the weights of the well proportioned program that is nearest to a size."""
    sizes = [shape.parameters for shape in list_proportioned(architecture)]
    return min(sizes, key=lambda size: abs(math.log(size / wanted)))
