"""`multum cluster`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt
from multum.cli.options import talk_options, work_options
from multum.cli.talk import Talk, printable

if TYPE_CHECKING:
    from multum.similarity.clustering import ClusterReport

EXAMPLES = """\b
Examples:
  multum cluster genomes/*.fa -o tree.nwk --png tree.png
  multum cluster texts/ --groups 3         the files of a folder
  multum cluster lines.txt --json          a text a line
"""


@click.command(epilog=EXAMPLES)
@click.argument("items", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", metavar="FILE", help="Write the tree to FILE, in Newick's format.")
@click.option("--png", metavar="FILE", help="Draw the tree into FILE.")
@click.option("-f", "--force", is_flag=True, help="Overwrite files that exist.")
@click.option("--groups", type=click.IntRange(min=1), metavar="N", help="Cut the tree into N groups, and show them.")
@click.option(
    "--method",
    type=click.Choice(["average", "complete", "single", "weighted"]),
    default="average",
    help="How clusters are compared [default: average].",
)
@click.option("--level", type=click.IntRange(1, 9), default=5, metavar="N", help="Of the networks [default: 5].")
@work_options
@talk_options
def cluster(
    items: tuple[str, ...],
    output: str | None,
    png: str | None,
    force: bool,
    groups: int | None,
    method: str,
    level: int,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Join ITEMS into a tree, first those that have most in common.

    ITEMS are files; or one folder, table (csv, tsv, jsonl) or .txt file, whose
    texts are compared. All pairs are: twice as many items take four times as long.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.similarity import clustering  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = clustering.cluster(
            items,
            output,
            png=png,
            groups=groups,
            method=method,
            level=level,
            threads=threads,
            memory_limit=memory_limit,
            force=force,
            progress=talk.progress("cluster"),
        )
        _tell(talk, report)
        for target in (output, png):
            if target is not None:
                talk.note(f"wrote {target}")
        return 0

    return attempt(talk, "cluster", work)


def _tell(talk: Talk, report: "ClusterReport") -> None:
    """Print the groups, or the tree where none were asked for."""
    talk.clear()
    talk.result(report.as_dict())
    if not talk.as_json and report.groups is None:
        click.echo(printable(report.newick))
    elif not talk.as_json and report.groups is not None:
        for group, name in sorted(zip(report.groups, report.names, strict=True), key=lambda one: one[0]):
            click.echo(f"{group}\t{printable(name)}")
    talk.note(f"compared {len(report.names)} items in {report.time_s:.1f} s")
