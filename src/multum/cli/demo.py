"""`multum demo`: Multum beside other compressors, on data that every machine has, or on a file of yours; and a page."""

import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from multum.cli.fit import watch
from multum.cli.options import talk_options
from multum.cli.talk import Talk, printable, show_time

if TYPE_CHECKING:  # `multum --help` should not wait for these
    from rich.table import Table

    from multum.finding.reports import FindReport
    from multum.reporting.fitted import FitRow
    from multum.reporting.peers import Codec
    from multum.reporting.specimens import Specimen

LEVELS = (1, 5, 9)
# What a search of half a minute gains most on, among what every machine has.
SEARCHED = "digits table"

EXAMPLES = """\b
Examples:
  multum demo                              data found on this machine, three minutes
  multum demo --fit 0 --find 0 report.csv  your own file, packed only
  multum demo --report demo.html           and a page about all of it
  multum demo --json report.csv            the same figures for machines
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--limit",
    "limit_bytes",
    type=click.IntRange(min=1),
    default=4_000_000,
    show_default=True,
    metavar="BYTES",
    help="Take at most this much of FILE; level 9 needs some 20 seconds a megabyte.",
)
@click.option(
    "--fit",
    "fit_s",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Then train a program on the first data for so long; 0 for not at all.",
)
@click.option(
    "--find",
    "find_s",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="Then search for the shortest program of FILE or a table; 0 for not at all.",
)
@click.option("--report", "page", metavar="PAGE", help="Write a page about all of it to PAGE, for any browser.")
@click.option("-f", "--force", is_flag=True, help="Overwrite PAGE if it exists.")
@talk_options
def demo(
    file: Path | None,
    limit_bytes: int,
    fit_s: float,
    find_s: float,
    page: str | None,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Pack FILE with Multum and other compressors, side by side; without FILE, data found on this machine.

    Every result is unpacked again and compared. The table shows bytes, bits per byte and CPU seconds. Then a program
    is trained, its rate shown beside that of level 5, and shrunken; and the shortest program for some data is searched
    for, and the ledger of the search shown. Nothing is kept but PAGE.
    """
    from multum.archive.targets import check_free, scratch_folder
    from multum.reporting.comparison import compare, make_table, to_json
    from multum.reporting.peers import list_ours, list_peers
    from multum.reporting.specimens import list_specimens, read_specimen

    talk = Talk(quiet, verbose, as_json)
    if page is not None:
        check_free(page, force)  # before the work, not after it
    ours = list_ours(LEVELS)
    peers, skipped = list_peers()
    for one in skipped:
        talk.note(f"skipped {one.name}: {one.reason}")
    _warm_up(talk, ours)
    specimens = [read_specimen(file, limit_bytes)] if file else list(list_specimens())
    rows = list(compare(specimens, [*peers, *ours], _make_announcer(talk)))
    if not as_json:
        _print_table(talk, make_table(rows))
    with scratch_folder("demo") as folder:
        fitted = _fit(talk, specimens[0], fit_s, Path(folder)) if fit_s else None
        if fitted is not None and not as_json:
            click.echo(printable(str(fitted)))
        searched = _pick_searched(specimens)
        found = _find(talk, searched, find_s, Path(folder)) if find_s else None
        if found is not None and not as_json:
            click.echo(str(found))
        reports = {
            "fit": None if fitted is None else fitted.to_dict(),
            "find": None if found is None else found.as_dict() | {"source": searched.name},
        }
        told = to_json(rows, skipped) | reports
        talk.result(told)
        if page is not None:
            _write_page(talk, told, specimens[0], Path(folder), page, force)
    different = [f"{row.codec} on {row.file}" for row in rows if not row.verified]
    for name in different:
        talk.error(f"{name} came back different; please report this as a bug")
    return 1 if different else 0


def _warm_up(talk: Talk, codecs: Iterable["Codec"]) -> None:
    """Compile before the clock runs, so that the table shows what every later run costs."""
    start = time.perf_counter()
    for codec in codecs:
        codec.unpack(codec.pack(b"much in little " * 20))
    took_s = time.perf_counter() - start
    if took_s > 5:
        talk.note(f"compiling took {took_s:.0f} s; it happens once on a machine and is not in the table")


def _make_announcer(talk: Talk) -> Callable[[str, str], None]:
    """Return what tells where the work is: one changing line on a terminal, one line a file elsewhere."""
    seen: set[str] = set()

    def announce(file: str, codec: str) -> None:
        if talk.shows_progress:
            click.echo(f"\r\x1b[K{printable(file)}: {codec} ", err=True, nl=False)
        elif file not in seen:
            seen.add(file)
            talk.note(f"{file} ...")

    return announce


def _fit(talk: Talk, specimen: "Specimen", time_s: float, folder: Path) -> "FitRow | None":
    """Return the rate of a program trained on `specimen`, or None after saying why there is none."""
    from multum.errors import MissingExtra
    from multum.reporting.fitted import LEAST_BYTES, measure_fit

    if len(specimen.data) < LEAST_BYTES:
        talk.note(f"{specimen.name} is too small to train a program on; {LEAST_BYTES:,} bytes would do")
        return None
    talk.note(f"training a program on {specimen.name} for {show_time(time_s)} ...")
    try:
        return measure_fit(specimen, time_s, folder, watch(talk, specimen.name, "B") if talk.shows_progress else None)
    except MissingExtra as missing:
        talk.note(f"skipped the fit: {missing}")
        return None


def _pick_searched(specimens: list["Specimen"]) -> "Specimen":
    """Return the specimen to search on: the table named above, else the last."""
    return next((one for one in specimens if one.name == SEARCHED), specimens[-1])


def _find(talk: Talk, specimen: "Specimen", time_s: float, folder: Path) -> "FindReport":
    """Return the ledger of a search on `specimen`."""
    from multum.finding.finder import find

    talk.note(f"searching for the shortest program of {specimen.name} for {show_time(time_s)} ...")
    return find(io.BytesIO(specimen.data), folder / "found.mtm", time_s=time_s)


def _write_page(talk: Talk, told: dict[str, Any], specimen: "Specimen", folder: Path, target: str, force: bool) -> None:
    """Write the page about a demonstration and print its path, or say why there is none."""
    from multum.errors import MissingExtra
    from multum.reporting.fitted import HELD_OUT, PROGRAM
    from multum.reporting.reporter import report

    text, program = folder / specimen.name, folder / PROGRAM
    text.write_bytes((folder / HELD_OUT).read_bytes() if program.is_dir() else specimen.data)
    sources = [told, *([told["find"]] if told["find"] else []), *([program] if program.is_dir() else [])]
    talk.note("writing the page ...")
    try:
        report(sources, target, text=text, title="A demonstration", force=force)
    except MissingExtra as missing:
        talk.note(f"skipped the page: {missing}")
        return
    if not talk.as_json:
        click.echo(f"all of it on a page, for any browser: {printable(target)}")


def _print_table(talk: Talk, table: "Table") -> None:
    from rich.console import Console

    if talk.shows_progress:
        click.echo("\r\x1b[K", err=True, nl=False)
    console = Console()
    # A pipe has no width; the table should not be folded to an imagined one.
    console = console if console.is_terminal else Console(width=100)
    console.print(table)
