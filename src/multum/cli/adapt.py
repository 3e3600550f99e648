"""`multum adapt`."""

from typing import Any

import click

from multum.cli.jobs import announce_compiling, attempt, watch_shares
from multum.cli.options import checked_size, checked_time, talk_options, work_options
from multum.cli.shrink_auto import tell_search
from multum.cli.talk import Talk

EXAMPLES = """\b
Examples:
  multum adapt encoder/ reviews.csv -o mine.mtm --target-bytes 9M --budget 2h
  multum adapt run/ reviews.csv -o mine.mtm --target-accuracy 0.88
  multum bits mine.mtm others.csv
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.argument("data", type=click.Path())
@click.option("-o", "--output", metavar="OUT", required=True, help="Write to OUT, which ends in .mtm.")
@click.option("--task", default="labels", metavar="TASK", help="What DATA tells: labels [default].")
@click.option("--eval", "evaluation", metavar="FILE", help="Measure on FILE [default: a tenth of DATA].")
@click.option("--target-bytes", callback=checked_size, metavar="SIZE", help="Of the file at most, such as 9M.")
@click.option("--target-loss", type=float, metavar="X", help="Bits a label at most.")
@click.option("--target-accuracy", type=float, metavar="A", help="At least, such as 0.88.")
@click.option("--target-latency", type=float, metavar="S", help="Seconds of a run at most.")
@click.option("--budget", "budget_s", callback=checked_time, metavar="TIME", help="Of all work [default: 10m].")
@click.option("--trials", type=int, metavar="N", help="So many files in all, whatever the time.")
@click.option("--search", "folder", metavar="DIR", help="Where all stays, to go on [default: OUT.adapt].")
@click.option("--calibration", type=int, metavar="N", help="Tokens of DATA read at once [default: 16384].")
@click.option("--seed", type=int, default=0, metavar="N", help="Of all that is left to chance [default: 0].")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT if it exists.")
@work_options
@talk_options
def adapt(
    model: str,
    data: str,
    output: str,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    **options: Any,
) -> int:
    """Make MODEL fit labelled DATA and a size.

    MODEL is an encoder, which is trained first, or a classifier. What passes
    take away is learned again from DATA. The same command goes on.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.choosing.adapt import adapt as adapt_model  # loads torch when it is called

        announce_compiling(talk)
        given = {name: value for name, value in options.items() if value is not None}
        report = adapt_model(model, data, output, force=force, progress=watch_shares(talk), **given)
        talk.clear()
        talk.result(report.as_dict())
        if not talk.as_json:
            click.echo(str(report))
        if report.scores is not None:
            talk.note(f"{model} was trained on {data} into {report.fitted}: accuracy {report.scores.accuracy:.4f}")
        tell_search(talk, report.search)
        return 0

    return attempt(talk, model, work)
