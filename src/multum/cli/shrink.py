"""`multum shrink`."""

from typing import TYPE_CHECKING, Any

import click

from multum.cli.jobs import announce_compiling, attempt
from multum.cli.options import checked_size, checked_time, talk_options, work_options
from multum.cli.shrink_auto import check_search_options, search
from multum.cli.talk import Talk, printable, show_size, show_time

if TYPE_CHECKING:
    from multum.shrinking.reports import ShrinkReport
    from multum.shrinking.shrinker import Progress

EXAMPLES = """\b
Examples:
  multum shrink model/ -o small.mtm                     4 bits a weight, no data
  multum shrink model/ -o small.mtm --data notes.txt --target-bytes 60M
  multum shrink run/ -o thin.mtm --data a.txt --recipe "prune=surgeon:0.5 | code"
  multum shrink run/ -o best.mtm --data a.txt --auto --target-bytes 9M --budget 1h
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option("-o", "--output", metavar="OUT", required=True, help="Write to OUT, which ends in .mtm.")
@click.option("--data", metavar="CALIB", help="Text, or labelled examples, to calibrate with.")
@click.option("--eval", "evaluation", metavar="FILE", help="Measure on FILE [default: the last tenth of CALIB].")
@click.option("--target-bytes", callback=checked_size, metavar="SIZE", help="Of the file, such as 60M.")
@click.option("--target-bits", type=float, metavar="B", help="Of the file a weight, such as 3.5 [default: 4].")
@click.option("--max-loss-increase", type=float, metavar="X", help="Bits a byte (label) that may be lost.")
@click.option("--recipe", metavar="PASSES", help='Such as "prune=surgeon:0.5 | code" [default: code].')
@click.option("--auto", is_flag=True, help="Search for the recipe, with --target-bytes or:")
@click.option("--target-loss", type=float, metavar="X", help="Bits a byte (label) at most.")
@click.option("--target-accuracy", type=float, metavar="A", help="At least, such as 0.88.")
@click.option("--target-latency", type=float, metavar="S", help="Seconds of a run at most.")
@click.option("--budget", "budget_s", callback=checked_time, metavar="TIME", help="Of the search [default: 10m].")
@click.option("--trials", type=int, metavar="N", help="So many in all, whatever the time.")
@click.option("--search", "folder", metavar="DIR", help="Where it stays, to go on [default: OUT.search].")
@click.option("--calibration", type=int, metavar="N", help="Tokens of CALIB read at most [default: 16384].")
@click.option("--seed", type=int, default=0, metavar="N", help="Chooses them [default: 0].")
@click.option("--calibrated", metavar="DIR", help="Keep what calibrating finds, to go on from.")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT if it exists.")
@work_options
@talk_options
def shrink(
    model: str,
    output: str,
    auto: bool,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    **options: Any,
) -> int:
    """Write the weights of MODEL as a code that is short, and show what it costs.

    MODEL is a directory, hub name, .gguf or .safetensors file, or an .mtm with a
    model. OUT is an archive: bits, sample, export and unpack take it.
    """
    talk = Talk(quiet, verbose, as_json)
    given = {name: value for name, value in options.items() if value is not None}
    check_search_options(auto, given)

    def work() -> int:
        announce_compiling(talk)
        if auto:
            return search(talk, model, output, force, given)
        from multum.shrinking.shrinker import shrink as shrink_model  # loads torch when it is called

        watch = _watch(talk, model) if talk.shows_progress else None
        _tell(talk, shrink_model(model, output, force=force, progress=watch, **given))
        return 0

    return attempt(talk, model, work)


def _watch(talk: Talk, name: str) -> "Progress":
    """Return what shows how far the work is, on one changing line."""

    def show(what: str, share: float) -> None:
        talk.show(f"{printable(name)}  {what}  {share:.0%}")

    return show


def _tell(talk: Talk, report: "ShrinkReport") -> None:
    """Print the table, and talk about the work."""
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(str(report))
    talk.note(
        f"{report.source} -> {report.target}: {report.share:.1%} of {show_size(report.bytes_before)} in"
        f" {show_time(report.seconds)}, {show_size(report.peak_bytes)} of memory; calibration: {report.calibration}"
    )
    for line in report.passes:
        if line.told:
            lost = "" if line.loss_after is None else f", {line.loss_after.value:.4f} {line.loss_after.unit}"
            talk.note(f"{line.name}: {line.told}{lost}")
        for one in line.left:
            talk.detail(f"{line.name} left {one.name} ({one.weights:,} weights): {one.reason}")
