"""`multum fit`."""

import os
import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from multum.cli.fit_labels import TaskCommand, label_options, run_labels, take_label_options
from multum.cli.jobs import STREAM, attempt, inputs_of, named, opened
from multum.cli.options import checked_count, checked_time, talk_options
from multum.cli.talk import Talk, printable, show_size, show_time

if TYPE_CHECKING:
    from multum.training.reports import FitReport
    from multum.training.trainer import Moment, Progress

EXAMPLES = """\b
Examples:
  multum fit notes/ -o run                     ten minutes, a million parameters
  multum fit a.txt b.mtm -o run --params 3M --budget 1h
  multum fit big.txt -o run --resume           go on after Ctrl-C
  torchrun --nproc-per-node 2 -m multum fit big.txt -o run
  multum fit --task labels reviews.csv -o run  --task labels --help tells more
"""


@click.command(cls=TaskCommand, epilog=EXAMPLES)
@click.argument("data", nargs=-1, type=click.Path())
@click.option("-o", "--output", metavar="DIR", required=True, help="Folder for the program.")
@click.option(
    "--task", type=click.Choice(["bytes", "labels"]), default="bytes", help="What to predict [default: bytes]."
)
@click.option("--params", callback=checked_count, metavar="N", help="Size, from which all else follows [default: 1M].")
@click.option("--architecture", metavar="NAME", help="llama (default), or recurrent: constant state a byte.")
@click.option("--init", metavar="DIR", help="Start from a program: a directory or a hub name.")
@click.option("--budget", callback=checked_time, metavar="TIME", help="Time, such as 90s or 2h [default: 10m].")
@click.option("--tokens", callback=checked_count, metavar="N", help="Budget in bytes to train on, such as 20M.")
@click.option("--flops", type=float, metavar="F", help="Budget in operations, such as 1e15.")
@click.option("--held-out", metavar="FILE", help="Score on FILE [default: the last part of DATA].")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in DIR.")
@click.option("--window", type=int, metavar="N", help="Bytes read at once [default: 256].")
@click.option("--batch", type=int, metavar="N", help="Bytes (examples) a step.")
@click.option("--dropout", type=float, metavar="P", help="Share of activations to drop [default: 0].")
@click.option("--weight-decay", type=float, metavar="W", help="Pull towards zero [default: 0.1].")
@click.option("--seed", type=int, default=0, metavar="N", help="Same seed and precision, same program [0].")
@click.option("-T", "--threads", type=int, default=0, metavar="N", help="Threads [default: all cores].")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N [default: auto].")
@click.option("--precision", default="auto", metavar="NAME", help="float32, bfloat16, or auto: measured [default].")
@click.option("--sharded", is_flag=True, help="Divide weights among the processes of torchrun.")
@click.option("-f", "--force", is_flag=True, help="Overwrite DIR if it exists.")
@label_options
@talk_options
def fit(
    data: tuple[str, ...],
    output: str,
    task: str,
    resume: bool,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    **options: Any,
) -> int:
    """Train a program on DATA: files, folders, patterns, archives, or standard input.

    DIR becomes a directory that transformers loads, with its rate on bytes it
    never saw in multum.json. Ctrl-C saves, and --resume goes on.
    """
    if os.environ.get("RANK", "0") != "0":  # of several processes one talks
        sys.stdout, quiet, verbose = open(os.devnull, "w", encoding="utf-8"), 3, 0  # noqa: SIM115 - to the end
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)

    def work() -> int:
        if task == "labels":
            return _fit_labels(talk, inputs, output, resume, force, options)
        return _fit_bytes(talk, inputs, output, resume, force, options)

    return attempt_resumable(talk, named(inputs), work)


def attempt_resumable(talk: Talk, name: str, work: Callable[[], int]) -> int:
    """Return the code of `work` as `attempt` does; when it is stopped and has saved itself, say how to go on."""
    try:
        return attempt(talk, name, work)
    except KeyboardInterrupt as stopped:
        talk.clear()
        if str(stopped):
            talk.note(f"{stopped}; go on with: {_resuming(sys.argv)}")
        raise


def _fit_bytes(
    talk: Talk, inputs: tuple[str, ...], output: str, resume: bool, force: bool, options: dict[str, Any]
) -> int:
    """Fit a program over bytes and tell the result."""
    from multum.training.fitting import fit as fit_program

    if given := take_label_options(options):
        raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} is for --task labels")
    report = fit_program(
        opened(inputs),
        output,
        resume=resume,
        force=force,
        progress=watch(talk, output, "B") if talk.shows_progress else None,
        **rename_options(options, _NAMES),
    )
    _tell(talk, report)
    return 0


def _fit_labels(
    talk: Talk, inputs: tuple[str, ...], output: str, resume: bool, force: bool, options: dict[str, Any]
) -> int:
    """Fit a classifier and tell the result."""
    if len(inputs) > 1 or inputs == (STREAM,):
        raise click.UsageError("--task labels takes one file or folder")
    for name in ("params", "architecture", "tokens", "window"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} is for --task bytes")
    shared = (
        "held_out",
        "init",
        "flops",
        "batch",
        "dropout",
        "weight_decay",
        "seed",
        "threads",
        "device",
        "precision",
        "sharded",
    )
    asked = {name: options[name] for name in shared if options[name] is not None}
    if options["budget"] is not None:
        asked["time_s"] = options["budget"]
    return run_labels(
        talk,
        inputs[0],
        output,
        progress=(lambda name: watch(talk, name, "labels")) if talk.shows_progress else None,
        options=asked | take_label_options(options),
        resume=resume,
        force=force,
    )


# Options whose names differ between the command and Python.
_NAMES = {"params": "parameters", "budget": "time_s"}


def rename_options(options: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return the options that were given, by the names that Python knows; names: those that differ."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    return {names.get(name, name): value for name, value in given.items()}


def watch(talk: Talk, name: str, unit: str) -> "Progress":
    """Return what shows where a run is, on one changing line."""

    def show(moment: "Moment") -> None:
        held_out = "" if moment.held_out is None else f" (held-out {moment.held_out:.3f})"
        speed = show_size(moment.speed) if unit == "B" else f"{moment.speed:.0f} {unit}"
        bits = {"B": "bits per byte", "labels": "bits per label"}.get(unit, "bits")
        parts = [
            printable(name),
            f"{moment.fraction:.0%}",
            f"{moment.bits:.3f} {bits}{held_out}",
            f"{speed}/s",
            f"{show_time(moment.left_s)} left",
        ]
        talk.show("  ".join(parts))

    return show


def _tell(talk: Talk, report: "FitReport") -> None:
    """Print the rate, and talk about the run."""
    run = report.run
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(
            f"{printable(report.target)}: {report.rate_bpb:.4f} bits per byte"
            f" on {report.held_out_bytes:,} held-out bytes"
        )
    early = ", stopped early" if run.ended == "early" else ""
    talk.note(
        f"{report.parameters:,} parameters, {run.units:,} bytes in {run.steps:,} steps, {show_time(run.time_s)}{early};"
        f" the weights of step {run.best_step:,} were kept"
    )
    talk.detail(f"{run.precision} on {run.device}, {run.flops:.3g} FLOPs, {run.flops / run.time_s / 1e9:.0f} GFLOP/s")


def _resuming(words: list[str]) -> str:
    """Return the command line that goes on."""
    rest = [word for word in words[1:] if word not in ("--resume", "-f", "--force")]
    return shlex.join(["multum", *rest, "--resume"])
