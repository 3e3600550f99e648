"""`multum distil`."""

from typing import TYPE_CHECKING, Any

import click

from multum.cli.fit import attempt_resumable, rename_options, watch
from multum.cli.jobs import inputs_of, opened
from multum.cli.options import checked_count, checked_time, talk_options
from multum.cli.talk import Talk, printable, show_time

if TYPE_CHECKING:
    from multum.training.distilling.reports import DistilReport

EXAMPLES = """\b
Examples:
  multum distil run notes.txt -o half                  every other layer stays
  multum distil run notes.txt -o small --params 100k   a new program
  multum distil classifier reviews.csv -o thin --layers 2 --hidden 1 --epochs 5
  multum shrink run -o x.mtm --data a.txt --recipe "distil=0.5 | qat=4 | code"
"""


@click.command(epilog=EXAMPLES)
@click.argument("teacher")
@click.argument("data", nargs=-1, type=click.Path())
@click.option("-o", "--output", metavar="DIR", required=True, help="Folder for the student.")
@click.option("--layers", type=int, metavar="N", help="Of the teacher, that stay [default: half].")
@click.option("--student", metavar="DIR", help="Start from another program instead.")
@click.option("--params", callback=checked_count, metavar="N", help="Or from a new one over bytes, such as 100k.")
@click.option("--epochs", type=float, metavar="N", help="Passes over the data [default: 3].")
@click.option("--budget", callback=checked_time, metavar="TIME", help="Or time, such as 90s or 2h.")
@click.option("--temperature", type=float, metavar="T", help="Of both, compared [default: 2 for labels, 1].")
@click.option("--teacher-weight", type=float, metavar="W", help="Share of the loss [default: 0.5 for labels, 1].")
@click.option("--hidden", type=float, metavar="H", help="What layers unlike the teacher's cost [default: 0].")
@click.option("--learning-rate", type=float, metavar="R", help="Peak of the rate [default: by the kind of program].")
@click.option("--batch", type=int, metavar="N", help="Examples, or windows, a step.")
@click.option("--window", type=int, metavar="N", help="Tokens read at once [default: 256].")
@click.option("--held-out", metavar="FILE", help="Score on FILE, or a share of examples [default: the last part].")
@click.option("--text-column", multiple=True, metavar="NAME", help="As for multum fit --task labels.")
@click.option("--label-column", metavar="NAME", help="The same.")
@click.option("--augment", multiple=True, metavar="NAME", help="Of images: shift, crop or flip.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in DIR.")
@click.option("--seed", type=int, default=0, metavar="N", help="Of the draws of examples [default: 0].")
@click.option("-T", "--threads", type=int, default=0, metavar="N", help="Threads [default: all cores].")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N [default: auto].")
@click.option("-f", "--force", is_flag=True, help="Overwrite DIR if it exists.")
@talk_options
def distil(
    teacher: str,
    data: tuple[str, ...],
    output: str,
    resume: bool,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    **options: Any,
) -> int:
    """Train a student of TEACHER on DATA, and show both side by side.

    TEACHER is a language model or a classifier: a directory or a hub name. DIR
    becomes a directory as of multum fit. Ctrl-C saves, and --resume goes on.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(data)

    def work() -> int:
        from multum.training.distilling.distilling import distil as distil_program

        report = distil_program(
            teacher,
            inputs[0] if len(inputs) == 1 and inputs[0] != "-" else opened(inputs),
            output,
            resume=resume,
            force=force,
            progress=watch(talk, output, "units") if talk.shows_progress else None,
            **rename_options(options, _NAMES),
        )
        _tell(talk, report)
        return 0

    return attempt_resumable(talk, teacher, work)


# Options whose names differ between the command and Python.
_NAMES = {"params": "parameters", "budget": "time_s", "text_column": "text_columns"}


def _tell(talk: Talk, report: "DistilReport") -> None:
    """Print both side by side, and talk about the run."""
    run = report.run
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        click.echo(str(report))
    early = ", stopped early" if run.ended == "early" else ""
    talk.note(
        f"{printable(report.source)} -> {printable(report.target)}: {report.began}, {run.steps:,} steps in"
        f" {show_time(run.time_s)}{early}; the weights of step {run.best_step:,} were kept;"
        f" scored on {report.held_out:,} held-out {report.unit}s"
    )
    talk.detail(f"{run.precision} on {run.device}, {run.flops:.3g} FLOPs")
