"""`multum explain`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt, watch_shares
from multum.cli.options import checked_size, talk_options, work_options
from multum.cli.talk import Talk, printable

if TYPE_CHECKING:
    from multum.explaining.reports import ExplainReport

EXAMPLES = """\b
Examples:
  multum explain run/ test.tsv -o why.html        what spoke for which class
  multum explain run/ test.tsv --method shap --class positive
  multum explain classify test.csv --train train.csv   exact, byte by byte
  multum explain level:5 notes.txt table.csv      which contexts earn bits
"""


@click.command(epilog=EXAMPLES)
@click.argument("program")
@click.argument("data", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", metavar="PAGE", help="Write a page to PAGE, such as why.html.")
@click.option("--method", metavar="NAME", help="occlusion, shap, lime [default: gradients of networks, else bits].")
@click.option("--class", "chosen", metavar="NAME", help="Speak for this class [default: the one that is told].")
@click.option("--examples", type=click.IntRange(min=1), default=6, metavar="N", help="How many inputs [default: 6].")
@click.option("--pick", default="worst", metavar="WHICH", help="Those told worst, best or first [default: worst].")
@click.option("--train", metavar="FILE", help="What classify reads first.")
@click.option("--text-column", "text_columns", multiple=True, metavar="NAME", help="Where the text is.")
@click.option("--label-column", metavar="NAME", help="Where the label is. Both are guessed without.")
@click.option("--sample", "sample_bytes", callback=checked_size, metavar="SIZE", help="Measure so much of each [128K].")
@click.option("--figures", metavar="FOLDER", help="Write every figure into FOLDER too, as SVG and PNG.")
@click.option("-f", "--force", is_flag=True, help="Overwrite PAGE and figures if they exist.")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N [default: auto].")
@work_options
@talk_options
def explain(
    program: str,
    data: tuple[str, ...],
    output: str | None,
    method: str | None,
    chosen: str | None,
    examples: int,
    pick: str,
    train: str | None,
    text_columns: tuple[str, ...],
    label_column: str | None,
    sample_bytes: int | None,
    figures: str | None,
    force: bool,
    device: str,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Say why PROGRAM says what it says of DATA.

    Of a classifier (as for eval): what each word or pixel of an input adds, in bits
    for a class rather than its nearest rival. Of level:1 to level:9 or an archive's
    recipe: how many bits more DATA take without each context.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.explaining import earnings, explainer  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = explainer.explain(
            program,
            data,
            output,
            method=method,
            chosen=chosen,
            examples=examples,
            pick=pick,
            train=train,
            text_columns=text_columns,
            label_column=label_column,
            sample_bytes=earnings.SAMPLE_BYTES if sample_bytes is None else sample_bytes,
            figures=figures,
            force=force,
            device=device,
            threads=threads,
            memory_limit=memory_limit,
            progress=watch_shares(talk),
        )
        _tell(talk, report, output)
        return 0

    return attempt(talk, "explain", work)


def _tell(talk: Talk, report: "ExplainReport", output: str | None) -> None:
    """Print what was found, and talk about what was written."""
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json:
        for line in str(report).splitlines():
            click.echo(printable(line))
    talk.note(f"explained by {report.method} in {report.seconds:.1f} s")
    if output is not None:
        talk.note(f"wrote {output}; open it in any browser")
