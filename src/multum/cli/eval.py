"""`multum eval`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt, watch_shares
from multum.cli.options import talk_options, work_options
from multum.cli.talk import Talk, printable, show_size

if TYPE_CHECKING:
    from multum.judging.reports import EvaluateReport

EXAMPLES = """\b
Examples:
  multum eval run/ test.tsv --figures figures/     a classifier that fit made
  multum eval run/ test.tsv --against classify --train train.tsv
  multum eval classify reviews.csv --folds 5
  multum eval level:5 a.txt b.txt --against level:9 --robust
  multum eval run/ fresh.txt --memorised drawn.txt --train learnt.txt
"""


@click.command("eval", epilog=EXAMPLES)
@click.argument("program")
@click.argument("data", nargs=-1, required=True, type=click.Path())
@click.option("--against", metavar="OTHER", help="Judge OTHER on the same data, and say whether they differ.")
@click.option("--folds", type=click.IntRange(min=2), metavar="K", help="Fit classify K times, each judged on its part.")
@click.option("--robust", is_flag=True, help="Judge on damaged data too: typos, noise, truncation.")
@click.option("--memorised", metavar="DRAWN", help="Compare items a generator made with --train; DATA are fresh ones.")
@click.option("--train", metavar="FILE", help="What classify reads first, or what a generator learnt from.")
@click.option(
    "--text-column", "text_columns", multiple=True, metavar="NAME", help="Where the text is; may be repeated."
)
@click.option("--label-column", metavar="NAME", help="Where the label is. Both are guessed without.")
@click.option("--figures", metavar="FOLDER", help="Write confusion, calibration and others there, as SVG and PNG.")
@click.option("-f", "--force", is_flag=True, help="Overwrite figures if they exist.")
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of draws and damage [default: 0].")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N [default: auto].")
@work_options
@talk_options
def eval_(
    program: str,
    data: tuple[str, ...],
    against: str | None,
    folds: int | None,
    robust: bool,
    memorised: str | None,
    train: str | None,
    text_columns: tuple[str, ...],
    label_column: str | None,
    figures: str | None,
    force: bool,
    seed: int,
    device: str,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Show what PROGRAM is worth on DATA, and how sure that is.

    PROGRAM is a classifier (a directory, an archive, or classify, which reads the
    texts of --train), or any program as for bits. DATA is labelled files for the
    former, files for the latter. Brackets hold the truth 95 times in 100.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.judging import judge  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = judge.evaluate(
            program,
            data,
            against=against,
            folds=folds,
            robust=robust,
            memorised=memorised,
            train=train,
            text_columns=text_columns,
            label_column=label_column,
            figures=figures,
            force=force,
            seed=seed,
            device=device,
            threads=threads,
            memory_limit=memory_limit,
            progress=watch_shares(talk),
        )
        _tell(talk, report, figures)
        return 0

    return attempt(talk, "eval", work)


def _tell(talk: Talk, report: "EvaluateReport", figures: str | None) -> None:
    """Print the verdicts, and talk about what surrounds them."""
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        for line in str(report).splitlines():
            click.echo(printable(line))
    for columns in dict.fromkeys(getattr(one, "columns", "") for one in report.verdicts):
        if columns:
            talk.detail(f"columns: {columns}")
    size = show_size(report.program_bits / 8) if report.program_bits else "no size: it learns while it codes"
    talk.note(f"judged in {report.seconds:.1f} s; the program has {size}")
    if figures is not None:
        talk.note(f"wrote figures to {figures}")
