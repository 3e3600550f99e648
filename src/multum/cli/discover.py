"""`multum discover`: formulas, sequences and laws of tables."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from multum.cli.jobs import STREAM, attempt, source_stream
from multum.cli.options import checked_time, talk_options
from multum.cli.talk import Talk, printable, show_time

if TYPE_CHECKING:
    from multum.discovery.formulas.reports import FormulaReport
    from multum.discovery.formulas.running import Moment, Progress

EXAMPLES = """\b
Examples:
  multum discover formula falls.csv --target time
  multum discover formula runs.csv --target y --inputs a,b --noise 0.001
  multum discover sequence 1,1,2,3,5,8,13,21,34,55
  multum discover laws orders.csv
"""

FORMULA_EXAMPLES = """\b
Examples:
  multum discover formula falls.csv --target time           stops when exact
  multum discover formula runs.csv --target y --inputs a,b --budget 5m
  multum discover formula noisy.csv --target y --noise 0.001 --operators sin,cos
  multum discover formula beam.csv --target load --units units.json -o beam.json
  multum discover formula big.csv --target y -o big.json --resume
"""


SEQUENCE_EXAMPLES = """\b
Examples:
  multum discover sequence 1,1,2,3,5,8,13,21,34,55
  multum discover sequence --next 20 terms.txt
  multum discover sequence --json --start 1 2,3,5,7,11,13,17,19,23,29
  seq 1 3 100 | multum discover sequence -
"""


LAWS_EXAMPLES = """\b
Examples:
  multum discover laws orders.csv
  multum discover laws --budget 10m wide.parquet
  multum discover laws --json orders.csv > laws.json
"""


@click.group(epilog=EXAMPLES, subcommand_metavar="KIND [OPTIONS] DATA", options_metavar="")
def discover() -> None:
    """Find exact statements in data, and say how they were checked.

    Nothing is called exact unless it was computed anew on every row, also on
    rows that the search did not see, and saves bits by a margin.
    """


def _split(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    """Return names separated by commas."""
    return [name.strip() for name in (given or "").split(",") if name.strip()]


@discover.command(epilog=FORMULA_EXAMPLES)
@click.argument("table", type=click.Path())
@click.option("--target", required=True, metavar="NAME", help="The column to explain.")
@click.option("--inputs", metavar="NAMES", callback=_split, help="What it may depend on [default: all numbers].")
@click.option("--budget", callback=checked_time, metavar="TIME", help="The most to spend, such as 5m [default: 60s].")
@click.option("--noise", default="auto", metavar="S", help="auto, 0 for exact only, or a share such as 0.001.")
@click.option("--operators", metavar="NAMES", help="Functions beside arithmetic, such as exp,sin; or none.")
@click.option("--units", type=click.Path(), metavar="FILE", help='Units of all columns: {"m": "kg", "v": "m/s"}.')
@click.option("--seed", type=int, default=0, metavar="N", help="Same seed, same search [default: 0].")
@click.option("-T", "--threads", type=click.IntRange(min=0), default=0, metavar="N", help="Threads; 0 for all cores.")
@click.option("-o", "--output", metavar="FILE", help="Write what was found to FILE, as JSON.")
@click.option("-f", "--force", is_flag=True, help="Overwrite FILE if it exists.")
@click.option("--resume", is_flag=True, help="Go on with the search for FILE that was stopped.")
@talk_options
def formula(
    table: str,
    target: str,
    inputs: list[str],
    budget: float | None,
    noise: str,
    operators: str | None,
    units: str | None,
    seed: int,
    threads: int,
    output: str | None,
    force: bool,
    resume: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Find the shortest formula of a column of TABLE: csv, tsv, JSON lines, parquet.

    Exit code 2: no formula describes the column in fewer bits than the column
    itself takes.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.discovery.formulas import finder  # loads NumPy, so not before it is needed

        report = finder.discover_formula(
            table,
            output,
            target=target,
            inputs=inputs,
            time_s=finder.BUDGET_S if budget is None else budget,
            noise=noise,
            operators=operators,
            units=units,
            seed=seed,
            threads=threads,
            force=force,
            resume=resume,
            progress=_watch(talk, target) if talk.shows_progress else None,
        )
        _tell_formula(talk, report, output)
        return 0 if report.found else 2

    return attempt(talk, "discover", work)


@discover.command(epilog=SEQUENCE_EXAMPLES)
@click.argument("terms", metavar="TERMS|FILE|-")
@click.option("--start", type=int, default=0, metavar="N", help="The index of the first term [default: 0].")
@click.option("--next", "following", type=click.IntRange(0, 1000), default=5, metavar="N", help="Terms to add [5].")
@talk_options
def sequence(terms: str, start: int, following: int, as_json: bool, quiet: int, verbose: int) -> int:
    """Find the law of integers: TERMS with commas between them, or a FILE of them.

    Polynomials, periods, recurrences with constant or polynomial coefficients,
    congruences, functions of number theory. Exit code 2: no law is believed.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.discovery.sequences import finder  # loads SymPy, so not before it is needed

        report = finder.discover_sequence(finder.read_terms(_read_text(terms)), start=start, following=following)
        talk.result(report.as_dict())
        if not talk.as_json:
            click.echo(str(report))
        return 0 if report.found else 2

    return attempt(talk, "discover", work)


@discover.command(epilog=LAWS_EXAMPLES)
@click.argument("table", type=click.Path())
@click.option("--budget", callback=checked_time, metavar="TIME", help="The most to spend, such as 5m [default: 60s].")
@talk_options
def laws(table: str, budget: float | None, as_json: bool, quiet: int, verbose: int) -> int:
    """Find what holds in every row of TABLE: csv, tsv, JSON lines, parquet.

    Constants, row numbers, copies, conversions of units, columns that others
    give, and dependencies. Exit code 2: nothing holds that saves bits.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.discovery.theorems import finder  # loads NumPy, so not before it is needed

        report = finder.discover_laws(
            table,
            time_s=finder.BUDGET_S if budget is None else budget,
            progress=_watch_columns(talk) if talk.shows_progress else None,
        )
        talk.clear()
        for note in report.notes:
            talk.note(note)
        talk.result(report.as_dict())
        if not talk.as_json:
            click.echo(printable(str(report)).replace("\\n", "\n"))
        return 0 if report.theorems else 2

    return attempt(talk, "discover", work)


def _watch_columns(talk: Talk) -> Callable[[str, int, int], None]:
    """Return what shows how many columns are done, on one changing line."""
    return lambda name, done, count: talk.show(f"{printable(name)}  {done} of {count} columns")


def _read_text(terms: str) -> str:
    """Return what was given, or the text of the file, or of standard input, that was named."""
    if terms == STREAM:
        return source_stream().read().decode()
    path = Path(terms)
    return path.read_text("utf-8") if "," not in terms and path.is_file() else terms


def _watch(talk: Talk, target: str) -> "Progress":
    """Return what shows where a search is, on one changing line."""

    def show(moment: "Moment") -> None:
        parts = [printable(target), moment.stage, f"{moment.tried:,} formulas"]
        if moment.best is not None:
            parts.append(f"best {moment.best.total_bits:,.0f} bits, error {moment.best.error:.3g}")
        talk.show("  ".join([*parts, f"{show_time(max(moment.left_s, 0))} left"]))

    return show


def _tell_formula(talk: Talk, report: "FormulaReport", output: str | None) -> None:
    """Print the formula, and talk about the search."""
    talk.clear()
    for note in report.notes:
        talk.note(note)
    if not report.found:
        talk.warn("no formula is shorter than the column itself")
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(printable(str(report)).replace("\\n", "\n"))
        if talk.loudness >= 1:
            click.echo(f"LaTeX   {report.latex}\nPython  {report.python}")
            for one in report.frontier:
                click.echo(f"{one.program_bits:8.0f} bits  error {one.error:<10.3g} {one.formula}")
    where = f" by {report.stage}" if report.stage else ""
    talk.note(f"{report.tried:,} formulas fitted in {show_time(report.time_s)}; found{where}")
    if output is not None:
        talk.note(f"wrote {output}")
