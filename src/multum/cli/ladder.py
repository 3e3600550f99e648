"""`multum ladder`."""

import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from multum.cli.jobs import attempt, inputs_of, named, opened
from multum.cli.law import show_law
from multum.cli.options import checked_time, talk_options
from multum.cli.plan import list_lines
from multum.cli.talk import Talk, printable, show_time

if TYPE_CHECKING:
    from multum.ladders.reports import Announce, Cost, LadderReport, Moment, Progress

EXAMPLES = """\b
Examples:
  multum ladder notes/ -o runs --budget 30m    a grid that takes half an hour
  multum ladder big.txt -o runs --flops 1e15   or so many operations
  multum ladder a.txt -o runs --grid grid.csv  a table: params, bytes
  multum ladder a.txt -o runs --budget 2h --cluster auto
  multum plan runs/LAW.json --compute 1e16     what the law says then
"""


def _read_bits(ctx: click.Context, param: click.Parameter, given: str | None) -> tuple[float, ...] | None:
    """Return bits a weight, separated by commas; none for no rounding. Raises click.BadParameter."""
    if given is None:
        return None
    if given == "none":
        return ()
    try:
        return tuple(float(one) for one in given.split(","))
    except ValueError:
        raise click.BadParameter(f"'{given}' is not understood; write for instance 6,4,3 or none", ctx, param) from None


@click.command(epilog=EXAMPLES)
@click.argument("data", nargs=-1, type=click.Path())
@click.option("-o", "--output", metavar="RUNS", required=True, help="Folder for the runs, their points and LAW.json.")
@click.option("--budget", callback=checked_time, metavar="TIME", help="Choose a grid for a time, such as 30m.")
@click.option("--flops", type=float, metavar="F", help="Or for training operations, such as 1e15.")
@click.option("--grid", default="auto", metavar="GRID", help="auto, or a table with a row a run [default: auto].")
@click.option("--bits", callback=_read_bits, metavar="LIST", help="Round programs to these bits too [8,6,4,3]; none.")
@click.option("--architecture", metavar="NAME", help="As of fit [default: llama].")
@click.option("--held-out", metavar="FILE", help="Score all runs on FILE [default: the last part of DATA].")
@click.option("--workers", type=int, metavar="N", help="Runs at once, a thread each [default: one a core].")
@click.option("--cluster", metavar="ADDRESS", help="Run on a Ray cluster: its address, auto, or local.")
@click.option("--seed", type=int, metavar="N", help="Same seed and precision, same runs [0].")
@click.option("--device", metavar="NAME", help="As of fit [default: auto].")
@click.option("--precision", metavar="NAME", help="float32, bfloat16, or auto: measured [default].")
@click.option("-f", "--force", is_flag=True, help="Begin anew where RUNS holds a ladder.")
@talk_options
def ladder(
    data: tuple[str, ...],
    output: str,
    budget: float | None,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    **options: Any,
) -> int:
    """Train small programs on DATA and fit the law that larger ones will follow.

    GRID has the columns params and one of bytes, flops, epochs; share and seed if
    you like. After Ctrl-C or a crash the same command goes on. Exit code 2: a run
    failed, or the law gives reasons not to extrapolate with it.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)

    def work() -> int:
        from multum.ladders import ladder as ladders  # loads NumPy, so not before it is needed

        report = ladders.ladder(
            opened(inputs),
            output,
            time_s=budget,
            force=force,
            announce=_announce(talk, output),
            progress=_watch(talk, output),
            **{name: value for name, value in options.items() if value is not None},
        )
        return _tell(talk, report)

    try:
        return attempt(talk, named(inputs), work)
    except KeyboardInterrupt as stopped:
        talk.clear()
        if str(stopped):
            words = [word for word in sys.argv[1:] if word not in ("-f", "--force")]
            talk.note(f"{stopped}; go on with: {shlex.join(['multum', *words])}")
        raise


def _announce(talk: Talk, name: str) -> "Announce":
    """Return what says the cost before the first run starts."""

    def say(cost: "Cost") -> None:
        if not cost.runs:
            talk.note(f"{name}: all {cost.finished} runs are done")
            return
        finished = f", {cost.finished} more are done" if cost.finished else ""
        rounded = f", each rounded to {', '.join(f'{one:g}' for one in cost.bits)} bits a weight" if cost.bits else ""
        sizes = f"{cost.least_parameters:,} to {cost.most_parameters:,} weights"
        talk.note(
            f"{name}: {cost.runs} runs of {sizes}{rounded}{finished}: {cost.flops:.3g} FLOPs,"
            f" about {show_time(cost.time_s)} with {cost.workers} at once"
            f" ({cost.flops_s / 1e9:.0f} GFLOP/s each, as measured)"
        )
        for run, time_s in cost.estimates:
            talk.detail(f"{run}: about {show_time(time_s)}")

    return say


def _watch(talk: Talk, name: str) -> "Progress":
    """Return what says what happened, and shows where the ladder is on one changing line."""

    def show(moment: "Moment") -> None:
        if moment.note is not None:
            talk.note(f"{moment.name}: {moment.note}")
        if talk.shows_progress:
            rate = "" if moment.bpb is None else f" {moment.bpb:.3f} bits per byte"
            done = f"{moment.done} of {moment.runs} runs"
            left = f"{show_time(moment.left_s)} left"
            talk.show("  ".join([printable(name), f"{moment.fraction:.0%}", done, f"{moment.name}{rate}", left]))

    return show


def _tell(talk: Talk, report: "LadderReport") -> int:
    """Print runs, law and plan; return the exit code."""
    talk.clear()
    law, plan = report.law, report.plan
    refusals = [] if law is None else law.refusals
    for run, reason in report.failed:
        talk.warn(f"{run} failed: {reason}")
    for reason in refusals:
        talk.warn(f"not to be extrapolated: {reason}")
    for note in report.notes:
        talk.note(note)
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(str(report))
        if law is not None:
            click.echo(f"\n{show_law(law)}")
        if plan is not None:
            click.echo("\n" + "\n".join(f"{name:<12}{value}" for name, value in list_lines(plan)))
    talk.note(
        f"{len({point.run for point in report.points})} runs in {report.target}, {report.flops:.3g} FLOPs,"
        f" {show_time(report.time_s)}" + ("" if law is None else f"; `multum plan {report.target}/LAW.json` goes on")
    )
    return 2 if report.failed or refusals or law is None else 0
