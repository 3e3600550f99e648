"""`multum predict`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import attempt
from multum.cli.law import column_option, target_option, unit_option
from multum.cli.options import talk_options
from multum.cli.talk import Talk

if TYPE_CHECKING:
    from multum.laws.predicting import PredictionReport

EXAMPLES = """\b
Examples:
  multum predict law.json planned.csv        a row a run, with N, D, ...
  multum predict law.json bigger.csv         with a loss too: how far off it was
  multum predict law.json planned.csv --json --anyway
"""


@click.command(epilog=EXAMPLES)
@click.argument("law", type=click.Path())
@click.argument("points", nargs=-1, required=True, type=click.Path())
@target_option
@unit_option
@column_option
@click.option("--anyway", is_flag=True, help="Extrapolate even where the law gives reasons not to.")
@talk_options
def predict(
    law: str,
    points: tuple[str, ...],
    target: str | None,
    unit: str | None,
    columns: dict[str, str],
    anyway: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Show what LAW expects at POINTS, with 80 % intervals.

    LAW is what `multum law -o` wrote; POINTS are tables as for it. Where they
    have a loss, the predictions are compared with it.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.laws import predicting  # loads NumPy, so not before it is needed

        report = predicting.predict(law, points, columns=columns, target=target, unit=unit, anyway=anyway)
        _tell(talk, report)
        return 0

    return attempt(talk, "predict", work)


def _tell(talk: Talk, report: "PredictionReport") -> None:
    """Print a line a point, and talk about all of them."""
    for note in report.notes:
        talk.note(note)
    talk.result(report.as_dict())
    if not talk.as_json:
        for row in report.rows:
            actual = "" if row.actual is None else f"  actual {row.actual:.5g}"
            beyond = "  beyond the law's points" if row.extrapolated else ""
            click.echo(f"{row.predicted:.5g}  {row.low:.5g} to {row.high:.5g}{actual}{beyond}")
    if report.error is not None:
        talk.note(f"mean error {report.error:.2%}, {report.coverage:.0%} inside the intervals")
