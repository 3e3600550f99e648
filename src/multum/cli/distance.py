"""`multum distance`."""

import click

from multum.cli.jobs import announce_compiling, attempt
from multum.cli.options import talk_options
from multum.cli.talk import Talk

EXAMPLES = """\b
Examples:
  multum distance draft.txt final.txt      0 the same, 1 nothing in common
  multum distance --level 9 a.bin b.bin    more patient networks
  multum distance --json src-1.0/ src-1.1/
"""


@click.command(epilog=EXAMPLES)
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--level", type=click.IntRange(1, 9), default=5, metavar="N", help="Of the networks [default: 5].")
@talk_options
def distance(a: str, b: str, level: int, as_json: bool, quiet: int, verbose: int) -> int:
    """Show how far A and B are from each other, by what each takes after the other.

    A and B are files, folders (their files one after another) or archives (what
    they hold). Nothing is forgotten, however long they are.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.similarity import distances  # loads NumPy, so not before it is needed

        announce_compiling(talk)
        report = distances.distance(a, b, level=level)
        talk.result(report.as_dict())
        if not as_json:
            click.echo(f"{report.distance:.4f}")
        talk.note(f"{a}: {report.a_bits:,.0f} bits alone, {report.a_bits_after_b:,.0f} after {b}")
        talk.note(f"{b}: {report.b_bits:,.0f} bits alone, {report.b_bits_after_a:,.0f} after {a}")
        return 0

    return attempt(talk, "distance", work)
