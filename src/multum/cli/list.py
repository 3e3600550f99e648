"""`multum list`."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from multum.cli.jobs import STREAM, attempt, inputs_of, shown, source_stream, worst
from multum.cli.options import files_argument, talk_options
from multum.cli.talk import Talk, printable, show_size

if TYPE_CHECKING:
    from multum.archive.listing import Listing

EXAMPLES = """\b
Examples:
  multum list *.mtm
  multum list -v a.mtm               its blocks, recipes, digest too
  multum list --json a.mtm | jq .bpb
"""

HEAD = f"{'raw':>15} {'archive':>13} {'bits/byte':>9} {'level':>5} {'blocks':>6} {'memory':>9}  file"


@click.command(name="list", epilog=EXAMPLES)
@files_argument
@talk_options
def list_(files: tuple[str, ...], as_json: bool, quiet: int, verbose: int) -> int:
    """Show what FILES hold and what they cost; nothing is decoded.

    memory is what unpacking takes for each thread.
    """
    talk = Talk(quiet, verbose, as_json)
    inputs = inputs_of(files)
    if not as_json:
        click.echo(HEAD)
    return worst(_list_one(talk, path, verbose) for path in inputs)


def _list_one(talk: Talk, path: str, verbose: int) -> int:
    """Print the line or the object of one archive; return its exit code."""

    def work() -> int:
        from multum.archive.listing import list_archive

        listing = list_archive(source_stream() if path == STREAM else path)
        talk.result({"source": shown(path)} | asdict(listing))
        if not talk.as_json:
            click.echo(_line(shown(path), listing))
        if verbose and not talk.as_json:
            click.echo("\n".join(_details(listing)))
        return 0

    return attempt(talk, shown(path), work)


def _line(name: str, listing: "Listing") -> str:
    """Return the table line of an archive."""
    rate = f"{listing.bpb:.3f}" if listing.bpb is not None else "-"
    return (
        f"{listing.raw_bytes:>15,} {listing.archive_bytes:>13,} {rate:>9} {listing.level:>5}"
        f" {listing.blocks:>6} {show_size(listing.memory_bytes):>9}  {printable(name)}"
    )


def _details(listing: "Listing") -> list[str]:
    """Return the lines that -v adds below an archive's."""
    lines = [f"    {listing.kind}, sha256 {listing.digest}"]
    if listing.name is not None and listing.mode is not None and listing.mtime_ns is not None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(listing.mtime_ns // 10**9))
        lines.append(f"    packed from {printable(listing.name)}, mode {listing.mode:o}, {stamp}")
    lines.append(
        f"    payload {listing.coded_bytes:,}, container {listing.container_bytes:,}"
        f" (recipes {listing.recipe_bytes:,}) bytes"
    )
    if listing.program is not None:
        where = f"{listing.program_bytes:,} bytes inside" if listing.program.carried else "by reference"
        size, name = f"{listing.program.size_bytes:,} bytes", printable(listing.program.name)
        lines.append(f"    program {name}: {size}, {where}, sha256 {listing.program.digest}")
    if listing.base is not None:
        size, name = f"{listing.base.size_bytes:,} bytes", printable(listing.base.name)
        lines.append(f"    base {name}: {size}, by reference, sha256 {listing.base.digest}")
    lines += [f"    recipe {n}: {recipe}" for n, recipe in enumerate(listing.recipe, 1)]
    for number, part in enumerate(listing.parts, 1):
        transforms = f", transforms {part.transforms}" if part.transforms else ""
        lines.append(
            f"    block {number}: {part.raw_bytes:,} -> {part.coded_bytes:,} bytes, {part.method}"
            f", recipe {part.recipe}{transforms}, at byte {part.offset:,}"
        )
    return lines
