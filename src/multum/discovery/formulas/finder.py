"""`discover formula`: from a table to the shortest formula of one of its columns."""

import hashlib
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from multum.archive.limits import count_threads
from multum.archive.targets import check_free, whole_file
from multum.discovery.formulas.operators import read_operators
from multum.discovery.formulas.problems import Problem, split_rows
from multum.discovery.formulas.refining import Entry
from multum.discovery.formulas.reports import FormulaReport, FrontierEntry
from multum.discovery.formulas.running import Outcome, Progress, Run
from multum.discovery.formulas.states import load_state, remove_state, save_state
from multum.discovery.formulas.symbols import make_names, read_expression, write_expression, write_python
from multum.discovery.formulas.units import Reduction, read_units, reduce_problem
from multum.discovery.formulas.verifying import check
from multum.discovery.formulas.writing import find_conflict, list_positive, prove, shorten
from multum.discovery.tables import Table, is_numeric, parse_number, read_numbers, read_table
from multum.errors import UsageError

BUDGET_S = 60.0
FEWEST_ROWS = 10


def discover_formula(
    table: "str | os.PathLike[str] | Mapping[str, Any]",
    output: "str | os.PathLike[str] | None" = None,
    *,
    target: str,
    inputs: Sequence[str] = (),
    time_s: float = BUDGET_S,
    noise: "str | float" = "auto",
    operators: "str | Sequence[str] | None" = None,
    units: "str | os.PathLike[str] | Mapping[str, str] | None" = None,
    seed: int = 0,
    threads: int | None = None,
    force: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> FormulaReport:
    """Return the shortest formula found for a column, `exact` when it agrees in every row.

    table: csv, tsv, JSON lines or parquet, or columns by name. output: where to write the report as JSON. target: the
    column; inputs: those it may depend on, all other columns of numbers for none. time_s: the most to spend; an exact
    formula ends the search at once. noise: auto, 0 where formulas must be exact, or the relative deviation that is
    expected. operators: functions that may be used beside arithmetic. units: of columns, by name, or a JSON file of
    them. resume: go on with the search for `output` that was stopped.
    Raises UsageError, FormatError, MissingExtra, OSError.
    """
    begun_s = time.monotonic()
    if output is not None and not resume:
        check_free(os.fspath(output), force)
    if resume and output is None:
        raise UsageError("a search to resume is found by its target; name it with -o")
    if not time_s > 0:
        raise UsageError(f"a budget of {time_s:g} s; give more than 0")
    allowed = read_operators(operators)
    read = read_table(table)
    names, left = choose_inputs(read, target, inputs)
    problem, more = make_problem(read, target, names, read_noise(noise), seed)
    notes = (*read.notes, *left, *more)
    dimensions = None if units is None else read_units(units, (*problem.names, target))
    reduction = None if dimensions is None else reduce_problem(problem, dimensions, target)
    digest = _digest(problem, allowed, seed)

    def save(outcome: Outcome) -> None:
        if output is not None:
            save_state(os.fspath(output), digest, outcome)

    searched = problem if reduction is None else reduction.problem
    outcome = load_state(os.fspath(output), digest, searched) if resume and output is not None else Outcome()
    run = Run(
        searched,
        allowed,
        time_s=time_s,
        seed=seed,
        threads=count_threads(threads),
        outcome=outcome,
        progress=progress,
        save=save,
    )
    run.run()
    report = write_report(problem, read, target, outcome, notes, begun_s, reduction)
    if output is not None:
        with whole_file(os.fspath(output), True, None) as file:
            file.write(json.dumps(report.as_dict(), indent=1).encode() + b"\n")
        remove_state(os.fspath(output))
    return report


def read_noise(noise: "str | float") -> float | None:
    """Return the relative deviation, None for auto. Raises UsageError."""
    if noise == "auto":
        return None
    try:
        value = float(noise)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise UsageError(f"noise '{noise}' is not understood; give auto, 0, or a relative deviation such as 0.001")
    return value


def choose_inputs(table: Table, target: str, asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return (names of input columns, notes on those left out). Raises UsageError."""
    table.find(target)
    if target in asked:
        raise UsageError(f"'{target}' is the target and cannot be an input too; leave it out of --inputs")
    if asked:
        for name in asked:
            table.find(name)
        return list(dict.fromkeys(asked)), []
    others = [name for name in table.names if name != target]
    text = [name for name in others if not _is_mostly_numeric(table.cells[table.find(name)])]
    left = [name for name in others if name not in text]
    if not left:
        raise UsageError(f"'{table.source}' has no column of numbers beside '{target}'; a formula needs one")
    return left, [f"left out, for being no numbers: {', '.join(text)}"] if text else []


def _is_mostly_numeric(cells: list[str]) -> bool:
    """Return whether a column is meant to be numbers: then a cell that is none is an error, and not a text."""
    return is_numeric(cells) or 2 * sum(not math.isnan(parse_number(cell)) for cell in cells) > len(cells)


def make_problem(
    table: Table, target: str, inputs: Sequence[str], noise: float | None, seed: int
) -> tuple[Problem, list[str]]:
    """Return the problem and notes on what was left out. Raises UsageError for what cannot be searched."""
    if table.rows < FEWEST_ROWS:
        raise UsageError(f"'{table.source}' has {table.rows} rows; a formula needs {FEWEST_ROWS} at least")
    (wanted,) = read_numbers(table, [target])
    if np.ptp(wanted.values) == 0:
        raise UsageError(f"column '{target}' is {table.cells[table.find(target)][0]} in every row; that is its formula")
    columns = read_numbers(table, inputs)
    constant = [one.name for one in columns if np.ptp(one.values) == 0]
    notes = [f"left out, for being constant: {', '.join(constant)}"] if constant else []
    columns = [one for one in columns if one.name not in constant]
    if not columns:
        raise UsageError(f"every input of '{target}' is constant; nothing can be told from them")
    values = np.array([one.values for one in columns])
    conflict = find_conflict(values, wanted.values)
    if conflict is not None:
        notes.append(
            f"rows {conflict[0] + 1} and {conflict[1] + 1} have the same inputs and different '{target}': no formula of"
            " these inputs alone is exact"
        )
    fitted, held_out = split_rows(values, seed)
    units = np.array([one.units for one in columns])
    names = tuple(one.name for one in columns)
    return Problem(names, values, wanted.values, units, wanted.units, fitted, held_out, noise), notes


def _digest(problem: Problem, operators: frozenset[int], seed: int) -> str:
    """Return what a search is known by: data and options."""
    told = repr((problem.names, problem.noise, sorted(operators), seed))
    content = hashlib.sha256(told.encode())
    content.update(problem.columns.tobytes())
    content.update(problem.target.tobytes())
    return content.hexdigest()


def write_report(
    problem: Problem,
    table: Table,
    target: str,
    outcome: Outcome,
    notes: Sequence[str],
    begun_s: float,
    reduction: Reduction | None = None,
) -> FormulaReport:
    """Return the report of a search that is over. Raises UsageError when it found no formula at all."""
    frontier = outcome.frontier if reduction is None else reduction.restore_frontier(problem, outcome.frontier)
    entry = frontier.best if outcome.exact is None else outcome.exact
    if outcome.exact is not None and reduction is not None:
        entry = reduction.restore(problem, outcome.exact)
    if entry is None:
        raise UsageError(f"no formula has a value in every row of '{target}'; give more time with --budget")
    names = make_names(problem.names)
    entry = shorten(problem, entry, names, outcome.exact is not None)
    checked = check(problem, entry.program)
    exact = outcome.exact is not None and checked.agrees
    expression = write_expression(entry.program, names, list_positive(problem))
    spelled = read_expression(expression, names)
    if spelled is not None and exact:
        exact = check(problem, spelled).agrees  # what is printed is what is claimed
    residuals = problem.target - entry.program.evaluate(problem.columns)
    cells = [table.cells[table.find(name)] for name in problem.names]
    return FormulaReport(
        target=target,
        inputs=problem.names,
        symbols=names,
        formula=str(expression),
        latex=_write_latex(expression),
        python=write_python(expression),
        exact=exact,
        proof=prove(problem, entry.program, cells, table.cells[table.find(target)]) if exact else "",
        program_bits=entry.program_bits,
        residual_bits=0.0 if exact else entry.residual_bits,
        raw_bits=problem.raw_bits,
        error=float(np.sqrt(np.nanmean(residuals * residuals))),
        size=float(np.sqrt(np.mean(problem.target**2))),
        checked_rows=checked.rows,
        held_out_rows=checked.held_out,
        frontier=tuple(_show(problem, one, names) for one in frontier),
        stage=outcome.stage,
        tried=frontier.tried,
        time_s=time.monotonic() - begun_s,
        notes=tuple(notes),
        program=entry.program,
    )


def _write_latex(expression: Any) -> str:
    from sympy import latex

    return str(latex(expression))


def _show(problem: Problem, entry: Entry, names: tuple[str, ...]) -> FrontierEntry:
    expression = write_expression(entry.program, names, list_positive(problem))
    return FrontierEntry(str(expression), entry.program_bits, entry.residual_bits, entry.error)
