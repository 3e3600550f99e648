"""`multum patterns`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import attempt, inputs_of, named, opened
from multum.cli.options import checked_time, talk_options
from multum.cli.talk import Talk, printable, show_time

if TYPE_CHECKING:
    from multum.mining.miner import PatternsReport, Progress

EXAMPLES = """\b
Examples:
  multum patterns server.log                  its templates
  multum patterns baskets.csv --top 20        items bought together
  multum patterns --kind sequence clicks.txt  steps that follow each other
  multum patterns server.log -o templates.jsonl
  journalctl -b | multum patterns --kind log -
"""


@click.command(epilog=EXAMPLES)
@click.argument("data", nargs=-1, type=click.Path())
@click.option(
    "--kind",
    default="auto",
    metavar="KIND",
    help="items (sets), sequence (rows in order), log (lines), or auto: log for names in .log, items else.",
)
@click.option("--separator", metavar="C", help="What stands between items [default: guessed: , ; tab or blanks].")
@click.option("--top", type=click.IntRange(min=1), default=10, metavar="N", help="Patterns to show [default: 10].")
@click.option("--budget", callback=checked_time, metavar="TIME", help="The most to spend, such as 5m [default: 60s].")
@click.option("-o", "--output", metavar="FILE", help="Write all patterns to FILE, as JSON lines.")
@click.option("-f", "--force", is_flag=True, help="Overwrite FILE if it exists.")
@talk_options
def patterns(
    data: tuple[str, ...],
    kind: str,
    separator: str | None,
    top: int,
    budget: float | None,
    output: str | None,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Show what comes again in DATA, and how many bits each pattern saves.

    Of rows of items: items that come together, or one after another. Of a log:
    templates of its lines. A pattern is kept where its own bits are less than
    what it saves. DATA is files, archives, or - for standard input.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)
    name = named(inputs)

    def work() -> int:
        from multum.mining import miner

        report = miner.patterns(
            opened(inputs),
            output,
            kind=kind,
            separator=separator,
            time_s=miner.BUDGET_S if budget is None else budget,
            force=force,
            progress=_watch(talk, name) if talk.shows_progress else None,
        )
        _tell(talk, name, report, top, output)
        return 0

    return attempt(talk, "patterns", work)


def _watch(talk: Talk, name: str) -> "Progress":
    """Return what shows how much is saved, on one changing line."""
    return lambda bits, left_s: talk.show(f"{printable(name)}  {bits:,.0f} bits saved  {show_time(left_s)} left")


def _tell(talk: Talk, name: str, report: "PatternsReport", top: int, output: str | None) -> None:
    """Print the patterns that save most, and talk about all of it."""
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        for one in report.patterns[:top]:
            click.echo(f"{one.saved_bits:12,.0f}  {one.usage:8,}  {printable(one.text)}")
    if report.header_words:
        talk.detail(f"each line begins with {report.header_words} words: {report.header_bits:,.0f} bits")
    what = {"items": "sets of items", "sequence": "sequences of items", "log": "templates"}[report.kind]
    talk.note(
        f"{name}: {report.rows:,} rows, {len(report.patterns):,} {what}: {report.total_bits / 8:,.0f} bytes with them,"
        f" {report.plain_bits / 8:,.0f} without, {report.raw_bytes:,} as text; {report.time_s:.1f} s"
    )
    if not report.complete:
        talk.warn("there was no time left to join more; give a larger --budget")
    if output is not None:
        talk.note(f"wrote {output}")
