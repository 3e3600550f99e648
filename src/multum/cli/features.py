"""`multum features`."""

import click

from multum.cli.jobs import announce_compiling, attempt
from multum.cli.options import talk_options, work_options
from multum.cli.talk import Talk

EXAMPLES = """\b
Examples:
  multum features run/ reviews.csv -o X.npy --labels y.npy
  multum features run/ notes.txt -o X.npy --kind mean --kind bits
  multum features classes:mail/ inbox.txt -o X.npy     bits a class
  multum features level:3 files/ -o X.npy --with level:6
"""


@click.command(epilog=EXAMPLES)
@click.argument("program")
@click.argument("data", type=click.Path())
@click.option("-o", "--output", required=True, metavar="FILE", help="Where the numbers go: float32, a row an item.")
@click.option("--labels", metavar="FILE", help="Write the labels of the items to FILE, too.")
@click.option("-f", "--force", is_flag=True, help="Overwrite files that exist.")
@click.option("--with", "others", multiple=True, metavar="PROGRAM", help="Columns of another; may be repeated.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(["mean", "last", "max", "bits"]),
    help="Hidden states, pooled; or bits; may be repeated [default: mean].",
)
@click.option("--layer", type=int, default=-1, metavar="N", help="Of the states: 0 what goes in, -1 the last one.")
@click.option("--text-column", "text_columns", multiple=True, metavar="NAME", help="Where the text is; guessed.")
@click.option("--label-column", metavar="NAME", help="Where the label is; guessed.")
@click.option("--device", default="auto", metavar="DEVICE", help="cpu, cuda, or auto [default].")
@work_options
@talk_options
def features(
    program: str,
    data: str,
    output: str,
    labels: str | None,
    force: bool,
    others: tuple[str, ...],
    kinds: tuple[str, ...],
    layer: int,
    text_columns: tuple[str, ...],
    label_column: str | None,
    device: str,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Write what PROGRAM makes of each item of DATA as numbers, for any estimator.

    PROGRAM is what fit has trained, an archive, a hub model: its hidden states,
    or bits. Or level:1 to level:9, or classes:TRAIN for a program a class: bits.
    DATA is a table, a folder of files, or a .txt file with an item a line.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.similarity import extraction  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = extraction.features(
            [program, *others],
            data,
            output,
            kinds=kinds or ("mean",),
            layer=layer,
            labels=labels,
            text_columns=text_columns,
            label_column=label_column,
            device=device,
            threads=threads,
            memory_limit=memory_limit,
            force=force,
            progress=talk.progress("features"),
        )
        talk.clear()
        talk.result(report.as_dict())
        rows, columns = report.values.shape
        talk.note(f"wrote {output}: {rows:,} items, {columns:,} columns, {report.time_s:.1f} s")
        if labels is not None:
            talk.note(f"wrote {labels}")
        return 0

    return attempt(talk, "features", work)
