"""`discover laws`: what holds in every row of a table, without being told where to look."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from multum.discovery.tables import Table, is_numeric, read_numbers, read_table
from multum.discovery.theorems.dependencies import find_dependencies
from multum.discovery.theorems.derived import MOST_INPUTS, find_conversion, find_formula, find_sequence
from multum.discovery.theorems.entropies import count_text_bits, number_cells
from multum.discovery.theorems.reports import LawsReport, Theorem
from multum.errors import UsageError

BUDGET_S = 60.0
FEWEST_ROWS = 5
Progress = Callable[[str, int, int], None]


def discover_laws(
    table: "str | os.PathLike[str] | Mapping[str, Any]",
    *,
    time_s: float = BUDGET_S,
    progress: Progress | None = None,
) -> LawsReport:
    """Return the laws that hold in every row: constants, row numbers, copies, conversions, formulas, dependencies.

    table: csv, tsv, JSON lines or parquet, or columns by name. time_s: after which no further formula is looked for.
    progress: called with (column, how many are done, how many there are). A law is claimed when it holds in every row
    and saves 20 bits and more. Raises UsageError, FormatError, MissingExtra, OSError.
    """
    if not time_s > 0:
        raise UsageError(f"a budget of {time_s:g} s; give more than 0")
    begun_s = time.monotonic()
    read = read_table(table)
    if read.rows < FEWEST_ROWS:
        raise UsageError(f"'{read.source}' has {read.rows} rows; a law needs {FEWEST_ROWS} at least")

    def must_stop() -> bool:
        return time.monotonic() - begun_s >= time_s

    theorems = [*_find_constants(read), *_find_sequences(read)]
    numbers = [name for name, cells in zip(read.names, read.cells, strict=True) if is_numeric(cells)]
    settled = {one.target for one in theorems}
    theorems += _find_conversions(read, [name for name in numbers if name not in settled])
    derived = {one.target for one in theorems}
    theorems += _find_formulas(read, [name for name in numbers if name not in derived], must_stop, progress)
    codes = {name: number_cells(read.cells[read.find(name)]) for name in read.names if name not in settled}
    theorems += find_dependencies(codes)
    chosen = choose_theorems(theorems)
    notes = list(read.notes)
    if must_stop():
        notes.append(f"the budget of {time_s:g} s is spent; further formulas may hold")
    raw_bits = sum(map(count_text_bits, read.cells))
    saved = sum(min(one.saved_bits, count_text_bits(read.cells[read.find(one.target)])) for one in chosen)
    return LawsReport(read.source, read.rows, len(read.names), tuple(chosen), raw_bits, raw_bits - saved, tuple(notes))


def _find_constants(table: Table) -> list[Theorem]:
    found = []
    for name, cells in zip(table.names, table.cells, strict=True):
        if len(set(cells)) == 1:
            saved = count_text_bits(cells)
            text = f"{name} = {cells[0] or 'empty'}"
            found.append(Theorem("constant", name, (), text, table.rows, table.rows - 1, saved))
    return found


def _find_sequences(table: Table) -> list[Theorem]:
    found = []
    for name, cells in zip(table.names, table.cells, strict=True):
        if len(set(cells)) > 1 and is_numeric(cells):
            theorem = find_sequence(read_numbers(table, [name])[0])
            if theorem is not None:
                found.append(theorem)
    return found


def _find_conversions(table: Table, names: list[str]) -> list[Theorem]:
    """Return copies and conversions of units, later columns from earlier ones."""
    found: list[Theorem] = []
    for place, target in enumerate(names):
        conversions = (find_conversion(table, target, source) for source in names[:place])
        theorem = next((one for one in conversions if one is not None), None)
        if theorem is not None:
            found.append(theorem)
    return found


def _find_formulas(
    table: Table, names: list[str], must_stop: Callable[[], bool], progress: Progress | None
) -> list[Theorem]:
    """Return a formula for each column that others give, later columns first.

    A column that was derived is no input of others: what follows from it follows from its own inputs.
    """
    found: list[Theorem] = []
    left = list(names)
    for place, target in enumerate(reversed(names)):
        inputs = [name for name in left if name != target]
        if must_stop() or not inputs:
            break
        theorem = find_formula(table, target, _choose_inputs(table, target, inputs), must_stop)
        if theorem is not None:
            left.remove(target)
            found.append(theorem)
        if progress is not None:
            progress(target, place + 1, len(names))
    return found


def _choose_inputs(table: Table, target: str, inputs: list[str]) -> list[str]:
    """Return the inputs that go best with the target, if there are too many, by the correlation of their ranks."""
    if len(inputs) <= MOST_INPUTS:
        return inputs
    ranks = [np.argsort(np.argsort(one.values)) for one in read_numbers(table, [target, *inputs])]
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = [abs(float(np.corrcoef(ranks[0], one)[0, 1])) for one in ranks[1:]]
    order = np.argsort(np.nan_to_num(scores))[::-1][:MOST_INPUTS]
    return [inputs[place] for place in sorted(order)]


def choose_theorems(theorems: list[Theorem]) -> list[Theorem]:
    """Return theorems, the most saving first, one a column, without circles: no column is derived from itself."""
    chosen: dict[str, Theorem] = {}
    for theorem in sorted(theorems, key=lambda one: (one.kind == "dependency", -one.saved_bits)):
        if theorem.target not in chosen and not _reaches(chosen, theorem.inputs, theorem.target):
            chosen[theorem.target] = theorem
    return sorted(chosen.values(), key=lambda one: -one.saved_bits)


def _reaches(chosen: dict[str, Theorem], sources: tuple[str, ...], target: str) -> bool:
    """Return whether one of the sources is derived, in any number of steps, from the target."""
    waiting, seen = list(sources), set()
    while waiting:
        name = waiting.pop()
        if name == target:
            return True
        if name not in seen:
            seen.add(name)
            if name in chosen:
                waiting += chosen[name].inputs
    return False
