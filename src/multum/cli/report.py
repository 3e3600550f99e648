"""`multum report`."""

from typing import TYPE_CHECKING

import click

from multum.cli.jobs import announce_compiling, attempt, watch_shares
from multum.cli.options import checked_size, talk_options
from multum.cli.talk import Talk, printable, show_size

if TYPE_CHECKING:
    from multum.reporting.reporter import PageReport

EXAMPLES = """\b
Examples:
  multum report run/ -o report.html              a fit: learning, a sample
  multum report run/ -o report.html --text notes.txt
  multum report ladder/ -o report.html --figures figures/
  multum report law.json runs.csv -o report.html
  multum find --json a.txt > find.json && multum report find.json -o report.html
"""


@click.command(epilog=EXAMPLES)
@click.argument("sources", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", metavar="PAGE", required=True, help="Write the page to PAGE, such as report.html.")
@click.option("--text", metavar="FILE", help="Show FILE coloured by what surprised programs in it.")
@click.option(
    "--program",
    "programs",
    multiple=True,
    metavar="PROGRAM",
    help="Which programs, beside level:5, and draw samples of them [default: the best fit in SOURCES].",
)
@click.option(
    "--text-bytes", callback=checked_size, metavar="SIZE", help="Read so much of FILE at most [default: 64K]."
)
@click.option("--sample-bytes", callback=checked_size, metavar="SIZE", help="Of a sample; 0 for none [default: 400].")
@click.option("--figures", metavar="FOLDER", help="Write every figure into FOLDER too, as SVG and PNG.")
@click.option("--title", metavar="TEXT", help="Of the page [default: the names of SOURCES].")
@click.option("-f", "--force", is_flag=True, help="Overwrite PAGE and figures if they exist.")
@talk_options
def report(
    sources: tuple[str, ...],
    output: str,
    text: str | None,
    programs: tuple[str, ...],
    text_bytes: int | None,
    sample_bytes: int | None,
    figures: str | None,
    title: str | None,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Write one page, which needs no network, about what other verbs found.

    SOURCES are folders that fit or ladder made, LAW.json, what find, shrink, bits,
    law, discover and demo print with --json, archives, and tables of runs.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.reporting import reporter  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        sizes = {"text_bytes": text_bytes, "sample_bytes": sample_bytes}
        made = reporter.report(
            sources,
            output,
            text=text,
            programs=programs,
            figures=figures,
            title=title,
            force=force,
            progress=watch_shares(talk),
            **{name: size for name, size in sizes.items() if size is not None},
        )
        _tell(talk, made)
        return 0

    return attempt(talk, "report", work)


def _tell(talk: Talk, made: "PageReport") -> None:
    """Print the page's path, and talk about what is on it."""
    talk.clear()
    for note in made.notes:
        talk.note(note)
    talk.result(made.as_dict())
    if not talk.as_json:
        click.echo(printable(made.target))
    talk.note(f"{show_size(made.page_bytes)}: {', '.join(made.sections)}; open it in any browser")
    if made.figures:
        talk.note(f"{len(made.figures) // 2} figures on the side, as SVG and PNG")
