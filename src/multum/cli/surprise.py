"""`multum surprise`."""

import itertools
from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt, inputs_of, named, opened
from multum.cli.options import talk_options
from multum.cli.talk import Talk, printable

if TYPE_CHECKING:
    from multum.similarity.surprise import Part, SurpriseReport

# Characters shown of a part, around the span that surprised most.
_SHOWN = 100

EXAMPLES = """\b
Examples:
  multum surprise server.log                   the ten oddest lines
  multum surprise --unit record sensor.bin     records of a found length
  multum surprise --unit 4096 disk.img --top 3
  multum surprise --program run/ today.log     after what fit has learnt
  cat *.log | multum surprise --json -
"""


@click.command(epilog=EXAMPLES)
@click.argument("data", nargs=-1, type=click.Path())
@click.option("--program", metavar="PROGRAM", help="What tells the bits, as for bits [default: the other parts].")
@click.option("--unit", default="line", metavar="UNIT", help="line, record, or a number of bytes [default: line].")
@click.option("--top", type=click.IntRange(min=1), default=10, metavar="N", help="Parts to show [default: 10].")
@click.option("--level", type=click.IntRange(1, 9), default=2, metavar="N", help="Of the networks [default: 2].")
@click.option("-o", "--output", metavar="FILE", help="Write all parts to FILE, as JSON lines.")
@click.option("-f", "--force", is_flag=True, help="Overwrite FILE if it exists.")
@talk_options
def surprise(
    data: tuple[str, ...],
    program: str | None,
    unit: str,
    top: int,
    level: int,
    output: str | None,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Show the parts of DATA that surprise most: that take the most bits.

    Each part is measured by small programs that have read other parts; bits are
    told per byte. The bytes in [[ ]] surprised most. DATA is files, folders,
    archives, or - for standard input.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)
    name = named(inputs)

    def work() -> int:
        from multum.similarity import surprise as engine  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = engine.surprise(
            opened(inputs),
            output,
            program=program,
            unit=unit,
            top=top,
            level=level,
            force=force,
            progress=talk.progress(name),
        )
        _tell(talk, name, report, output)
        return 0

    return attempt(talk, "surprise", work)


def _tell(talk: Talk, name: str, report: "SurpriseReport", output: str | None) -> None:
    """Print the parts, and talk about all of them."""
    talk.clear()
    for part in report.parts:
        talk.result(part.as_dict())
        if not talk.as_json:
            where = f"line {part.number}" if report.unit == "line" else f"byte {part.offset}"
            click.echo(f"{part.rate:6.3f}  {where:>12}  {_mark(part)}")
    talk.note(f"{name}: {report.count:,} parts, {report.usual_rate:.3f} bits per byte, {report.time_s:.1f} s")
    if output is not None:
        talk.note(f"wrote {output}")


def _mark(part: "Part") -> str:
    """Return the text around the span that surprised most, with the span in brackets."""
    start = max(0, part.span_start - (_SHOWN - part.span_end + part.span_start) // 2)
    ends = (start, part.span_start, part.span_end, start + _SHOWN)
    before, odd, after = (
        printable(part.text[first:last].decode("utf-8", "replace")) for first, last in itertools.pairwise(ends)
    )
    left, right = "…" * (start > 0), "…" * (ends[-1] < len(part.text))
    return f"{left}{before}[[{odd}]]{after}{right}"
