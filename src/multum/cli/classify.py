"""`multum classify`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt
from multum.cli.options import talk_options, work_options
from multum.cli.talk import Talk, printable

if TYPE_CHECKING:
    from multum.similarity.classifying import ClassifyReport

EXAMPLES = """\b
Examples:
  multum classify --train reviews.csv --test held-out.csv    how well it does
  multum classify --train mail/ --test inbox/                a folder a class
  multum classify --train mail/ --test subjects.txt --json   a text a line
  multum classify --train a.csv --test b.csv -o told.jsonl   each text's bits
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--train", required=True, type=click.Path(), metavar="DATA", help="Texts with labels: csv, tsv, jsonl, folder."
)
@click.option(
    "--test", required=True, type=click.Path(), metavar="DATA", help="Texts to tell: the same, or .txt, or files."
)
@click.option("-o", "--output", metavar="FILE", help="Write what each text is to FILE, as JSON lines.")
@click.option("-f", "--force", is_flag=True, help="Overwrite FILE if it exists.")
@click.option("--level", type=click.IntRange(1, 9), metavar="N", help="Networks of 1 to 9 [default: lean ones].")
@click.option(
    "--text-column", "text_columns", multiple=True, metavar="NAME", help="Where the text is; may be repeated."
)
@click.option("--label-column", metavar="NAME", help="Where the label is. Both are guessed without.")
@work_options
@talk_options
def classify(
    train: str,
    test: str,
    output: str | None,
    force: bool,
    level: int | None,
    text_columns: tuple[str, ...],
    label_column: str | None,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Say which class texts belong to: that whose texts foretell them best.

    A program a class reads its texts; another text belongs where it takes the
    fewest bits. Nothing is trained beyond that. With labels in --test the scores
    are shown, without them what each text is.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.similarity import classifying  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = classifying.classify(
            train,
            test,
            output,
            level=level,
            text_columns=text_columns,
            label_column=label_column,
            threads=threads,
            memory_limit=memory_limit,
            force=force,
            progress=talk.progress("classify"),
        )
        _tell(talk, report, output)
        return 0

    return attempt(talk, "classify", work)


def _tell(talk: Talk, report: "ClassifyReport", output: str | None) -> None:
    """Print the scores, or what each text is where there are none."""
    talk.clear()
    if report.columns:
        talk.detail(f"{report.train}: {report.columns}")
    if report.scores is not None:
        talk.result(report.as_dict())
    else:
        for one in report.predictions:
            talk.result(one.as_dict())
    if not talk.as_json:
        _show(report)
    if not report.calibrated_on:
        talk.warn("too few texts to hold some out: probabilities are a guess; give five texts a class or more")
    told = f"told {len(report.predictions):,} texts in {report.test_time_s:.1f} s"
    talk.note(f"read {report.train} in {report.train_time_s:.1f} s, {told}")
    if output is not None:
        talk.note(f"wrote {output}")


def _show(report: "ClassifyReport") -> None:
    scores = report.scores
    if scores is not None:
        click.echo(
            f"{scores.examples:,} texts: accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f},"
            f" {scores.bits_per_label:.4f} bits per label"
        )
        click.echo(printable(str(scores)).replace("\\n", "\n"))
        return
    for one in report.predictions:
        click.echo(f"{printable(one.label)}\t{one.probability:.3f}\t{printable(one.name)}")
